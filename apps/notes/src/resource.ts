import type { Filter } from "@db/core";
import { type AnyModel, defineModel, type FieldSchemas, type StandardSchema } from "@db/models";

/** A model as it is offered over HTTP: its collection's name is the path. */
export interface Resource {
  /** One of them, for the documents: "note". */
  readonly noun: string;
  readonly model: AnyModel;
  /** Fields that the service sets and a client may not. Default none. */
  readonly readOnly?: readonly string[];
  /** Parameters that narrow a list. Default none. */
  readonly filters?: Readonly<Record<string, ResourceFilter>>;
  /** Fields that a list can be ordered by. Default none but the id. */
  readonly order?: readonly string[];
  /** For the documents: the body of a request that makes one. */
  readonly example: object;
}

interface ResourceFilter {
  readonly meaning: string;
  /** Of the parameter's text; may be missing. */
  readonly schema: StandardSchema<string | undefined, string | undefined>;
  readonly where: (text: string) => Filter;
}

/** The model of what a client may write: without the fields that are the service's. */
export function writable({ model, readOnly = [] }: Resource): AnyModel {
  const fields = Object.entries(model.fields).filter(([name]) => !readOnly.includes(name));
  return defineModel(model.collection, Object.fromEntries(fields) as FieldSchemas);
}
