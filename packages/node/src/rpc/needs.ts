/** What the API needs beside its handlers. */
import type { Imported } from "@holdfast/api";
import type { Cancel } from "@holdfast/base";

export interface FileDoor {
  importFile(bytes: AsyncIterable<Uint8Array>, signal: Cancel): Promise<Imported>;
  openFile(
    cid: string,
    offsetBytes: number,
    signal: Cancel,
  ): Promise<{ readonly sizeBytes: number; readonly bytes: AsyncIterable<Uint8Array> }>;
}

export interface MetricsDoor {
  /** Prometheus text format. */
  text(): Promise<string>;
}
