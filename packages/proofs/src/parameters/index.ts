/** Names and formats of parameter files and of the list of published ones. Pure: reading files is the caller's. */
export { parametersErrors } from "./errors.ts";
export {
  isCircuitId,
  type ParameterFileKind,
  parameterFileKinds,
  parameterFileName,
  parameterId,
  parametersVersion,
} from "./id.ts";
export {
  decodeManifest,
  encodeManifest,
  isParameterFileName,
  type ManifestEntry,
  manifestEntry,
  matchesEntry,
  maxManifestBytes,
  type ParametersManifest,
} from "./manifest.ts";
export {
  decodeMeta,
  describeParameters,
  digestsOf,
  encodeMeta,
  type FileDigests,
  isFileOf,
  type MadeBy,
  maxMetaBytes,
  type ParametersMeta,
} from "./meta.ts";
