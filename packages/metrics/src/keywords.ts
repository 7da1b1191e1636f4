/** The words of SurrealQL behind which a value can begin: there a slash may be a regular expression. */
export const KEYWORDS: ReadonlySet<string> = new Set(
  `access after all allinside always alter analyze and any anyinside as asc assert at authenticate before begin by cancel changefeed changes collate
  columns commit comment computed concurrently contains containsall containsany containsnone containsnot content create default
  define delete desc diff dimension dist distinct drop duplicate each edges else end enforced exclude exists expired
  explain expunge extend fetch fields filters first flexible for from full function group having if ignore in include index info
  inside insert intersects into is isolate key kill last let level like limit live lowercase matches merge none noindex
  noneinside not notinside null numeric omit on only or order outside overwrite parallel password patch permissions
  purge read readonly rebuild reference references relate relation remove replace retry return revoked roles schemafull schemaless
  select session set show signin signup since sleep snapshot split start tempfiles then throw timeout to token
  transaction tokenizers type unique unset update upsert uppercase url use using value values version view when where
  while with write`.split(/\s+/),
);
