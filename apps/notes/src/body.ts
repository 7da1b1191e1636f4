import { invalid } from "@db/core";
import { HttpFault } from "./problem.ts";

/**
 * The JSON in a request's body. Counts bytes as they come in, so that no more than the limit is ever held.
 * @throws HttpFault 415 for another media type, 413 beyond the limit, 499 where the rest never came; VALIDATION_FAILED for
 *   what is no JSON
 */
export async function readJson(request: Request, limitBytes: number): Promise<unknown> {
  return parseJson(await readText(request, limitBytes));
}

/** The text of a body that says it is JSON. @throws as `readJson` */
export async function readText(request: Request, limitBytes: number): Promise<string> {
  checkMediaType(request.headers);
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > limitBytes) throw tooLarge(limitBytes);
  return decode(await readBytes(request, limitBytes));
}

/** @throws VALIDATION_FAILED */
export function parseJson(text: string): unknown {
  if (text.trim() === "") throw invalid([], "json", "JSON, got an empty body");
  try {
    return JSON.parse(text);
  } catch (cause) {
    // The parser's message quotes the text; its position does not.
    const position = cause instanceof SyntaxError ? / at position \d+/.exec(cause.message)?.[0] : undefined;
    throw invalid([], "json", position === undefined ? "well-formed JSON" : `well-formed JSON, broken${position}`);
  }
}

function checkMediaType(headers: Headers): void {
  const [type = "", ...parameters] = (headers.get("content-type") ?? "").toLowerCase().split(";");
  const charset = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith("charset="));
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  const coding = (headers.get("content-encoding") ?? "identity").toLowerCase();
  if (type.trim() === "application/json" && isUtf8 && coding === "identity") return;
  throw new HttpFault(415, "expected a body of application/json in UTF-8, not compressed", {
    bodyRule: "content_type",
  });
}

async function readBytes(request: Request, limitBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const reader = request.body?.getReader();
  while (reader !== undefined) {
    const { done, value } = await reader.read().catch(() => {
      throw new HttpFault(499, "the connection ended before the body did");
    });
    if (done) break;
    bytes += value.byteLength;
    if (bytes > limitBytes) {
      // Left unread, not cancelled: that would cut the connection under the answer.
      reader.releaseLock();
      throw tooLarge(limitBytes);
    }
    chunks.push(value);
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalid([], "utf8", "text in UTF-8");
  }
}

function tooLarge(limitBytes: number): HttpFault {
  return new HttpFault(413, `expected a body of at most ${limitBytes} bytes`, {
    headers: { connection: "close" },
    bodyRule: "max_bytes",
  });
}
