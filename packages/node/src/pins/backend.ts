/**
 * Where pinned content lies: a port with two back ends, the blocks of this node (`embedded.ts`) and a Kubo daemon
 * (`kubo.ts`), behind one compliance suite. Invariants: `pin` resolves when every block that the root reaches is there
 * and was checked; `block` asks no network, so that who answers a challenge by it has the block; what one pin needs
 * is not removed with another.
 */
import type { Cancel, CID } from "@holdfast/base";

export interface PinSize {
  /** Distinct blocks that the root reaches, itself among them. */
  readonly blocks: number;
  readonly bytes: number;
}

export interface PinOptions {
  /** Multiaddrs of peers that are said to have it. */
  readonly origins: readonly string[];
  /** More than this is refused as soon as it shows. */
  readonly maxBytes: number;
  /** Looks for every block even if all of it was there before: a disk may have lost some. */
  readonly again?: boolean;
  readonly signal: Cancel;
  /** What is here of it, as it comes. */
  readonly progress: (size: PinSize) => void;
}

export interface PinUsage {
  readonly usedBytes: number;
  /** Undefined: what the disk has. */
  readonly quotaBytes: number | undefined;
}

export interface PinBackend extends AsyncDisposable {
  readonly kind: "embedded" | "kubo";
  /** Whether this node may keep pins there. `pins/kubo`, `pins/kubo-taken`. */
  ready(): Promise<void>;
  /** Of roots that it can never pin. `pins/unsupported`. */
  check?(root: CID): void;
  /**
   * Fetches what is not here, and keeps all of it. A repeat goes on where the last try ended. `pins/too-big`,
   * `/too-many-blocks`, `/no-room`, `/block-missing`, `/corrupt-block`, `/unsupported`, `/kubo`, `/kubo-taken`,
   * `disk/…`, the signal's reason.
   */
  pin(root: CID, options: PinOptions): Promise<PinSize>;
  /** Ends a pin, or what there is of one that never ended; blocks that no other pin needs may go. */
  unpin(root: CID): Promise<void>;
  /** Whether all of it is kept, by the back end's own records. */
  isPinned(root: CID): Promise<boolean>;
  /** A block that is here, checked against its CID. */
  block(cid: CID): Promise<Uint8Array | undefined>;
  /** The length of a block that is here; nothing of it is checked. */
  sizeBytes(cid: CID): Promise<number | undefined>;
  usage(): Promise<PinUsage>;
  /** Removes blocks that no pin needs, which a crash may have left. */
  collect(signal: Cancel): Promise<PinSize>;
  /** Multiaddrs of whoever fetches: the provider of the content should connect to them. */
  delegates(): Promise<readonly string[]>;
}
