/** A deal's file bought by somebody else, with real channels on a real chain, in virtual time. */
import { parseFil } from "@holdfast/base";
import { describe, expect, it } from "vitest";
import { createNetwork } from "../../src/testing/index.ts";
import { chunkBytes, collect, expectSameBytes, randomBytes } from "./support.ts";

describe("a file of a deal that has a price", () => {
  it("is sold by its miner out of its pieces, a range for a range's price, and the vouchers are redeemed", async () => {
    await using net = await createNetwork({ miners: 1, seed: "paid", sectorBytes: 262_144 });
    const bytes = randomBytes("bought", 2 * chunkBytes + 99);
    const { cid } = await net.put(bytes, { copies: 1 });
    const { signal } = new AbortController();
    for (const { node } of net.miners) {
      const set = node.handlers["retrieval.set"]({ pricePerGiB: "2FIL" }, signal);
      expect((await net.settle(set)).indexedBlocks).toBe(4);
    }
    const buyer = net.nodes.find(({ role }) => role === "bootstrap");
    if (buyer === undefined) throw new Error("no buyer");
    const found = await net.settle(buyer.node.handlers["file.find"]({ cid: cid.toString() }, signal));
    expect(found.filter(({ miner }) => miner !== null)).toHaveLength(1);
    expect(found.some(({ priceFilPerGiB }) => priceFilPerGiB.startsWith("2"))).toBe(true);
    await net.client.stop(); // it would give its own copy for nothing
    const buy = async (range: { offsetBytes: number; lengthBytes?: number }, maxPrice: string) => {
      const { signal: request } = new AbortController();
      buyer.node.files.allow(request, maxPrice);
      const opening = buyer.node.files.openFile(cid.toString(), range, request);
      return net.settle(opening.then((opened) => collect(opened.bytes)));
    };
    await expect(buy({ offsetBytes: 0 }, "0.000001FIL")).rejects.toMatchObject({
      code: "retrieval/price-above-max",
    });
    const part = await buy({ offsetBytes: chunkBytes, lengthBytes: 100 }, "1FIL");
    expectSameBytes(part, bytes.subarray(chunkBytes, chunkBytes + 100));
    const earned = async (): Promise<bigint> => {
      let sum = 0n;
      for (const { node } of net.miners) {
        sum += parseFil((await node.handlers["retrieval.show"]({}, signal)).earnedFil);
      }
      return sum;
    };
    await net.advance(2_000);
    const price = (parseFil("2FIL") + 2n ** 30n - 1n) / 2n ** 30n;
    const afterPart = await earned();
    expect(afterPart).toBeGreaterThanOrEqual(price * BigInt(chunkBytes));
    expect(afterPart).toBeLessThan(price * BigInt(2 * chunkBytes + 5_000));
    expectSameBytes(await buy({ offsetBytes: 0 }, "1FIL"), bytes);
    await net.advance(2_000);
    expect(await earned()).toBeGreaterThanOrEqual(price * BigInt(bytes.length));
    expect(await earned()).toBeLessThan(price * BigInt(bytes.length + 20_000));
    const seller = net.miners.find(({ node }) => node.handlers !== undefined && vouchersOf(node).length > 0);
    if (seller === undefined) throw new Error("no seller");
    const [voucher] = vouchersOf(seller.node);
    if (voucher === undefined) throw new Error("no voucher");
    const { payer, channel } = voucher;
    await net.settle(seller.node.handlers["channel.redeem"]({ payer, channel }, signal));
    await net.advance(5_000);
    const shown = await seller.node.handlers["channel.show"]({ payer, channel }, signal);
    expect(parseFil(shown.redeemedFil)).toBe(parseFil(voucher.amountFil));
  });
});

function vouchersOf(node: Awaited<ReturnType<typeof createNetwork>>["miners"][number]["node"]) {
  return node.channels.vouchers(undefined, undefined).filter(({ side }) => side === "received");
}
