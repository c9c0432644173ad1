/** Single blocks by their CIDs: the codec of bitswap, what is served, and a tipset that is had in no other way. */
import { cidOfCbor, encode, equalBytes, toHex } from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import { blockCid, blockHeaderCodec, messageCid } from "@holdfast/consensus";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../../src/limits.ts";
import { decodeSwap, encodeSwap, type SwapMessage } from "../../src/sync/bitswap-codec.ts";
import { rangeParts } from "../../src/sync/exchange.ts";
import { honestly, Impostor, sleeper } from "./support/impostor.ts";

const signal = new AbortController().signal;
const bytes = fc.uint8Array({ maxLength: 300 });
const cid = bytes.map((content) => cidOfCbor(content));
const message = fc.record({
  wants: fc.array(fc.record({ cid, cancel: fc.boolean(), have: fc.boolean(), sendDontHave: fc.boolean() }), {
    maxLength: 5,
  }),
  blocks: fc.array(bytes, { maxLength: 5 }),
  presences: fc.array(fc.record({ cid, has: fc.boolean() }), { maxLength: 5 }),
});
const shown = ({ wants, blocks, presences }: SwapMessage) => ({
  wants: wants.map((want) => ({ ...want, cid: want.cid.toString() })),
  blocks: blocks.map((block) => toHex(block)),
  presences: presences.map((one) => ({ ...one, cid: one.cid.toString() })),
});

describe("a bitswap message", () => {
  it("is what it was after a round trip", () => {
    fc.assert(
      fc.property(message, (given) => {
        expect(shown(decodeSwap(encodeSwap(given), "peer"))).toEqual(shown(given));
      }),
      { seed: 1, numRuns: 200 },
    );
  });
  it("of any bytes is decoded or refused with a code, and never hangs or allocates for what it claims", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (given) => {
        try {
          decodeSwap(given, "peer");
        } catch (error) {
          expect((error as { code?: string }).code).toMatch(/^(sync\/bad-answer|cid\/malformed)$/);
        }
      }),
      { seed: 2, numRuns: 2_000 },
    );
  });
  it("with too many entries is refused", () => {
    const blocks = Array.from({ length: limits.swapEntries + 1 }, () => new Uint8Array(1));
    expect(() => decodeSwap(encodeSwap({ wants: [], blocks, presences: [] }), "peer")).toThrow("too many");
  });
});

describe("single blocks", () => {
  it("are had of anyone: headers, messages, objects of a state; what nobody has is left out", async () => {
    const { net, honest, sync, reachHonest } = await sleeper({ seed: "singles" }, [], 20);
    await using _ = net;
    expect(await reachHonest()).toBe(true);
    const [header] = honest.head().blocks;
    const signed = [...honest.ancestors(honest.head())].flatMap((tipset) => honest.messagesOf(tipset))[0];
    const state = honest.stateAfter(honest.head().key);
    if (header === undefined || signed === undefined || state === undefined)
      throw new TypeError("a chain has these");
    const nobodys = cidOfCbor(new SeededRandom("x").bytes(40));
    const wanted = [blockCid(header), messageCid(signed), state, header.messages, nobodys];
    const found = await net.settle(sync().fetchBlocks(wanted, signal));
    expect([...found.keys()]).toEqual(wanted.slice(0, 4).map(String));
    const got = found.get(blockCid(header).toString()) ?? new Uint8Array(0);
    expect(equalBytes(got, encode(blockHeaderCodec, header))).toBe(true);
  });

  it("make up for ranges of bodies that nobody gives", async () => {
    const { net, honest, own } = await sleeper({ seed: "no-ranges" }, ["miser"], 20);
    await using _ = net;
    const miser = await Impostor.meet(net, "miser", (request) =>
      request.parts === rangeParts.headers ? honestly(honest, request) : "unknown",
    );
    miser.serveBlocks(net.nodes[0]?.node.chain as never);
    await miser.hello(own.genesis.cids[0] as never, honest.head());
    expect(await net.advanceUntil(() => own.head().key === honest.head().key, 120_000)).toBe(true);
    await miser.end();
  });
});
