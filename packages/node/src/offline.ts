/**
 * The door for work that needs no running node: piece commitments, proofs, parameters. What a command does not
 * use is not loaded.
 */
export type { KernelReport } from "./kernel-report.ts";
export type { LightOptions, LightSession, LightView } from "./light-client.ts";
export * from "./offline/index.ts";
export type {
  FetchedFile,
  MadeSet,
  ParameterCache,
  ParameterSet,
  PublishedFile,
  Source,
  VerifiedSet,
} from "./parameters/index.ts";

/** Parameters of SNARK circuits: make, keep, check, publish, fetch. */
export const parameters = () => import("./parameter-cache.ts");

/** Which back end every group of kernels has got, measured. */
export const kernelReports = async () => (await import("./kernel-report.ts")).reportKernels();
/** Founding a network, alone or together; founders' seals are made and checked by this thread. */
export const founding = async () => {
  await (await import("./kernels.ts")).installNativeKernels();
  return { ...(await import("./founding/index.ts")), ...(await import("./found.ts")) };
};
/** Following a network without its chain. */
export const light = () => import("./light-client.ts");
/** Making evidence, measuring programs, fetching collateral. */
export const attesting = () => import("./attest-offline.ts");
/** Contracts of other chains that say what is to be pinned. */
export const ledgers = () => import("./ledgers/index.ts");
