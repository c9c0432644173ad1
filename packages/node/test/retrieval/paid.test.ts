/**
 * Blocks for money, in virtual time and on a ledger in memory. Whatever one side does, the other loses no more than one
 * credit: bytes that were not paid, or money for bytes that did not come.
 */
import {
  attoFil,
  type CID,
  encode,
  type PeerId,
  parseFil,
  rawCid,
  silentLogger,
  type WireStream,
} from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import { FrameReader, sendFrame } from "../../src/framing.ts";
import { limits } from "../../src/limits.ts";
import {
  blockParts,
  blocksProtocol,
  blocksStatus,
  helloCodec,
  replyParts,
  termsCodec,
  wishCodec,
} from "../../src/retrieval/blocks-protocol.ts";
import { Budget } from "../../src/retrieval/index.ts";
import { openPurse } from "../../src/retrieval/pay/purse.ts";
import { openPayStore } from "../../src/retrieval/pay/store.ts";
import { addressOf, Bank } from "./bank.ts";
import {
  chunkBytes,
  collect,
  expectSameBytes,
  randomBytes,
  type SimNode,
  streamOf,
  World,
} from "./support.ts";

const price = attoFil(1_000n);
const bankOfNobody = new Bank();
const plenty = parseFil("1FIL");

async function market(bytes: Uint8Array, pricePerByte = price) {
  const bank = new Bank();
  const world = new World({ delayMs: 2 });
  const miner = await world.node("miner", { payments: bank.door("miner") });
  miner.retrieval.service({ pricePerByte });
  const client = await world.node("client", { payments: bank.door("client") });
  const { root } = await miner.retrieval.importFile(streamOf(bytes));
  return { bank, world, miner, client, root };
}

type Fetching = Parameters<SimNode["retrieval"]["openFile"]>[1];

async function fetched(world: World, node: SimNode, root: CID, options: Fetching): Promise<Uint8Array> {
  const opened = await world.run(node.retrieval.openFile(root, options));
  return world.run(collect(opened.bytes));
}

