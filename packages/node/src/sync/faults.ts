/**
 * Looks at every block that is valid by itself for what no honest miner signs: two blocks of one height, two on the
 * same parents, one that leaves its own brother out. What it finds is a report that the chain will accept.
 * Invariant: at most one fault is told for each block, and no more headers are remembered than finality and a bound
 * allow.
 */
import { type Address, encode } from "@holdfast/base";
import {
  type BlockHeader,
  blockCid,
  type ConsensusFaultKind,
  consensusFaultOf,
  methods,
  type ReportConsensusFault,
} from "@holdfast/consensus";
import { limits } from "../limits.ts";

export interface FoundFault {
  readonly miner: Address;
  readonly kind: ConsensusFaultKind;
  /** Of the later block. */
  readonly height: number;
  /** Parameters of the miner actor's `reportConsensusFault`. */
  readonly params: Uint8Array;
}

export class FaultWatch {
  readonly #finalityEpochs: number;
  readonly #headers = new Map<Address, BlockHeader[]>();
  readonly #listeners = new Set<(header: BlockHeader) => void>();
  #count = 0;

  constructor(finalityEpochs: number) {
    this.#finalityEpochs = finalityEpochs;
  }

  /** Remembered headers, and miners of whom there are some. */
  get size(): { readonly headers: number; readonly miners: number } {
    return { headers: this.#count, miners: this.#headers.size };
  }

  /** Tells of every header that is seen. Returns what ends it. */
  onBlock(listener: (header: BlockHeader) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** `parents`: the headers that the block stands on, as far as they are known. */
  see(header: BlockHeader, parents: readonly BlockHeader[]): FoundFault | undefined {
    for (const listener of this.#listeners) listener(header);
    const recent = this.#recentOf(header);
    this.#headers.set(header.miner, recent);
    const cid = blockCid(header);
    if (recent.some((known) => blockCid(known).equals(cid))) return undefined;
    recent.push(header);
    this.#count += 1;
    if (this.#count > limits.watchedHeaders) this.#forgetOldest();
    // Faults are of one height, of common parents, or with a sibling among the parents: all others are none.
    const heights = new Set([header.height, ...parents.map(({ height }) => height)]);
    const [parent] = header.parents;
    for (const known of recent) {
      if (!heights.has(known.height) && known.parents[0]?.equals(parent) !== true) continue;
      const report = reportOf(known, header, parents);
      if (report !== undefined) return report;
    }
    return undefined;
  }

  /** True if two other blocks of the miner and height are known: the fault is proven, a further one proves nothing. */
  isProven(header: BlockHeader): boolean {
    const cid = blockCid(header);
    const known = this.#headers.get(header.miner) ?? [];
    const brothers = known.filter((one) => one.height === header.height);
    return brothers.length > 1 && !brothers.some((one) => blockCid(one).equals(cid));
  }

  #recentOf({ miner, height }: BlockHeader): BlockHeader[] {
    const known = this.#headers.get(miner) ?? [];
    const recent = known.filter((one) => one.height >= height - this.#finalityEpochs);
    this.#count -= known.length - recent.length;
    return recent;
  }

  #forgetOldest(): void {
    let oldest: Address | undefined;
    let lowest = Number.POSITIVE_INFINITY;
    for (const [miner, [first]] of this.#headers) {
      if (first !== undefined && first.height < lowest) [oldest, lowest] = [miner, first.height];
    }
    if (oldest === undefined) return;
    const left = this.#headers.get(oldest);
    left?.shift();
    if (left?.length === 0) this.#headers.delete(oldest);
    this.#count -= 1;
  }
}

/** The later block's parents are what can witness a grinding; of an earlier block they say nothing. */
function reportOf(
  known: BlockHeader,
  seen: BlockHeader,
  parents: readonly BlockHeader[],
): FoundFault | undefined {
  for (const witness of [null, ...parents]) {
    const kind = consensusFaultOf(known, seen, witness);
    if (kind === undefined) continue;
    const report: ReportConsensusFault = { first: known, second: seen, witness };
    return {
      miner: seen.miner,
      kind,
      height: Math.max(known.height, seen.height),
      params: encode(methods.miner.reportConsensusFault.params, report),
    };
  }
  return undefined;
}
