import { createHash } from "node:crypto";
import type { OpenAPIV3_1 } from "openapi-types";
import { Html, html } from "./html.ts";
import type { ApiDocument } from "./openapi.ts";

type Schema = OpenAPIV3_1.SchemaObject | OpenAPIV3_1.ReferenceObject;
const METHODS = ["get", "post", "patch", "delete"] as const;

const STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 22%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
code, pre { font: 0.9em ui-monospace, monospace; }
pre { overflow-x: auto; border: 1px solid var(--line); border-radius: 0.4rem; padding: 0.6rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.6rem 0.25rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
summary { cursor: pointer; padding: 0.4rem 0; }
summary b { display: inline-block; min-width: 4.5rem; text-transform: uppercase; }
`;

const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");
const CSP = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** The API document as a page: no script, nothing loaded, so that it works offline and under the strictest policy. */
export function docsPage(document: ApiDocument): { readonly html: string; readonly csp: string } {
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => (item[method] === undefined ? [] : [{ path, method, about: item[method] }])),
  );
  const named = document.tags?.map(({ name }) => name) ?? [];
  const tags = [...new Set([...named, ...operations.flatMap(({ about }) => about.tags ?? [])])];
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${document.info.title} ${document.info.version}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<h1>${document.info.title} <small>${document.info.version}</small></h1>
<p>${document.info.description}</p>
<p>For programs: <a href="/openapi.json">openapi.json</a></p>
${tags.map(
  (tag) => html`<section><h2>${tag}</h2>
${operations.filter(({ about }) => about.tags?.includes(tag)).map(operation)}</section>`,
)}
<section><h2>schemas</h2>
${Object.entries(document.components.schemas ?? {}).map(
  ([name, schema]) =>
    html`<details open id="schema-${name}"><summary><code>${name}</code></summary>${fields(schema)}</details>`,
)}</section>
</body>
</html>
`;
  return { html: page.text, csp: CSP };
}

interface Operation {
  readonly path: string;
  readonly method: string;
  readonly about: OpenAPIV3_1.OperationObject;
}

function operation({ path, method, about }: Operation): Html {
  const parameters = (about.parameters ?? []).flatMap((parameter) => ("$ref" in parameter ? [] : [parameter]));
  const body = about.requestBody !== undefined && "content" in about.requestBody ? about.requestBody.content : {};
  return html`<details><summary><b>${method}</b> <code>${path}</code> ${about.summary}</summary>
<p>${about.description}</p>
${table(
  ["parameter", "in", "meaning"],
  parameters.map(({ name, in: place, description, schema }) => [
    html`<code>${name}</code>`,
    place,
    html`${description} ${schema === undefined ? "" : words(schema)}`,
  ]),
)}
${Object.entries(body).map(
  ([type, { schema, example }]) =>
    html`<p>Body: <code>${type}</code> ${schema === undefined ? "" : words(schema)}</p><pre>${JSON.stringify(example, null, 2)}</pre>`,
)}
${table(
  ["answer", "meaning", "body"],
  Object.entries(about.responses ?? {}).map(([status, response]) => {
    const content = "content" in response ? Object.entries(response.content ?? {}) : [];
    const types = content.map(
      ([type, { schema }]) => html`<code>${type}</code> ${schema === undefined ? "" : words(schema)}`,
    );
    return [status, "description" in response ? response.description : "", types];
  }),
)}</details>
`;
}

function fields(schema: Schema): Html {
  if (!("properties" in schema)) return words(schema);
  const required = schema.required ?? [];
  const rows = Object.entries(schema.properties ?? {}).map(([name, field]) => [
    html`<code>${name}</code>`,
    required.includes(name) ? "always" : "",
    words(field),
  ]);
  return html`<p>${schema.description}</p>${table(["field", "there", "what"], rows)}`;
}

/** A schema in a line: its type, then each of its keywords. */
function words(schema: Schema): Html {
  if ("$ref" in schema && schema.$ref !== undefined) {
    const name = schema.$ref.split("/").at(-1) ?? "";
    return html`<a href="#schema-${name}">${name}</a>`;
  }
  const { type, description, properties: _, items, required: __, ...rules } = schema as Record<string, unknown>;
  const each = items === undefined ? "" : html` of ${words(items as Schema)}`;
  const facts = Object.entries(rules).map(([rule, value]) => `${rule} ${JSON.stringify(value)}`);
  const told = [...facts, ...(description === undefined ? [] : [String(description)])].join("; ");
  return html`${[type].flat().join(" or ")}${each}${told === "" ? "" : `: ${told}`}`;
}

function table(heads: readonly string[], rows: readonly (readonly unknown[])[]): Html {
  if (rows.length === 0) return html``;
  return html`<table><thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead><tbody>${rows.map(
    (row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`,
  )}</tbody></table>`;
}
