import { STATUS_CODES } from "node:http";

/** RFC 9110's words where Node has older ones, and for what only proxies have a word. */
const NEWER: Readonly<Record<number, string>> = {
  413: "Content Too Large",
  422: "Unprocessable Content",
  499: "Client Closed Request",
};

/** A status in words: the same ones in status lines, problem documents and the API's documentation. */
export function statusText(status: number): string {
  return NEWER[status] ?? STATUS_CODES[status] ?? "Error";
}
