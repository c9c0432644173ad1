/** What travels between a pool and its workers. */
import type { MessagePort } from "node:worker_threads";
import type { Statement } from "@holdfast/proofs";
import type { VolumeTable } from "../volumes/index.ts";
import type { JobRequest } from "./jobs.ts";
import type { ErrorData } from "./payload.ts";

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

export type WorkerAnswer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: ErrorData };