describe("a file that has a price", () => {
  it("is paid for as it comes: every byte of every block once, and the rest of the deposit comes back", async () => {
    const bytes = randomBytes("paid", 30 * chunkBytes);
    const { bank, world, miner, client, root } = await market(bytes);
    const options = { providers: [miner.peer], budget: new Budget(plenty) };
    expectSameBytes(await fetched(world, client, root, options), bytes);
    await world.advance(1_000);
    const cost = BigInt(await client.blocks.usedBytes()) * price;
    expect(bank.paidTo(addressOf("miner"))).toBe(cost);
    expect(miner.retrieval.service().earned).toBe(cost);
    expect(bank.opened).toBe(1);
    expect(bank.vouchers).toBeLessThan(12);
    expect(await fetched(world, client, root, options)).toHaveLength(bytes.length);
    expect(bank.paidTo(addressOf("miner"))).toBe(cost); // it is here now
    bank.isEarly = true;
    bank.advance(limits.retrievalChannelRounds + 1);
    await world.advance(1_000);
    bank.isEarly = false;
    for (let head = 0; head < 25; head += 1) {
      bank.advance(1);
      await world.advance(1_000);
    }
    expect([bank.failedKeys.size, bank.reclaimed]).toEqual([1, 1]);
  });

  it("costs what was fetched of it: a range a few blocks, and the channel is used again", async () => {
    const bytes = randomBytes("paid range", 100 * chunkBytes);
    const { bank, world, miner, client, root } = await market(bytes);
    for (const offsetBytes of [0, 50 * chunkBytes, 99 * chunkBytes]) {
      const options = { offsetBytes, lengthBytes: 10, providers: [miner.peer], budget: new Budget(plenty) };
      expectSameBytes(
        await fetched(world, client, root, options),
        bytes.subarray(offsetBytes, offsetBytes + 10),
      );
    }
    await world.advance(1_000);
    expect(bank.opened).toBe(1);
    const paid = bank.paidTo(addressOf("miner"));
    expect(paid).toBe(BigInt(await client.blocks.usedBytes()) * price);
    expect(paid).toBeLessThan(BigInt(3 * chunkBytes + 20_000) * price);
  });

  it("is not fetched for more than is allowed, and without leave nothing is paid", async () => {
    const bytes = randomBytes("dear", 20 * chunkBytes);
    const { bank, world, miner, client, root } = await market(bytes);
    for (const maxPrice of [undefined, attoFil(1n), attoFil(price * BigInt(bytes.length - 1))]) {
      const budget = new Budget(maxPrice);
      const opening = client.retrieval.openFile(root, { providers: [miner.peer], budget });
      expect(await codeOf(world.run(opening))).toBe("retrieval/price-above-max");
    }
    expect(bank.opened).toBe(0);
    // A path or a range of unknown cost: it goes as far as the money does, and no further.
    const maxPrice = attoFil(price * BigInt(6 * chunkBytes));
    const range = {
      offsetBytes: 0,
      lengthBytes: 5 * chunkBytes,
      providers: [miner.peer],
      budget: new Budget(maxPrice),
    };
    expectSameBytes(await fetched(world, client, root, range), bytes.subarray(0, 5 * chunkBytes));
    await world.advance(1_000);
    expect(bank.paidTo(addressOf("miner"))).toBeLessThanOrEqual(maxPrice);
  });

  it("comes from who has it for nothing, if there is one, and else from the cheapest", async () => {
    const bytes = randomBytes("choice", 10 * chunkBytes);
    const { bank, world, miner, client, root } = await market(bytes);
    const cheap = await world.node("cheap", { payments: bank.door("cheap") });
    cheap.retrieval.service({ pricePerByte: attoFil(10n) });
    await cheap.retrieval.importFile(streamOf(bytes));
    const options = { providers: [miner.peer, cheap.peer], budget: new Budget(plenty) };
    expectSameBytes(await fetched(world, client, root, options), bytes);
    await world.advance(1_000);
    expect(bank.paidTo(addressOf("miner"))).toBe(0n);
    expect(bank.paidTo(addressOf("cheap"))).toBeGreaterThan(0n);
    const free = await world.node("free");
    await free.retrieval.importFile(streamOf(bytes));
    const second = await world.node("second", { payments: bank.door("second") });
    const providers = [miner.peer, cheap.peer, free.peer];
    expectSameBytes(await fetched(world, second, root, { providers, budget: new Budget(plenty) }), bytes);
    expect(bank.opened).toBe(1);
  });

  it("of which somebody has a part for nothing is paid for beyond that part, or refused at once", async () => {
    const bytes = randomBytes("part", 10 * chunkBytes);
    const { world, miner, client, root } = await market(bytes);
    const part = { offsetBytes: 0, lengthBytes: 10, providers: [miner.peer], budget: new Budget(plenty) };
    await fetched(world, client, root, part); // and gives it on for nothing
    const bank = new Bank();
    const second = await world.node("second", { payments: bank.door("second") });
    const end = { offsetBytes: 9 * chunkBytes, lengthBytes: 10, providers: [client.peer, miner.peer] };
    expect(await codeOf(fetched(world, second, root, end))).toBe("retrieval/price-above-max");
  });

  it("comes from several that are paid, if it is large: each has a channel and is paid what it gave", async () => {
    const bytes = randomBytes("spread", 100 * chunkBytes);
    const { bank, world, miner, client, root } = await market(bytes);
    const names = ["miner", "second", "dear"];
    for (const [index, name] of names.entries()) {
      if (name === "miner") continue;
      const other = await world.node(name, { payments: bank.door(name) });
      other.retrieval.service({ pricePerByte: attoFil(1_000n + 200n * BigInt(index)) });
      await other.retrieval.importFile(streamOf(bytes));
    }
    const providers = [miner.peer, ...names.slice(1).map((name) => name as PeerId)];
    const options = { providers, budget: new Budget(plenty) };
    expectSameBytes(await fetched(world, client, root, options), bytes);
    await world.advance(1_000);
    const [first = 0n, second = 0n, dear] = names.map((name) => bank.paidTo(addressOf(name)));
    expect([first > 0n, second > 0n, dear]).toEqual([true, true, 0n]);
    // Every byte once, to whoever gave it.
    expect(first / 1_000n + second / 1_200n).toBe(BigInt(await client.blocks.usedBytes()));
    expect(bank.opened).toBe(2);
  });

  it("opens no more channels than a node may have, whoever wants to be paid", async () => {
    const bank = new Bank();
    const store = openPayStore(openDatabase(":memory:"));
    const door = bank.door("client");
    await using purse = openPurse({ store, door, logger: silentLogger });
    const { signal } = new AbortController();
    const pay = (name: string) => purse.paying(addressOf(name), attoFil(10n), signal);
    for (let index = 0; index < limits.retrievalOwnChannels; index++) {
      store.addOwn({ payer: addressOf("client"), target: addressOf("x"), amount: attoFil(1n), eol: 5_000 });
    }
    expect(await codeOf(pay("one more"))).toBe("retrieval/too-many-channels");
    expect(bank.opened).toBe(0);
    store.dropOwn(1);
    await pay("one more");
    expect(bank.opened).toBe(1);
  });

  it("keeps a channel in sight whose opening was cut off, and takes its money back", async () => {
    const bank = new Bank();
    const store = openPayStore(openDatabase(":memory:"));
    const whole = bank.door("client");
    const open: typeof whole.open = async (...given) => {
      await whole.open(...given);
      throw new Error("the sender is closing");
    };
    const cut = { ...whole, open };
    await using purse = openPurse({ store, door: cut, logger: silentLogger });
    const { signal } = new AbortController();
    await expect(purse.paying(addressOf("miner"), attoFil(10n), signal)).rejects.toThrow("closing");
    bank.advance(limits.retrievalChannelRounds + 1);
    await expect.poll(() => bank.reclaimed).toBe(1);
  });

  it("is not given by the free protocol, and a question is still answered", async () => {
    const { world, miner, client, root } = await market(randomBytes("free", 3 * chunkBytes));
    const car = client.retrieval.carFrom(miner.peer, root, new AbortController().signal);
    expect(await codeOf(world.run(collect(car)))).toBe("retrieval/refused");
    const found = await world.run(client.retrieval.stat(root, [miner.peer]));
    expect(found.sizeBytes).toBe(3 * chunkBytes);
    expect(await miner.retrieval.gifts.find(root)).toBeUndefined();
    expect(await miner.retrieval.gifts.has(root)).toBe(false);
  });
});

