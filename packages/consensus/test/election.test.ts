/**
 * The lottery is fair in proportion to power, the fork choice is a total order, randomness is the chain's.
 */
import type { Address, CID, Epoch } from "@holdfast/base";
import { bigEndian, blake2b256, cidOfCbor, concatBytes, epoch, seedAddress, utf8Bytes } from "@holdfast/base";
import type { WeighedTipset } from "@holdfast/consensus";
import {
  compareTipsets,
  electionInput,
  isWinner,
  randomnessFromTicket,
  randomnessFromTickets,
  sortCids,
  ticketInput,
  tipsetWeight,
  winningPostSeed,
  winningSector,
} from "@holdfast/consensus";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const draws = 4000;
const proof = (i: number): Uint8Array => blake2b256(bigEndian(i, 8));

/** Share of `draws` reproducible draws that win. */
function winRatio(winner: typeof isWinner, power: bigint, total: bigint): number {
  let won = 0;
  for (let i = 0; i < draws; i++) if (winner(proof(i), power, total)) won += 1;
  return won / draws;
}

/** Four standard deviations of the ratio. */
const slack = (p: number): number => 4 * Math.sqrt((p * (1 - p)) / draws);

describe("the election", () => {
  const shares: readonly (readonly [bigint, bigint])[] = [
    [1n, 2n],
    [1n, 10n],
    [7n, 8n],
    [1n << 60n, 3n << 60n],
    [2n, 1000n],
  ];
  const isFair = (winner: typeof isWinner): boolean =>
    shares.every(([power, total]) => {
      const p = Number((power * 1_000_000n) / total) / 1_000_000;
      return Math.abs(winRatio(winner, power, total) - p) <= slack(p);
    });

  it("is won in proportion to power", () => {
    expect(isFair(isWinner)).toBe(true);
  });

  it("a lottery that looks at three bits only, or adds a bonus, would be noticed", () => {
    const coarse: typeof isWinner = (p, own, total) =>
      BigInt((blake2b256(p)[0] ?? 0) >> 5) * total < own << 3n;
    const generous: typeof isWinner = (p, own, total) => isWinner(p, own + total / 20n, total);
    expect(isFair(coarse)).toBe(false);
    expect(isFair(generous)).toBe(false);
  });

  it("is always won with all power and never with none", () => {
    expect(winRatio(isWinner, 5n, 5n)).toBe(1);
    expect(winRatio(isWinner, 0n, 5n)).toBe(0);
    expect(winRatio(isWinner, -1n, 5n)).toBe(0);
  });

  it("asks every height, miner and parent its own question", () => {
    const [a, b] = [seedAddress(1, "a"), seedAddress(1, "b")];
    const [s, t] = [new Uint8Array(96), new Uint8Array(96).fill(1)];
    const inputs: Uint8Array[] = [];
    for (const ask of [ticketInput, electionInput]) {
      for (const ticket of [s, t]) {
        for (const height of [1, 2, 256]) {
          for (const miner of [a, b]) inputs.push(ask(ticket, epoch(height), miner));
        }
      }
    }
    expect(new Set(inputs.map((input) => input.join())).size).toBe(inputs.length);
  });

  it("picks every sector of the winner about as often", () => {
    const hits = [0, 0, 0, 0, 0];
    const sectors = [0, 1, 2, 3, 4].map((number) => ({ number, sectorBytes: 2_048 }));
    for (let i = 0; i < draws; i++) {
      const chosen = winningSector(proof(i), sectors)?.number ?? 0;
      hits[chosen] = (hits[chosen] ?? 0) + 1;
    }
    for (const hit of hits) expect(Math.abs(hit / draws - 0.2)).toBeLessThan(slack(0.2));
    expect(winningSector(proof(0), [])).toBeUndefined();
    expect(winningPostSeed(proof(1))).toHaveLength(32);
  });

  it("picks a sector as often as its size is of all: small ones do not stand in for a large one that is lost", () => {
    const small = Array.from({ length: 8 }, (_, number) => ({ number, sectorBytes: 2_048 }));
    const sectors = [...small, { number: 8, sectorBytes: 8 * 2_048 }];
    let large = 0;
    for (let i = 0; i < draws; i++) if (winningSector(proof(i), sectors)?.number === 8) large += 1;
    expect(Math.abs(large / draws - 0.5)).toBeLessThan(slack(0.5));
  });
});

const cidOf = (n: number): CID => cidOfCbor(bigEndian(n, 2));
const weighed = fc
  .record({
    weight: fc.bigInt(0n, 3n),
    ticket: fc.nat(2),
    cids: fc.uniqueArray(fc.nat(6), { minLength: 1, maxLength: 3 }),
  })
  .map(({ weight, ticket, cids }): WeighedTipset => {
    const minTicket = new Uint8Array(96).fill(ticket);
    return { weight, tipset: { minTicket, cids: sortCids(cids.map(cidOf)) } };
  });
