export { type Prometheus, PrometheusError } from "./find.ts";
export { providePrometheus } from "./provide.ts";
