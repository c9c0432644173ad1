/** What retrieval needs: the wire, a place for blocks, and whoever else on this node can give CAR streams. */
import type { CID, Clock, Logger, Wire } from "@holdfast/base";
import type { readCar } from "../car.ts";
import type { FileBlocks } from "./blocks.ts";

/** The CAR stream of one payload, wherever it lies (pieces in sectors, local blocks). */
export interface OpenCar {
  readonly carBytes: number;
  /** The stream from `offsetBytes` (at most `carBytes`) to its end; the consumer may stop at any time. */
  read(offsetBytes: number): AsyncIterable<Uint8Array>;
}

export interface CarSource {
  /** The whole stream, or undefined if this source does not have all of it. */
  open(payload: CID): Promise<OpenCar | undefined>;
}

export interface RetrievalNeeds {
  readonly wire: Pick<Wire, "open" | "handle">;
  readonly clock: Clock;
  readonly blocks: FileBlocks;
  /** Asked in order for what is not among the local files. */
  readonly sources: readonly CarSource[];
  readonly logger: Logger;
  /** The reader that verifies what peers send; tests put a broken one in its place. */
  readonly readCar?: typeof readCar;
}
