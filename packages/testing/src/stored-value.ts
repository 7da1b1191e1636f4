import { classOf, copyValue, type Fields, setField, type Value } from "@db/core";

/** A deep copy as a database keeps it: a whole number that a `number` holds exactly is one, however it was written. */
export function storedValue(value: Value): Value {
  switch (classOf(value)) {
    case "number":
      return typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value;
    case "array":
      return (value as readonly Value[]).map(storedValue);
    case "object":
      return storedFields(value as Fields);
    default:
      return copyValue(value);
  }
}

export function storedFields(fields: Fields): Fields {
  const copy: { [field: string]: Value } = {};
  for (const [name, value] of Object.entries(fields)) setField(copy, name, storedValue(value));
  return copy;
}
