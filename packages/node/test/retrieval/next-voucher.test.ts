/** A client that pays once, and then takes what it can: it gets one credit beyond that, on however many streams. */
import { attoFil, encode, parseFil, rawCid, type WireStream } from "@holdfast/base";
import { describe, expect, it } from "vitest";
import { FrameReader, sendFrame } from "../../src/framing.ts";
import { limits } from "../../src/limits.ts";
import { blocksProtocol, helloCodec, wishCodec } from "../../src/retrieval/blocks-protocol.ts";
import { addressOf, Bank } from "./bank.ts";
import { chunkBytes, randomBytes, streamOf, World } from "./support.ts";

const price = attoFil(1_000n);
const plenty = parseFil("1FIL");
const bytes = randomBytes("thief", 60 * chunkBytes);

describe("a client", () => {
  it("that never pays the next voucher gets one credit beyond what it paid", async () => {
    const bank = new Bank();
    const world = new World({ delayMs: 2 });
    const miner = await world.node("miner", { payments: bank.door("miner") });
    miner.retrieval.service({ pricePerByte: price });
    const { root } = await miner.retrieval.importFile(streamOf(bytes));
    const thief = await world.node("thief", { payments: bank.door("thief") });
    const door = bank.door("thief");
    const channel = { payer: addressOf("thief"), channel: 0 as never };
    const opening = { payer: channel.payer, target: addressOf("miner"), amount: plenty, eol: 5_000 };
    await door.open(opening, "key", () => undefined, new AbortController().signal);
    const paidBytes = 5 * chunkBytes;
    const take = async (stream: WireStream): Promise<number> => {
      const hello = { root, channel, proof: door.prove(channel), mayFetch: false };
      await sendFrame(stream, encode(helloCodec, hello));
      const leaves = Array.from({ length: 60 }, (_, index) =>
        rawCid(bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes)),
      );
      await sendFrame(stream, encode(wishCodec, { kind: "want", cids: leaves }));
      const reader = new FrameReader(stream);
      let taken = 0;
      let isPaid = false;
      try {
        for (;;) {
          const frame = await reader.read();
          if (frame === undefined) return taken;
          if (frame.length > 1_000) taken += frame.length;
          if (isPaid || taken < paidBytes) continue;
          isPaid = true;
          const voucher = door.give(channel, attoFil(price * BigInt(paidBytes)));
          await sendFrame(stream, encode(wishCodec, { kind: "pay", voucher }));
        }
      } catch {
        return taken; // cut, at last
      }
    };
    const tryAll = () => world.run(thief.wire.open(miner.peer, blocksProtocol).then(take));
    const taken = await tryAll();
    const most = paidBytes + limits.retrievalCreditBytes;
    expect(taken).toBeGreaterThan(limits.retrievalCreditBytes);
    expect(taken).toBeLessThan(most * 1.02);
    expect(bank.paidTo(addressOf("miner"))).toBe(attoFil(price * BigInt(paidBytes)));
    // The miner has the voucher whatever the client does now, and there is nothing more on another stream.
    expect(await tryAll()).toBe(0);
  });
});
