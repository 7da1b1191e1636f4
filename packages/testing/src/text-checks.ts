import { type Fields, mapConcurrent, setField } from "@db/core";
import { hostileText } from "./hostile-text.ts";

export async function each(run: (text: string, index: number) => Promise<void>): Promise<void> {
  await mapConcurrent(hostileText, run, { concurrency: 4 });
}

export function field(name: string, value: Fields[string]): Fields {
  const fields = {};
  setField(fields, name, value);
  return fields;
}
