/** Attributes of the semantic conventions, v1.44.0. */
export const SYSTEM = "db.system.name";
export const NAMESPACE = "db.namespace";
export const OPERATION = "db.operation.name";
export const COLLECTION = "db.collection.name";
export const QUERY_SUMMARY = "db.query.summary";
export const QUERY_TEXT = "db.query.text";
export const STATUS_CODE = "db.response.status_code";
export const RETURNED_ROWS = "db.response.returned_rows";
export const ERROR_TYPE = "error.type";
export const SERVER_ADDRESS = "server.address";
export const SERVER_PORT = "server.port";
export const POOL_NAME = "db.client.connection.pool.name";
export const CONNECTION_STATE = "db.client.connection.state";

/** In seconds: of the conventions for the duration of an operation, and taken for all others as well. */
export const DURATION_BOUNDARIES: readonly number[] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
/** In seconds, from a second to a day. */
export const LIFETIME_BOUNDARIES: readonly number[] = [1, 10, 60, 300, 900, 1_800, 3_600, 7_200, 21_600, 86_400];
export const ROW_BOUNDARIES: readonly number[] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];
