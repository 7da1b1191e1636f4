export { missingContainerEngine } from "./container-engine.ts";
export { OFFICIAL_IMAGE, type StartSurrealContainerOptions } from "./container-options.ts";
export { type SurrealContainer, startSurrealContainer } from "./surreal-container.ts";
