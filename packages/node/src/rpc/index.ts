/** The API of a node on loopback HTTP. */
export { rpcErrors } from "./errors.ts";
export type { FileDoor, MetricsDoor } from "./needs.ts";
export { type RunningServer, type ServerOptions, startServer } from "./server.ts";
