import { checkKeys, expected } from "@db/core";
import { type ConversionConfig, type JsonSchema, toJsonSchema } from "@valibot/to-json-schema";
import type { GenericSchema } from "valibot";
import type { AnyModel } from "./model.ts";
import { rule } from "./rule.ts";
import type { StandardSchema } from "./standard-schema.ts";

/** What `modelJsonSchema` takes. */
export interface ModelJsonSchemaOptions {
  /**
   * What of the model is described: `create` the fields that a new record is made of, `patch` those of an update, none
   * of which is required, `record` a whole stored record with its id. Default `record`.
   */
  readonly view?: "create" | "patch" | "record";
  /** The dialect. Default `draft-2020-12`, which is that of OpenAPI 3.1. */
  readonly target?: "draft-07" | "draft-2020-12" | "openapi-3.0";
  /** Leave these fields out: those that a client may not set. Default none. */
  readonly omit?: readonly string[];
}

/**
 * A model as JSON Schema, for the documentation of an API. Dates are strings of the format `date-time`. Rules that JSON
 * Schema has no exact word for, as for the length in characters as people count them, stand in `description`.
 * @throws TypeError for an option that is unknown or wrong, and for a field whose schema is not valibot's
 */
export function modelJsonSchema(model: AnyModel, options: ModelJsonSchemaOptions = {}): JsonSchema {
  checkKeys("modelJsonSchema", options, ["view", "target", "omit"]);
  const { view = "record", target = "draft-2020-12", omit = [] } = options;
  checkChoice("view", view, VIEWS);
  checkChoice("target", target, TARGETS);
  // A misspelt name would show what was to be left out.
  if (!Array.isArray(omit) || !omit.every((name) => Object.hasOwn(model.fields, name)))
    throw expected("omit", `fields of "${model.collection}"`, omit);
  const properties: { [field: string]: JsonSchema } = {};
  const required: string[] = [];
  if (view === "record") {
    properties.id = {
      type: "string",
      pattern: `^${model.collection}:.+$`,
      description: "The record's id, made by the service.",
    };
    required.push("id");
  }
  for (const [name, field] of Object.entries(model.fields)) {
    if (omit.includes(name)) continue;
    const { $schema: _, default: fallback, ...schema } = toJsonSchema(asValibot(model, name, field), config(target));
    const shown = view === "create" && isPlainJson(fallback) ? { default: fallback } : {};
    properties[name] = { ...schema, ...shown } as JsonSchema;
    if (isRequired(field, view)) required.push(name);
  }
  const closed = view === "record" ? {} : { additionalProperties: false };
  return { type: "object", properties, ...(required.length > 0 ? { required } : {}), ...closed };
}

const VIEWS: readonly string[] = ["create", "patch", "record"];
const TARGETS: readonly string[] = ["draft-07", "draft-2020-12", "openapi-3.0"];

function checkChoice(option: string, choice: string, choices: readonly string[]): void {
  if (!choices.includes(choice)) throw expected(option, `one of ${choices.join(", ")}`, choice);
}

function config(target: NonNullable<ModelJsonSchemaOptions["target"]>): ConversionConfig {
  return {
    target,
    errorMode: "ignore",
    overrideSchema: ({ valibotSchema, jsonSchema }) =>
      valibotSchema.type === "date" ? { ...jsonSchema, type: "string", format: "date-time" } : undefined,
    overrideAction: ({ valibotAction, jsonSchema, errors }) => {
      const { type, reference, expects, requirement } = valibotAction as PipeStep;
      if (reference === rule) return described(jsonSchema, expects);
      const graphemes = /^(min_|max_)?graphemes$/.exec(type);
      if (graphemes === null) return errors === undefined ? undefined : described(jsonSchema, expects);
      const bound = { min_: "at least", max_: "at most" }[graphemes[1] ?? ""] ?? "exactly";
      return described(jsonSchema, `${bound} ${String(requirement)} characters`);
    },
  };
}

/** What is read of an action of `v.pipe`. */
interface PipeStep {
  readonly type: string;
  readonly reference: unknown;
  readonly expects?: unknown;
  readonly requirement?: unknown;
}

/** The words of a rule instead of a keyword that would be wrong. */
function described(jsonSchema: JsonSchema, words: unknown): JsonSchema | undefined {
  if (typeof words !== "string") return undefined;
  const { description } = jsonSchema;
  return { ...jsonSchema, description: description === undefined ? words : `${description}; ${words}` };
}

function asValibot(model: AnyModel, name: string, field: StandardSchema): GenericSchema {
  if (field["~standard"].vendor !== "valibot") {
    throw new TypeError(
      `modelJsonSchema("${model.collection}"): expected "${name}" to be a schema of valibot, got one of ${field["~standard"].vendor}`,
    );
  }
  return field as unknown as GenericSchema;
}

/** What may be left out on the way in, and what a record may lack on the way out. */
function isRequired(field: StandardSchema, view: "create" | "patch" | "record"): boolean {
  if (view === "patch") return false;
  const { type, default: fallback } = field as { readonly type?: unknown; readonly default?: unknown };
  const isOptional = type === "optional" || type === "nullish" || type === "undefinedable" || type === "exact_optional";
  return !isOptional || (view === "record" && fallback !== undefined);
}

function isPlainJson(value: unknown): boolean {
  return value !== undefined && !(value instanceof Date) && typeof value !== "bigint";
}
