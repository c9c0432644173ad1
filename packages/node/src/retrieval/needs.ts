/** What retrieval needs: the wire, a place for blocks, money if it is to cost any, and whoever has CAR streams. */
import type { Cancel, CID, Clock, Logger, PeerId, Wire } from "@holdfast/base";
import type { readCar } from "../car.ts";
import type { Database } from "../database.ts";
import type { FileBlocks } from "./blocks.ts";
import type { FileWorth } from "./local-files.ts";
import type { PayingDoor } from "./pay/purse.ts";
import type { PaidDoor } from "./pay/till.ts";

/** The CAR stream of one payload, wherever it lies (pieces in sectors, local blocks). */
export interface OpenCar {
  readonly carBytes: number;
  /** From `offsetBytes` (at most `carBytes`) so many bytes, or to the end; the consumer may stop at any time. */
  read(offsetBytes: number, lengthBytes?: number): AsyncIterable<Uint8Array>;
  /** What was read there is damaged. Whether another read may give something else. */
  doubt?(offsetBytes: number, lengthBytes: number): Promise<boolean>;
}

export interface CarSource {
  /** The whole stream, or undefined if this source does not have all of it. */
  open(payload: CID): Promise<OpenCar | undefined>;
  /** All that it has now. */
  payloads?(): Iterable<CID>;
  /** Told of each that it has from now on. */
  onStored?(listener: (payload: CID) => void): () => void;
  /** Whether this peer has paid for the storing of it: it reads its own copy without paying again. */
  isOwnedBy?(peer: PeerId, payload: CID): boolean;
}

/** Who has what, in a network too large for asking everybody. */
export interface ContentRouting {
  /** Tells the network that this node has it. */
  provide(cid: CID, signal: Cancel): Promise<void>;
  /** Peers that say that they have it; some may be unreachable. */
  find(cid: CID, signal: Cancel): AsyncIterable<PeerId>;
}

export interface RetrievalNeeds {
  readonly wire: Pick<Wire, "open" | "handle">;
  readonly clock: Clock;
  readonly blocks: FileBlocks;
  /** Asked in order for what is not among the local files. */
  readonly sources: readonly CarSource[];
  readonly logger: Logger;
  /** The index and the accounts; in memory if left out. */
  readonly database?: Database;
  /** Payment channels to this node and from it; left out: everything is free, and only what is free is fetched. */
  readonly payments?: PaidDoor & PayingDoor;
  /** Whom a cache asks for what it does not have. */
  readonly peers?: () => readonly PeerId[];
  /** A place to ask when no provider gives a block: other programs of IPFS. Verified, for nothing. */
  readonly elsewhere?: () => { get(cid: CID, signal: Cancel): Promise<Uint8Array | undefined> };
  /** Left out: only peers that are named are asked. */
  readonly routing?: ContentRouting;
  /** Which copies here may make room for others. */
  readonly worthOf?: (root: CID) => FileWorth;
  /** The reader that verifies what peers send; tests put a broken one in its place. */
  readonly readCar?: typeof readCar;
}
