/**
 * Light clients: what a node tells them, over the wire and the API, and being one: a program that holds a few headers
 * and no chain. What is believed and why is decided in `consensus/light`; here are bytes, time and a file.
 */
export { headersFrom, proofOf } from "./answers.ts";
export { apiProvider, boundedFetch } from "./api-provider.ts";
export { lightServiceErrors } from "./errors.ts";
export {
  fileOf,
  type LightFile,
  type LightFileFacts,
  readLightFile,
  trustOf,
  writeLightFile,
} from "./file.ts";
export type { LightServing, LightSource } from "./needs.ts";
export { lightProtocol, serveLight, type WireProviderNeeds, wireProvider } from "./protocol.ts";
export { type LightView, lightView } from "./view.ts";
