/** Single blocks by their CIDs: what is served of a chain, and a tipset that is had in no other way. */
import { cidOfCbor, encode, equalBytes } from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import { blockCid, blockHeaderCodec, messageCid } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { rangeParts } from "../../src/sync/exchange.ts";
import { honestly, Impostor, sleeper } from "./support/impostor.ts";

const signal = new AbortController().signal;
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
