/** What serving light clients needs of the chain, and following others of the wire. */
import type { Blockstore, Clock, Wire } from "@holdfast/base";
import type { Tipset } from "@holdfast/consensus";

export interface LightSource {
  readonly store: Blockstore;
  head(): Tipset;
  tipset(key: string): Tipset | undefined;
  /** The last one at or below a height, on the current chain. */
  tipsetAt(height: number): Tipset;
}

export interface LightServing {
  readonly chain: LightSource;
  readonly wire: Wire;
  readonly clock: Clock;
}
