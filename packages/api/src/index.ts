/**
 * The contract between a node and its people: methods, shapes, errors, and a client made from them.
 */
export {
  type ApiClient,
  type ApiFetch,
  type ApiRequest,
  type ApiResponse,
  type ClientOptions,
  createClient,
  type FileDownload,
  type FileQuery,
  type ImportEncryption,
  type ImportLayout,
  type ImportRequest,
  type SnapshotQuery,
  streamEnd,
} from "./client.ts";
export { apiErrors } from "./errors.ts";
export {
  apiPrefix,
  type BroughtData,
  broughtData,
  carImportPath,
  carPath,
  carType,
  dealDataPath,
  type ErrorBody,
  errorBody,
  errorFromBody,
  errorToBody,
  fileBytesHeader,
  filePath,
  type Imported,
  type ImportedCar,
  imported,
  importedCar,
  importPath,
  methodPath,
  snapshotPath,
  statusOf,
  tarType,
} from "./http.ts";
export { jobKind, jobState } from "./job-methods.ts";
export {
  type ApiHandlers,
  type CallName,
  type CheckedParams,
  type MethodName,
  type MethodParams,
  type MethodResult,
  type MethodSpec,
  type Methods,
  methods,
  type StreamName,
} from "./methods.ts";
export { openApiDocument } from "./openapi.ts";
export { firmwareComponents, firmwareLines, takenTcbStatuses } from "./pin-order-methods.ts";
export * from "./shapes.ts";
