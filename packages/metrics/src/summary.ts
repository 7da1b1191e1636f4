/** As long as the conventions allow. */
const MAX_LENGTH = 255;

/** Words that begin a statement, with what stands between them and their target. */
const STATEMENTS = [
  String.raw`(?<select>SELECT)\b[^;]*?\bFROM\s+(?:ONLY\s+)?(?<from>[^\s;,(){}:[\]]+)`,
  String.raw`(?<insert>INSERT)\s+(?:RELATION\s+|IGNORE\s+)*INTO\s+(?<into>[^\s;,(){}:[\]]+)`,
  String.raw`(?<relate>RELATE)\b[^;]*?->\s*(?<edge>[^\s;,(){}:[\]-]+)`,
  String.raw`(?<write>CREATE|UPDATE|UPSERT|DELETE)\s+(?:FROM\s+)?(?:ONLY\s+)?(?<table>[^\s;,(){}:[\]]+)`,
  String.raw`(?<schema>DEFINE|REMOVE|ALTER|REBUILD)\s+(?<what>[A-Za-z]+)`,
  String.raw`(?<other>LET|RETURN|INFO|LIVE|KILL|BEGIN|COMMIT|CANCEL|USE|SLEEP|THROW|FOR|IF|SHOW)\b`,
].join("|");

/**
 * What a sanitised query does to what, in order: `SELECT notes; UPDATE accounts`. At most 255 characters, never cut inside
 * a name. Undefined where nothing is recognised.
 */
export function summarizeQuery(sanitized: string): string | undefined {
  let summary = "";
  for (const { groups = {} } of sanitized.matchAll(new RegExp(String.raw`(?<![\w.$])(?:${STATEMENTS})`, "gi"))) {
    const { select, from, insert, into, relate, edge, write, table, schema, what, other } = groups;
    const verb = select ?? insert ?? relate ?? write ?? schema ?? other;
    const target = from ?? into ?? edge ?? table ?? what;
    const part = [verb?.toUpperCase(), target === "?" ? undefined : target]
      .filter((word) => word !== undefined)
      .join(" ");
    const longer = summary === "" ? part : `${summary} ${part}`;
    if (longer.length > MAX_LENGTH) break;
    summary = longer;
  }
  return summary === "" ? undefined : summary;
}
