/** Set by the vitest project "properties": ten times as much as is good for every `npm test`. */
export const isFullSize: boolean = process.env.DB_TEST_SIZE === "full";