type Compare = typeof compareTipsets;
const key = (one: WeighedTipset): string =>
  `${one.weight} ${one.tipset.minTicket[0]} ${one.tipset.cids.join()}`;

/** A total order: antisymmetric, transitive, and 0 only for the same tipset. */
const isTotalOrder = (compare: Compare) =>
  fc.property(weighed, weighed, weighed, (a, b, c) => {
    expect(Math.sign(compare(a, b))).toBe(-Math.sign(compare(b, a)) + 0);
    expect(compare(a, b) === 0).toBe(key(a) === key(b));
    if (compare(a, b) >= 0 && compare(b, c) >= 0) expect(compare(a, c)).toBeGreaterThanOrEqual(0);
  });

describe("the fork choice", () => {
  it("is a total order", () => {
    fc.assert(isTotalOrder(compareTipsets), { numRuns: 3000 });
  });

  it.each([
    ["only the first CID is compared", (a, b) => firstOnly(a, b)],
    ["ties are left open", (a, b) => (a.weight === b.weight ? 0 : Number(a.weight - b.weight))],
    ["a tie always favours the second", (a, b) => compareTipsets(a, b) || -1],
  ] satisfies [string, Compare][])("would be caught if %s", (_name, broken) => {
    expect(fc.check(isTotalOrder(broken), { numRuns: 3000 }).failed).toBe(true);
  });

  it("prefers weight, then the smaller ticket", () => {
    const make = (weight: bigint, ticket: number): WeighedTipset => ({
      weight,
      tipset: { minTicket: new Uint8Array(96).fill(ticket), cids: [cidOf(1)] },
    });
    expect(compareTipsets(make(2n, 9), make(1n, 0))).toBeGreaterThan(0);
    expect(compareTipsets(make(1n, 1), make(1n, 2))).toBeGreaterThan(0);
  });
});

function firstOnly(a: WeighedTipset, b: WeighedTipset): number {
  const cut = (one: WeighedTipset): WeighedTipset => ({
    ...one,
    tipset: { ...one.tipset, cids: one.tipset.cids.slice(0, 1) },
  });
  return compareTipsets(cut(a), cut(b));
}

describe("weight", () => {
  const miners = ["a", "b", "c"].map((seed) => seedAddress(1, seed));
  const blocks = (n: number) => miners.slice(0, n).map((miner) => ({ miner })) as never;
  const power = (own: bigint, total: bigint) => ({ total, powerOf: (_: Address) => own });

  it("is the parent's once, and 10 + 100 · share for each block", () => {
    const tipset = (n: number) => ({ height: 5 as Epoch, parentWeight: 7n, blocks: blocks(n) });
    expect(tipsetWeight(tipset(1), power(4n, 4n))).toBe(7n + 110_000n);
    expect(tipsetWeight(tipset(2), power(2n, 4n))).toBe(7n + 120_000n);
    expect(tipsetWeight(tipset(3), power(1n, 3n))).toBe(7n + 3n * 43_333n);
    expect(tipsetWeight(tipset(1), power(0n, 0n))).toBe(7n + 10_000n);
    expect(tipsetWeight({ ...tipset(1), height: epoch(0), parentWeight: 0n }, power(1n, 1n))).toBe(0n);
  });
});

describe("randomness", () => {
  const ticket = (n: number): Uint8Array => new Uint8Array(96).fill(n);
  const chain = [0, 1, 4, 9].map((height) => ({ height: epoch(height), minTicket: ticket(height) }));
  const none = new Uint8Array(0);

  it("comes from the last tipset at or before the epoch", () => {
    const source = randomnessFromTickets(chain);
    for (const [at, from] of [
      [0, 0],
      [1, 1],
      [2, 1],
      [3, 1],
      [4, 4],
      [8, 4],
      [9, 9],
      [1000, 9],
    ] as const) {
      const expected = randomnessFromTicket(ticket(from), "tag", epoch(at), none);
      expect(source(epoch(at), "tag", none)).toEqual(expected);
    }
  });

  it("separates purposes, epochs and askers, also at the seams of its parts", () => {
    const drawn = [
      randomnessFromTicket(ticket(1), "ab", epoch(1), utf8Bytes("c")),
      randomnessFromTicket(ticket(1), "a", epoch(1), utf8Bytes("bc")),
      randomnessFromTicket(ticket(1), "abc", epoch(1), none),
      randomnessFromTicket(ticket(1), "ab", epoch(2), utf8Bytes("c")),
      randomnessFromTicket(ticket(2), "ab", epoch(1), utf8Bytes("c")),
      randomnessFromTicket(concatBytes(ticket(1), utf8Bytes("c")), "ab", epoch(1), none),
    ];
    expect(new Set(drawn.map((bytes) => bytes.join())).size).toBe(drawn.length);
    for (const bytes of drawn) expect(bytes).toHaveLength(32);
  });
});
