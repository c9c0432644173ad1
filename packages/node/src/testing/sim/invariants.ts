/**
 * What must hold after every tipset of every node. A tipset that one node has executed is checked once, in full, by a
 * second execution in a store of its own; every other node that executes it must come to the same. What a header says
 * is computed anew here, in other words than the rules': a rule that is broken must not break its own check.
 */
import { type Address, type AttoFil, type CID, MemoryBlockstore } from "@holdfast/base";
import {
  applyTipset,
  blockCid,
  createRandomness,
  createTipset,
  type FullBlock,
  messageCid,
  moneyInvariant,
  type NetworkParams,
  networkIdOfGenesis,
  type Receipt,
  readActor,
  readSectors,
  type Sector,
  type Tipset,
} from "@holdfast/consensus";
import type { Verifier } from "@holdfast/proofs/verify";
import type { HeadChange } from "../../chain/index.ts";
import type { RunningNode } from "../../compose.ts";
import { loadGenesis } from "../../genesis.ts";
import type { History } from "./history.ts";
import { type Powers, powersOf } from "./powers.ts";

export interface CheckedTipset {
  readonly tipset: Tipset;
  readonly blocks: readonly FullBlock[];
  readonly state: CID;
  readonly weight: bigint;
  readonly parent: CheckedTipset | undefined;
  /** By the text of the message's CID. */
  readonly receipts: ReadonlyMap<string, Receipt>;
}

/** One more check of a tipset that was executed for the first time. Says what is wrong. */
export type TipsetCheck = (checked: CheckedTipset, oracle: Oracle) => string | undefined;

/** Of the last block at or before a height, from a tipset downwards. */
export function ticketAt(from: CheckedTipset, height: number): Uint8Array {
  let below = from;
  while (below.tipset.height > height && below.parent !== undefined) below = below.parent;
  return below.tipset.minTicket;
}

export class Oracle {
  readonly store = new MemoryBlockstore();
  readonly #history: History;
  readonly #params: NetworkParams;
  readonly #verifier: Verifier;
  readonly #checks: ReadonlyMap<string, TipsetCheck>;
  readonly #known = new Map<string, CheckedTipset>();
  readonly #sectors = new Map<string, readonly Sector[]>();
  readonly #powers = new Map<string, Powers>();
  #total: AttoFil | undefined;
  #genesisTimeMs = 0;
  #networkId: Uint8Array = new Uint8Array(32);

  constructor(
    history: History,
    params: NetworkParams,
    verifier: Verifier,
    checks: Readonly<Record<string, TipsetCheck>>,
  ) {
    this.#history = history;
    this.#params = params;
    this.#verifier = verifier;
    this.#checks = new Map(Object.entries(checks));
  }

  get params(): NetworkParams {
    return this.#params;
  }
  get verifier(): Verifier {
    return this.#verifier;
  }
  get genesisTimeMs(): number {
    return this.#genesisTimeMs;
  }
  get networkId(): Uint8Array {
    return this.#networkId;
  }
  /** All sectors of a miner; the same object as long as the miner's own state is the same. */
  sectorsOf(state: CID, miner: Address): readonly Sector[] {
    const head = readActor(this.store, state, miner)?.head?.toString() ?? "";
    const known = this.#sectors.get(head);
    if (known !== undefined) return known;
    const sectors = readSectors(this.store, state, miner);
    this.#sectors.set(head, sectors);
    return sectors;
  }
  /** The power of every miner, summed from its sectors. */
  powerOfAll(state: CID): Powers {
    const known = this.#powers.get(state.toString());
    if (known !== undefined) return known;
    const powers = powersOf(this, state);
    this.#powers.set(state.toString(), powers);
    return powers;
  }
  get tipsets(): number {
    return this.#known.size;
  }
  find(key: string): CheckedTipset | undefined {
    return this.#known.get(key);
  }

