/** Two 32-bit numbers, chosen at random for each queue: nobody can prepare record ids that collide. */
export type Seed = readonly [a: number, b: number];

/** Between the parts of a key: no scope, record id or operation id holds it. */
const SEPARATOR = "\0";

/**
 * A hash of 53 bits, which a double holds exactly. Two multiplicative hashes over UTF-16 units, mixed by the finaliser of
 * MurmurHash3 (Appleby, 2011). Not for secrets.
 */
export function hashText(text: string, [seedA, seedB]: Seed): number {
  let a = seedA ^ text.length;
  let b = seedB;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    a = Math.imul(a ^ unit, 0x9e3779b1);
    b = Math.imul(b ^ unit, 0x5f356495);
    a ^= b >>> 15;
  }
  a = finish(a ^ b);
  b = finish(b ^ (a >>> 3));
  return (b & 0x1fffff) * 0x1_0000_0000 + (a >>> 0);
}

/** The lane of a write: its tenant and its record. */
export function laneKey(
  id: string,
  scope: { readonly namespace: string; readonly database: string } | undefined,
): string {
  return scope === undefined ? id : `${scope.namespace}${SEPARATOR}${scope.database}${SEPARATOR}${id}`;
}

function finish(hash: number): number {
  let mixed = hash;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
