import type { ComponentChildren } from "preact";

interface PanelProps {
  readonly title: string;
  readonly aside?: ComponentChildren;
  readonly wide?: boolean;
  readonly children: ComponentChildren;
}

export function Panel({ title, aside, wide = false, children }: PanelProps) {
  const id = title.toLowerCase().replaceAll(" ", "-");
  return (
    <section class={wide ? "panel wide" : "panel"} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside === undefined ? null : <p class="aside">{aside}</p>}
      </header>
      {children}
    </section>
  );
}

interface TableProps {
  readonly caption: string;
  readonly heads: readonly string[];
  readonly rows: readonly (readonly ComponentChildren[])[];
  readonly empty: string;
  /** From which column on there are figures, which stand to the right. */
  readonly figuresFrom?: number;
}

export function Table({ caption, heads, rows, empty, figuresFrom = heads.length }: TableProps) {
  if (rows.length === 0) return <p class="empty">{empty}</p>;
  const kind = (index: number): string | undefined => (index >= figuresFrom ? "figure" : undefined);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls by itself, and must be reachable by keyboard to do so.
    <section class="scroll" tabIndex={0} aria-label={caption}>
      <table>
        <caption class="for-screen-readers">{caption}</caption>
        <thead>
          <tr>
            {heads.map((head, index) => (
              <th scope="col" class={kind(index)} key={head}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells, row) => (
            <tr key={row}>
              {cells.map((cell, index) => (
                <td class={kind(index)} key={heads[index]}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

export function Facts({ facts }: { readonly facts: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
