/** What exchanging blocks needs, and what others give it to serve. */
import type { CID, Clock, Logger, PeerId, Wire } from "@holdfast/base";

export interface SwapNeeds {
  readonly wire: Wire;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A place where blocks are; asked for what peers want. */
export interface BlockPlace {
  /** The verified bytes, if they are here and this peer is to have them now. */
  find(cid: CID, peer: PeerId): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** The same question without the bytes, where that is cheaper. */
  has?(cid: CID): Promise<boolean>;
}
