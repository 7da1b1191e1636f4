/** Where a record is. */
export function locationOf(collection: string, id: string): string {
  return `/${collection}/${encodeURIComponent(id).replaceAll("%3A", ":")}`;
}
