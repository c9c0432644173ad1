/**
 * That no honest miner is ever accused: miners with views of their own, which hear of blocks early, late, in any order
 * and not at all while the network is torn, always mine on the heaviest chain that they see. Every pair of blocks of
 * one miner within finality is put before the judgement on the chain with every witness there is, a million questions;
 * and a watch sees each block as a node does. Miners that forget what they have signed are found by both (the canary).
 */
import { type Address, addressOf, type CID, cidOfCbor, encodeCbor, epoch } from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import { type BlockHeader, blockCid, consensusFaultOf, sortCids } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { FaultWatch } from "../../src/sync/index.ts";

const miners = 20;
const allRounds = 850;
/** Rounds whose blocks of one miner are compared. */
const finalityEpochs = 850;
/** In these rounds the two halves do not hear each other. */
const torn = { from: 200, to: 290 };
const bytes96 = new Uint8Array(96);
const bytes65 = new Uint8Array(65);
const anyCid = cidOfCbor(encodeCbor("a state"));

interface Block {
  readonly header: BlockHeader;
  readonly by: number;
  /** Of the chain that ends with it alone. */
  readonly weight: number;
}
interface Tip {
  readonly parentWeight: number;
  readonly blocks: Block[];
}

/** What one miner has heard of: tipsets as wide as it knows them, of blocks whose ancestors it has. */
class View {
  readonly #tips = new Map<string, Tip>();
  readonly #known = new Set<string>();
  #early: Block[] = [];
  #best: Tip;

  constructor(genesis: Block) {
    this.#best = { parentWeight: 0, blocks: [] };
    this.take(genesis);
  }
  take(block: Block): void {
    const { header, weight } = block;
    if (!header.parents.every((cid) => this.#known.has(String(cid)))) {
      this.#early.push(block);
      return;
    }
    this.#known.add(String(blockCid(header)));
    const key = `${header.height} ${header.parents.join()}`;
    const tip = this.#tips.get(key) ?? { parentWeight: weight - 1, blocks: [] };
    tip.blocks.push(block);
    this.#tips.set(key, tip);
    if (weightOf(tip) > weightOf(this.#best)) this.#best = tip;
    const cid = blockCid(header);
    const waiting = this.#early.filter((one) => one.header.parents.some((parent) => parent.equals(cid)));
    this.#early = this.#early.filter((one) => !waiting.includes(one));
    for (const one of waiting) this.take(one);
  }
  /** The heaviest below a height: somebody's clock may be ahead. */
  get best(): Tip {
    return this.#best;
  }
}
const weightOf = ({ parentWeight, blocks }: Tip): number => parentWeight + blocks.length;

/** `forgets`: how often a miner loses sight of what it has signed itself. */
function history(seed: string, rounds: number, forgets = 0): Block[] {
  const random = new SeededRandom(seed);
  const names = Array.from({ length: miners }, (): Address => addressOf(1, random.bytes(20)));
  const headerOf = (by: number, height: number, on: Tip): BlockHeader => ({
    ...{ miner: names[by] as Address, height: epoch(height), parentWeight: BigInt(weightOf(on)) },
    parents: sortCids(on.blocks.map(({ header }) => blockCid(header))),
    ...{ parentState: anyCid, stateRoot: anyCid, messages: anyCid, receipts: anyCid },
    ...{ ticket: bytes96, electionProof: bytes96, winningPost: new Uint8Array(1), signature: bytes65 },
    timestampMs: 1_000 * height,
  });
  const nothing: Tip = { parentWeight: 0, blocks: [] };
  const genesis = { header: headerOf(0, 0, nothing), by: 0, weight: 1 };
  const views = Array.from({ length: miners }, () => new View(genesis));
  const due = new Map<number, (() => void)[]>();
  const later = (round: number, what: () => void): void => {
    due.set(round, [...(due.get(round) ?? []), what]);
  };
  const all: Block[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const arrive of due.get(round) ?? []) arrive();
    due.delete(round);
    for (const [by, view] of views.entries()) {
      const isMissing = view.best.blocks.some(({ header }) => header.height >= round);
      if (random.below(4) !== 0 || isMissing) continue;
      const block = { header: headerOf(by, round, view.best), by, weight: weightOf(view.best) + 1 };
      all.push(block);
      for (const [to, other] of views.entries()) {
        const isApart = round >= torn.from && round < torn.to && by % 2 !== to % 2;
        // Most hear at once, some late, some only after others have told them.
        const delay = [1, 1, 1, 2, 3, 7][random.below(6)] ?? 1;
        const own = random.below(100) < forgets ? rounds : 0;
        if (to === by && own === 0) other.take(block);
        else
          later(to === by ? round + own : isApart ? torn.to + delay : round + delay, () => other.take(block));
      }
    }
  }
  return all;
}

/** What the judgement on the chain says of all pairs, and how often it was asked. */
function judged(blocks: readonly Block[]): { asked: number; readonly kinds: Set<string> } {
  const byCid = new Map(blocks.map(({ header }) => [String(blockCid(header)), header]));
  const parentsOf = ({ parents }: BlockHeader): BlockHeader[] =>
    parents.flatMap((cid: CID) => byCid.get(String(cid)) ?? []);
  const result = { asked: 0, kinds: new Set<string>() };
  for (const own of Map.groupBy(blocks, ({ by }) => by).values()) {
    const headers = own.map(({ header }) => header);
    for (const [at, second] of headers.entries()) {
      const witnesses = [null, ...parentsOf(second)];
      const near = headers.slice(0, at).filter(({ height }) => height >= second.height - finalityEpochs);
      for (const first of near) {
        for (const witness of witnesses) {
          const kind = consensusFaultOf(first, second, witness);
          if (kind !== undefined) result.kinds.add(kind);
        }
      }
      result.asked += near.length * witnesses.length;
    }
  }
  return result;
}

/** What a node reports that sees every block, in the order in which they were made. */
function watched(blocks: readonly Block[]): number {
  const watch = new FaultWatch(finalityEpochs);
  const byCid = new Map(blocks.map(({ header }) => [String(blockCid(header)), header]));
  return blocks.filter(({ header }) => {
    const parents = header.parents.flatMap((cid) => byCid.get(String(cid)) ?? []);
    return watch.see(header, parents) !== undefined;
  }).length;
}

describe("an honest miner", () => {
  it("is accused by no pair of its blocks: a million pairs and witnesses, none a fault", () => {
    const blocks = history("honest", allRounds);
    const heights = new Map<string, number>();
    for (const { header } of blocks) {
      const key = header.parents.join();
      heights.set(key, (heights.get(key) ?? 0) + 1);
    }
    // The history is no easy one: it has brothers, forks and null rounds.
    expect([...heights.values()].filter((count) => count > 1).length).toBeGreaterThan(100);
    const { asked, kinds } = judged(blocks);
    expect(asked).toBeGreaterThan(1_000_000);
    expect([...kinds]).toEqual([]);
    expect(watched(blocks)).toBe(0);
  });

  it("that forgets what it has signed is accused (canary)", () => {
    const blocks = history("forgetful", 120, 30);
    expect([...judged(blocks).kinds].sort()).toEqual(["parent-grinding", "time-offset"]);
    expect(watched(blocks)).toBeGreaterThan(10);
  });
});
