/** Miners with sectors of several sizes: deals in each of them, proofs and faults over all, files out of each. */
import { sectorId } from "@holdfast/base";
import { readSector } from "@holdfast/consensus";
import { createNetwork } from "@holdfast/node/testing";
import { describe, expect, it } from "vitest";

const [small, large] = [2_048, 16_384];
const bytesOf = (length: number, step: number) =>
  Uint8Array.from({ length }, (_none, i) => (i * step) & 0xff);

describe("a miner with sectors of two sizes", () => {
  it("takes deals into both, proves both, loses the power of both when it is away, and gives all back", async () => {
    const sizes = { sectorBytes: small, otherSectorBytes: [large] };
    await using net = await createNetwork({ seed: "two sizes", miners: 2, ...sizes });
    const [miner] = net.miners;
    const { storage, miner: address } = miner ?? {};
    if (miner === undefined || storage === undefined || address === undefined) throw new Error("a miner");
    const { chain } = net.client.node;
    // One that fits into the smaller size, one that fits into the larger alone, and one of a full sector and a tail.
    const files = [bytesOf(700, 3), bytesOf(9_000, 5), bytesOf(17_000, 7)];
    const puts = [];
    for (const bytes of files) puts.push(await net.put(bytes, { copies: 2 }));
    const sectors = (await storage.listSectors()).filter(({ origin }) => origin === "pieces");
    const found = sectors.map(({ sectorBytes }) => sectorBytes);
    expect([...new Set(found)].toSorted((a, b) => a - b)).toEqual([small, large]);
    const onChain = () =>
      sectors.map((one) => readSector(chain.store, chain.headState().state, address, sectorId(one.sectorId)));
    expect(onChain().map((one) => one?.sectorBytes)).toEqual(found);
    const { provingPeriodEpochs, roundMs } = chain.params;
    const limitMs = 4 * provingPeriodEpochs * roundMs;
    const isEach = (done: (sector: NonNullable<ReturnType<typeof readSector>>) => boolean) => () =>
      onChain().every((one) => one !== undefined && done(one));
    const from = chain.head().height;
    expect(
      await net.advanceUntil(
        isEach(({ lastProven }) => (lastProven ?? 0) > from),
        limitMs,
      ),
    ).toBe(true);
    expect(isEach(({ faultySince }) => faultySince === null)()).toBe(true);
    for (const [index, { cid }] of puts.entries()) expect(await net.get(cid)).toEqual(files[index]);
    await miner.stop();
    expect(
      await net.advanceUntil(
        isEach(({ faultySince }) => faultySince !== null),
        limitMs,
      ),
    ).toBe(true);
    await miner.start();
    expect(
      await net.advanceUntil(
        isEach(({ faultySince }) => faultySince === null),
        limitMs,
      ),
    ).toBe(true);
    // Of this miner alone, out of each size.
    for (const other of net.miners.filter((one) => one !== miner)) await other.stop();
    for (const [index, { cid }] of puts.entries()) expect(await net.get(cid, miner)).toEqual(files[index]);
    expect(net.money().total).toBe(chain.genesisTotal);
  });
});
