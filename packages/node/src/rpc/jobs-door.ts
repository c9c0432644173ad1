/** What the API needs of the jobs of a miner's storage. */
import type { CheckedParams, MethodResult } from "@holdfast/api";

/** From where events are told. */
export interface WatchFrom {
  readonly after?: number | undefined;
  readonly consumer?: string | undefined;
}

/** The jobs of a miner's storage, already in the shapes of the API. */
export interface JobsDoor {
  list(
    wanted: {
      readonly limit: number;
      readonly beforeId?: number;
    } & Pick<CheckedParams<"jobs.ls">, "states" | "kinds" | "sectorId">,
  ): Promise<MethodResult<"jobs.ls">>;
  show(jobId: number): Promise<MethodResult<"jobs.show">>;
  retry(jobId: number): Promise<MethodResult<"jobs.retry">>;
  cancel(jobId: number, reason: string): Promise<MethodResult<"jobs.cancel">>;
  priority(jobId: number, priority: number): Promise<MethodResult<"jobs.priority">>;
  cordon(target: string, reason: string): Promise<MethodResult<"jobs.cordon">>;
  uncordon(target: string): Promise<MethodResult<"jobs.uncordon">>;
  workers(): Promise<MethodResult<"jobs.workers">>;
  watchJobs(from: WatchFrom, signal: AbortSignal): AsyncIterable<MethodResult<"jobs.watch">>;
  watchSectors(from: WatchFrom, signal: AbortSignal): AsyncIterable<MethodResult<"sector.watch">>;
}