  async load(genesisCar: Uint8Array): Promise<void> {
    const { block, stateRoot } = await loadGenesis(genesisCar, this.store);
    const tipset = createTipset([block.header]);
    this.#genesisTimeMs = block.header.timestampMs;
    this.#networkId = networkIdOfGenesis(blockCid(block.header));
    this.#total = moneyInvariant(this.store, stateRoot).total;
    this.#known.set(tipset.key, {
      tipset,
      blocks: [block],
      state: stateRoot,
      weight: 0n,
      parent: undefined,
      receipts: new Map(),
    });
  }

  /** At every new head of a node. */
  head(name: string, { chain }: RunningNode, change: HeadChange): void {
    for (const tipset of change.applied) {
      const blocks = chain.fullBlocks(tipset.key);
      const state = chain.stateAfter(tipset.key);
      const weight = chain.weightOf(tipset.key);
      if (blocks === undefined || state === undefined || weight === undefined) {
        this.#history.violate("complete below the head", name, `tipset ${tipset.height} is not complete`);
        return;
      }
      const known = this.#known.get(tipset.key) ?? this.#check(name, tipset, blocks);
      if (known === undefined) return;
      if (!known.state.equals(state)) {
        this.#history.violate(
          "same blocks, same state",
          name,
          `height ${tipset.height}: ${state} here, ${known.state} from another execution`,
        );
      }
      if (known.weight !== weight) {
        this.#history.violate(
          "weight",
          name,
          `height ${tipset.height}: ${weight} here, ${known.weight} by count`,
        );
      }
    }
  }

  #check(name: string, tipset: Tipset, blocks: readonly FullBlock[]): CheckedTipset | undefined {
    const parent = this.#known.get(tipset.parents.map(String).join(","));
    if (parent === undefined) {
      this.#history.violate(
        "complete below the head",
        name,
        `the parents of ${tipset.height} were never a head`,
      );
      return undefined;
    }
    try {
      const checked = this.#execute(tipset, blocks, parent);
      this.#known.set(tipset.key, checked);
      for (const [invariant, check] of this.#checks) {
        const wrong = check(checked, this);
        if (wrong !== undefined) this.#history.violate(invariant, name, `height ${tipset.height}: ${wrong}`);
      }
      return checked;
    } catch (error) {
      this.#history.violate("valid when executed again", name, `height ${tipset.height}: ${String(error)}`);
      return undefined;
    }
  }

  #execute(tipset: Tipset, blocks: readonly FullBlock[], parent: CheckedTipset): CheckedTipset {
    const env = {
      params: this.#params,
      networkId: this.#networkId,
      verifier: this.#verifier,
      randomness: createRandomness((at) => ticketAt(parent, at)),
    };
    const { stateRoot, receipts } = applyTipset({
      store: this.store,
      parentState: parent.state,
      blocks,
      env,
    });
    moneyInvariant(this.store, stateRoot, this.#total);
    return { tipset, blocks, state: stateRoot, weight: this.#weigh(tipset, parent), parent, receipts };
  }

  #weigh(tipset: Tipset, parent: CheckedTipset): bigint {
    const power = this.powerOfAll(parent.state).elected;
    let weight = parent.weight;
    for (const { miner } of tipset.blocks) {
      weight += 10_000n + (power.total === 0n ? 0n : (100_000n * (power.by.get(miner) ?? 0n)) / power.total);
    }
    return weight;
  }
}

/** Every sender's messages are numbered without a gap, and the state counts them. */
export const gaplessNonces: TipsetCheck = ({ blocks, state, parent, tipset }, { store }) => {
  if (parent === undefined) return undefined;
  const seen = new Set<string>();
  const next = new Map<Address, number>();
  const byMiner = new Map(blocks.map((block) => [block.header.miner, block]));
  for (const { miner } of tipset.blocks) {
    for (const signed of byMiner.get(miner)?.messages ?? []) {
      const { from, nonce } = signed.message;
      const cid = messageCid(signed).toString();
      const expected = next.get(from) ?? readActor(store, parent.state, from)?.nonce ?? 0;
      if (seen.has(cid)) continue;
      seen.add(cid);
      // Another block of the tipset has taken this number: its rival is left out.
      if (nonce < expected) continue;
      if (nonce !== expected) return `${from} sends number ${nonce} where ${expected} is due`;
      next.set(from, nonce + 1);
    }
  }
  for (const [from, expected] of next) {
    const found = readActor(store, state, from)?.nonce;
    if (found !== expected) return `the state counts ${found} messages of ${from}, the blocks ${expected}`;
  }
  return undefined;
};
