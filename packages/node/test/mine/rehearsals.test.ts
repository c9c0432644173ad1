/** Proofs are rehearsed before their deadlines: what cannot be proven is declared in time, and not at once. */
import { decode } from "@holdfast/base";
import { isFrozen, methods, readSectors } from "@holdfast/consensus";
import { createNetwork } from "@holdfast/node/testing";
import { describe, expect, it } from "vitest";
import type { MineNeeds } from "../../src/mine/index.ts";
import { type Rehearsed, rehearsePosts } from "../../src/mine/rehearsals.ts";

/** The duty beside a miner at work, with a sender that only remembers, over some rounds. */
async function rehearse(
  faultsAt: (look: number) => boolean,
  rounds: number,
  isRefused = (_key: string) => false,
) {
  await using net = await createNetwork({ miners: 2, seed: "rehearsals" });
  await net.advance("3s");
  const [first] = net.miners;
  const { chain } = net.client.node;
  const miner = first?.miner;
  if (miner === undefined) throw new TypeError("the network has a miner");
  const [sector] = readSectors(chain.store, chain.headState().state, miner);
  const id = sector?.sectorId ?? 0;
  const sent: { readonly key: string; readonly height: number; readonly ids: readonly number[] }[] = [];
  const looks: number[] = [];
  const needs = {
    ...{ chain, miner },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    storage: {
      rehearse: async (_seed: Uint8Array, ids: readonly number[]) => {
        looks.push(chain.head().height);
        return faultsAt(looks.length) ? ids.filter((one) => one === id) : [];
      },
    },
    sender: {
      send: async ({ key, params }: { readonly key: string; readonly params: Uint8Array }) => {
        const { sectorIds } = decode(methods.miner.declareFaults.params, params);
        sent.push({ key, height: chain.head().height, ids: sectorIds });
      },
      sentAs: (key: string) => (sent.some((one) => one.key === key) ? { cid: key } : undefined),
      find: (key: string) => ({ mined: { receipt: { exitCode: isRefused(key) ? 1 : 0 } } }),
    },
  } as unknown as MineNeeds;
  const rehearsed: Rehearsed = new Map();
  for (let round = 0; round < rounds; round += 1) {
    await rehearsePosts(needs, rehearsed);
    await net.advance(chain.params.roundMs);
  }
  const deadline = sector?.deadlineIndex ?? 0;
  const isTaken = (height: number) => !isFrozen(chain.params, miner, deadline, (height + 1) as never);
  return { sent, looks, id, isTaken, period: chain.params.provingPeriodEpochs };
}

describe("a rehearsal", () => {
  it("finds what cannot be proven, looks again, and declares it before it is too late", async () => {
    const { sent, looks, id, isTaken } = await rehearse(() => true, 70);
    expect(sent.length).toBeGreaterThan(0);
    for (const { ids, height } of sent) {
      expect(ids).toEqual([id]);
      expect(isTaken(height)).toBe(true);
    }
    expect(looks.length).toBe(2 * sent.length);
    expect(new Set(sent.map(({ key }) => key)).size).toBe(sent.length);
  });

  it("declares again what a branch of the chain has refused, while the window still allows it", async () => {
    const { sent, looks, id, isTaken } = await rehearse(
      () => true,
      70,
      (key) => /^declareFaults\/[^/]+\/[^/]+$/.test(key),
    );
    expect(sent.length).toBeGreaterThanOrEqual(2);
    for (const [at, { key, ids, height }] of sent.entries()) {
      expect(key.endsWith("/1")).toBe(at % 2 === 1);
      expect([ids, isTaken(height)]).toEqual([[id], true]);
    }
    expect(looks.length).toBe(2 * Math.ceil(sent.length / 2));
  });

  it("declares nothing that was away for a moment, and reads each window's sectors once", async () => {
    const { sent, looks, period } = await rehearse((look) => look === 1, 70);
    expect(sent).toEqual([]);
    expect(looks.length).toBeGreaterThanOrEqual(2);
    expect(looks.length).toBeLessThanOrEqual(2 + Math.ceil(70 / period));
  });
});