describe("a client that does not pay", () => {
  const bytes = randomBytes("thief", 60 * chunkBytes);

  /** Takes all it can without paying anything, on so many streams. */
  async function steal(
    world: World,
    thief: SimNode,
    miner: SimNode,
    root: CID,
    streams: number,
    proof = bankOfNobody.door("thief").prove({ payer: addressOf("thief"), channel: 0 as never }),
  ): Promise<number> {
    const leaves = Array.from({ length: 60 }, (_, index) =>
      rawCid(bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes)),
    );
    const channel = { payer: addressOf("thief"), channel: 0 as never };
    const take = async (stream: WireStream): Promise<number> => {
      const hello = { root, channel, proof, mayFetch: false };
      await sendFrame(stream, encode(helloCodec, hello));
      await sendFrame(stream, encode(wishCodec, { kind: "want", cids: leaves }));
      const reader = new FrameReader(stream);
      let taken = 0;
      try {
        for (;;) {
          const frame = await reader.read();
          if (frame === undefined) break;
          if (frame.length > 1_000) taken += frame.length;
        }
      } catch {
        // cut, at last
      }
      return taken;
    };
    const all = Array.from({ length: streams }, async () =>
      take(await thief.wire.open(miner.peer, blocksProtocol)),
    );
    return (await world.run(Promise.all(all))).reduce((sum, taken) => sum + taken, 0);
  }

  it("gets one credit from a channel and no more, on one stream or on several, now or after a restart", async () => {
    const bank = new Bank();
    const world = new World({ delayMs: 2 });
    const database = openDatabase(":memory:");
    const blocks = (await world.node("blocks")).blocks;
    const payments = bank.door("miner");
    const miner = await world.node("miner", { payments, database, blocks });
    miner.retrieval.service({ pricePerByte: price });
    const { root } = await miner.retrieval.importFile(streamOf(bytes));
    const thief = await world.node("thief", { payments: bank.door("thief") });
    const signal = new AbortController().signal;
    const opening = { payer: addressOf("thief"), target: addressOf("miner"), amount: plenty, eol: 5_000 };
    await bank.door("thief").open(opening, "key", () => undefined, signal);
    const overhead = 1.02;
    const first = await steal(world, thief, miner, root, 1);
    expect(first).toBeGreaterThan(limits.retrievalCreditBytes / 2);
    expect(first).toBeLessThan(limits.retrievalCreditBytes * overhead);
    const more = await steal(world, thief, miner, root, 4);
    expect(first + more).toBeLessThan(limits.retrievalCreditBytes * overhead);
    await world.run(miner.retrieval[Symbol.asyncDispose]());
    const again = await world.node("miner-2", { payments, database, blocks });
    expect(first + more + (await steal(world, thief, again, root, 2))).toBeLessThan(
      limits.retrievalCreditBytes * overhead,
    );
    expect(bank.paidTo(addressOf("miner"))).toBe(0n);
  });

  it("gets nothing from a channel of another or of a deal, and little where little is in it", async () => {
    const { bank, world, miner, root } = await market(bytes);
    const thief = await world.node("thief", { payments: bank.door("thief") });
    const opening = { payer: addressOf("thief"), target: addressOf("miner"), amount: plenty, eol: 5_000 };
    const { signal } = new AbortController();
    await bank.door("thief").open(opening, "key", () => undefined, signal);
    expect(await steal(world, thief, miner, root, 2, new Uint8Array(0))).toBe(0);
    const name = `${addressOf("thief")}/0`;
    bank.ofDeals.add(name);
    expect(await steal(world, thief, miner, root, 2)).toBe(0);
    bank.ofDeals.delete(name);
    const channel = bank.channels.get(name);
    if (channel !== undefined) channel.deposit = attoFil(1n);
    expect(await steal(world, thief, miner, root, 2)).toBeLessThan(2 * chunkBytes);
  });

  it("or pays with vouchers that are worth nothing is told so, and gets nothing more", async () => {
    const { bank, world, miner, client, root } = await market(bytes);
    bank.forge = (text) => `${text}x`.replace(/ \d+x$/, " 0");
    const options = { providers: [miner.peer], budget: new Budget(plenty) };
    const reading = client.retrieval.openFile(root, options).then(({ bytes: stream }) => collect(stream));
    expect(await codeOf(world.run(reading))).toBe("retrieval/no-provider");
    expect(await client.blocks.usedBytes()).toBeLessThanOrEqual(limits.retrievalCreditBytes);
  });

  it("but has crashed and forgotten what it owes is believed once, for one credit", async () => {
    const { bank, world, miner, client, root } = await market(bytes);
    const channel = bank.door("client");
    const options = {
      offsetBytes: 0,
      lengthBytes: 6 * chunkBytes,
      providers: [miner.peer],
      budget: new Budget(plenty),
    };
    const give = channel.give.bind(channel);
    expect(give).toBeDefined();
    await fetched(world, client, root, options);
    await world.advance(1_000);
    // The node starts anew on another disk, with the vouchers that it had given, less one that it forgot.
    const only = [...bank.channels.values()][0];
    if (only !== undefined) only.given = attoFil(only.given - price * BigInt(chunkBytes));
    const fresh = await world.node("client-2", { payments: bank.door("client") });
    const next = { ...options, offsetBytes: 20 * chunkBytes, lengthBytes: 10 * chunkBytes };
    const part = await fetched(world, fresh, root, next);
    expectSameBytes(part, bytes.subarray(20 * chunkBytes, 30 * chunkBytes));
  });
});

