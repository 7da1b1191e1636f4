/** The part of Standard Schema (https://standardschema.dev, version 1) that is used here; valibot, zod and arktype have it. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** One schema a field. */
export type FieldSchemas = { readonly [field: string]: StandardSchema };

/** What a model is made of: the schemas of its fields, or valibot's object of them. */
export type ModelSchema = FieldSchemas | { readonly type: "object" | "strict_object"; readonly entries: FieldSchemas };

type FieldsOf<S extends ModelSchema> = S extends {
  readonly type: string;
  readonly entries: infer F extends FieldSchemas;
}
  ? F
  : S;
type Into<S> = S extends StandardSchema ? NonNullable<S["~standard"]["types"]>["input"] : never;
type OutOf<S> = S extends StandardSchema ? NonNullable<S["~standard"]["types"]>["output"] : never;
type Flat<T> = { [K in keyof T]: T[K] };

/** Fields that take `undefined` may be left out. */
type Open<T> = Flat<
  { readonly [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
    readonly [K in keyof T as undefined extends T[K] ? K : never]?: T[K];
  }
>;

/** What the schemas of a model take. */
export type SchemaInput<S extends ModelSchema> = Open<{ [K in keyof FieldsOf<S>]: Into<FieldsOf<S>[K]> }>;
/** What the schemas of a model make. */
export type SchemaOutput<S extends ModelSchema> = Open<{ [K in keyof FieldsOf<S>]: OutOf<FieldsOf<S>[K]> }>;
