import { createHash } from "node:crypto";
import { DatabaseErrorOf, type Fields } from "@db/core";
import type { AnyModel } from "@db/models";
import { HttpFault } from "./problem.ts";

/** What the entity tag of a record is: a digest of its JSON, so the same content has the same tag after any restart. */
export function entityTag(json: string): string {
  return `"${createHash("sha256").update(json).digest("base64url").slice(0, 22)}"`;
}

/** Whether an `If-None-Match` names the tag (RFC 9110, 13.1.2: compared weakly). */
export function isNotModified(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === "*" || tagsIn(header).some((given) => given.replace(/^W\//, "") === tag);
}

/**
 * Refuses a change of what the client has not seen (RFC 9110, 13.1.1: compared strongly, so a weak tag never matches).
 * @throws HttpFault 400 for what is no list of tags; PRECONDITION_FAILED
 */
export function checkIfMatch(header: string, tag: string, id: string): void {
  if (header.trim() === "*") return;
  const tags = tagsIn(header);
  if (tags.length === 0)
    throw new HttpFault(400, 'If-Match: expected "*" or entity tags in double quotes, separated by commas');
  if (!tags.includes(tag)) throw new DatabaseErrorOf("PRECONDITION_FAILED", "the record has changed meanwhile", { id });
}

/**
 * The record as a guard of a write, so that what comes in between is noticed by the database: every field as it was
 * seen, and null for those that were not there.
 */
export function asSeen(model: AnyModel, record: object): Fields {
  const { id: _, ...seen } = record as { readonly id: string } & Fields;
  const missing = Object.keys(model.fields).filter((name) => seen[name] === undefined);
  const present = Object.entries(seen).filter(([, value]) => value !== undefined);
  return Object.fromEntries([...present, ...missing.map((name) => [name, null] as const)]);
}

const TAG = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;

function tagsIn(header: string): readonly string[] {
  return header.match(TAG) ?? [];
}
