/**
 * What travels between a pool and its workers. Errors travel as data: a structured clone of an error loses
 * its class and with it code and fix.
 */
import type { MessagePort } from "node:worker_threads";
import { type ExitClass, HoldfastError, type JsonObject } from "@holdfast/base";
import type { Statement } from "@holdfast/proofs";
import { storageErrors } from "../errors.ts";
import type { VolumeTable } from "../volumes/index.ts";
import type { JobRequest } from "./jobs.ts";

export interface WorkerTask {
  /** A module whose import prepares the thread (native kernels), or null. */
  readonly setup: string | null;
  readonly work:
    | {
        readonly type: "job";
        readonly table: VolumeTable;
        readonly request: JobRequest;
        readonly port: MessagePort;
      }
    | { readonly type: "verify"; readonly statement: Statement };
}

export interface ErrorData {
  readonly code: string;
  readonly message: string;
  readonly data: JsonObject;
  readonly fix: string;
  readonly exit: ExitClass;
}
export type WorkerAnswer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: ErrorData };

export function errorData(error: unknown, job: string): ErrorData {
  const known =
    error instanceof HoldfastError
      ? error
      : storageErrors.jobFailed({ job, detail: error instanceof Error ? error.message : String(error) });
  return { ...known.toJSON(), exit: known.exit };
}

export function errorOf(data: ErrorData): HoldfastError {
  return new HoldfastError(data);
}
