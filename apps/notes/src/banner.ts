/** What a person sees once the service is ready: where it is, how to try it, where the data lies. */
export function banner(url: string, databaseUrl: string): string {
  return `notes: ready on ${url} (documentation: ${url}/docs)

  curl -s ${url}/notes -H 'content-type: application/json' \\
    -d '{"title":"Milk","content":"Two litres.","author":"ada"}'

The data lies in ${place(databaseUrl)}. Ctrl-C ends the service.
`;
}

function place(databaseUrl: string): string {
  const [, engine = "", path = ""] = /^(\w+):\/\/([^?]*)/.exec(databaseUrl) ?? [];
  return engine === "mem" ? `${engine}: it is gone at the end` : `${path} (${engine})`;
}
