/** Parameters of SNARK circuits on this machine: a folder that makes, keeps, checks, publishes and fetches them. */
export { type MakeOptions, openCache, type ParameterCache } from "./cache.ts";
export { paramsErrors } from "./errors.ts";
export { type FetchedFile, type FetchRequest, fetchParameters } from "./fetch.ts";
export type { CircuitName, MadeSet } from "./make-work.ts";
export { readManifest } from "./manifest-file.ts";
export type { ParameterHooks, ParametersNeeds } from "./needs.ts";
export {
  type AddToIpfs,
  chosenSets,
  kuboAdder,
  type PublishedFile,
  type PublishRequest,
  publishParameters,
} from "./publish.ts";
export type { ParameterFile, ParameterSet } from "./sets.ts";
export { nodeSource, type OpenByCid, type Source, sourceOf } from "./sources.ts";
export type { VerifiedSet } from "./verify-work.ts";
