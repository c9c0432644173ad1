/**
 * What is proven bad for good: blocks and tipsets that break a rule whatever else happens, and all that stands on
 * them. Each entry says why, and which bad ancestor it stands on. Invariants: what failed for a reason that may pass
 * (a block that nobody has, trouble with the disk, a time ahead of our clock) is never in here; the oldest entry goes
 * when it is full, and none that is bad itself goes for one that only stands on it, since those cost nobody anything
 * to make; clearing an entry clears what stands on it.
 */
import type { Clock } from "@holdfast/base";
import { HoldfastError } from "@holdfast/base";
import { type BlockHeader, blockCid, tipsetKey } from "@holdfast/consensus";
import { limits } from "../limits.ts";

export interface BadEntry {
  /** CID of a block, or key of a tipset: CIDs with commas between them. */
  readonly key: string;
  readonly height: number;
  /** Code of the rule that is broken. */
  readonly code: string;
  readonly reason: string;
  /** The first bad one below it; its own key if it is bad itself. */
  readonly root: string;
  /** When it was found (milliseconds since the Unix epoch). */
  readonly atMs: number;
}

/** Codes of blocks that are wrong only at this moment, or only by our clock. */
const passing: ReadonlySet<string> = new Set(["block/from-the-future"]);

/** Whether an error is a proof that a block, or tipset, breaks a rule: with any clock, disk and peers. */
export function isProofOfBad(error: unknown): error is HoldfastError {
  if (!(error instanceof HoldfastError) || passing.has(error.code)) return false;
  return (
    error.code.startsWith("block/") || error.code.startsWith("tipset/") || error.code === "sync/bad-chain"
  );
}

export class BadTipsets {
  readonly #clock: Clock;
  readonly #proven = new Map<string, BadEntry>();
  readonly #above = new Map<string, BadEntry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  find(key: string): BadEntry | undefined {
    return this.#proven.get(key) ?? this.#above.get(key);
  }

  /** Why a block is bad, if it is: it was found so, or it stands on what was. Then it is remembered too. */
  of(header: BlockHeader): BadEntry | undefined {
    const key = blockCid(header).toString();
    return this.find(key) ?? this.#inherited(key, header);
  }

  #inherited(key: string, header: BlockHeader): BadEntry | undefined {
    const names = [tipsetKey(header.parents), ...header.parents.map(String)];
    const below = names.map((name) => this.find(name)).find((entry) => entry !== undefined);
    return below === undefined ? undefined : this.markAbove(below, { key, height: header.height });
  }

  mark(at: { readonly key: string; readonly height: number }, error: HoldfastError): BadEntry {
    const { code, message: reason } = error;
    return this.#put({ ...at, code, reason, root: at.key, atMs: this.#clock.nowMs() });
  }
  /** Marks if the error is a proof. */
  prove(at: { readonly key: string; readonly height: number }, error: unknown): BadEntry | undefined {
    return isProofOfBad(error) ? this.mark(at, error) : undefined;
  }
  /** What stands on a bad one. */
  markAbove(below: BadEntry, at: { readonly key: string; readonly height: number }): BadEntry {
    const { code, reason, root } = below;
    return this.#put({ ...at, code, reason, root, atMs: this.#clock.nowMs() });
  }

  /** Those that break a rule themselves, and those that stand on one. */
  get size(): { readonly proven: number; readonly above: number } {
    return { proven: this.#proven.size, above: this.#above.size };
  }
  /** Newest first. */
  list(): readonly BadEntry[] {
    const all = [...this.#proven.values(), ...this.#above.values()];
    return all.sort((a, b) => b.atMs - a.atMs || b.height - a.height);
  }

  /** Forgets one and all that stands on it, or everything; says how many. */
  clear(key?: string): number {
    const gone = this.list().filter((entry) => key === undefined || entry.key === key || entry.root === key);
    for (const entry of gone) {
      this.#proven.delete(entry.key);
      this.#above.delete(entry.key);
    }
    return gone.length;
  }

  #put(entry: BadEntry): BadEntry {
    const known = this.find(entry.key);
    if (known !== undefined) return known;
    const entries = entry.root === entry.key ? this.#proven : this.#above;
    entries.set(entry.key, entry);
    const oldest = entries.size > limits.badBlocks ? entries.keys().next().value : undefined;
    if (oldest !== undefined) entries.delete(oldest);
    return entry;
  }
}