describe("a provider that wants money for nothing", () => {
  const bytes = randomBytes("cheat", 20 * chunkBytes);
  const target = addressOf("cheat");
  const terms = {
    message: "",
    pricePerByte: price,
    target,
    creditBytes: 2_097_152,
    carBytes: 5e6,
    fileBytes: null,
  };

  /** Says what it costs, and then does `act` on a stream that is paid for. */
  async function against(act: (stream: WireStream, wanted: readonly CID[]) => Promise<void>) {
    const bank = new Bank();
    const world = new World({ delayMs: 2 });
    const cheat = await world.wire("cheat");
    cheat.handle(blocksProtocol, async (stream) => {
      const reader = new FrameReader(stream);
      const hello = await reader.readMessage(helloCodec);
      const status = hello?.channel === null ? blocksStatus.payment : blocksStatus.success;
      await sendFrame(stream, encode(termsCodec, { ...terms, status }));
      if (status === blocksStatus.payment) return stream.closeWrite();
      for (;;) {
        const wish = await reader.readMessage(wishCodec);
        if (wish === undefined) return;
        if (wish.kind === "want") await act(stream, wish.cids);
        else bank.door("cheat").take(wish.voucher, hello?.channel ?? { payer: target, channel: 0 as never });
      }
    });
    const client = await world.node("client", { payments: bank.door("client") });
    const { root } = await (await world.node("maker")).retrieval.importFile(streamOf(bytes));
    const providers: PeerId[] = [cheat.self];
    const opening = client.retrieval.openFile(root, { providers, budget: new Budget(plenty) });
    const code = await codeOf(world.run(opening.then((opened) => collect(opened.bytes))));
    return { code, paid: bank.paidTo(target), kept: await client.blocks.usedBytes() };
  }
  const write = async (stream: WireStream, parts: readonly Uint8Array[]): Promise<void> => {
    for (const part of parts) await stream.write(part);
  };

  it("is paid nothing for wrong bytes, for blocks that nobody wanted, and for claims", async () => {
    const junk = randomBytes("junk", chunkBytes);
    const acts = [
      (stream: WireStream, wanted: readonly CID[]) =>
        write(stream, blockParts(wanted[0] ?? rawCid(junk), junk)),
      (stream: WireStream) => write(stream, blockParts(rawCid(junk), junk)),
      (stream: WireStream) => write(stream, replyParts({ kind: "due", amount: plenty })),
      (stream: WireStream) =>
        write(stream, replyParts({ kind: "due", amount: attoFil(price * BigInt(chunkBytes)) })),
      (stream: WireStream) => write(stream, replyParts({ kind: "chunk", data: junk.subarray(0, 1_000) })),
    ];
    for (const act of acts) {
      const { code, paid, kept } = await against(act);
      expect(code).toBe("retrieval/no-provider");
      expect(paid).toBe(0n);
      expect(kept).toBe(0);
    }
  });
});
