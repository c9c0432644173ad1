/** Blocks exchanged by bitswap: the codec, who is asked and who is given, and what is not put up with. */
import {
  type CID,
  cidFromBytes,
  cidOfCbor,
  concatBytes,
  equalBytes,
  type PeerId,
  rawCid,
  sha256,
  silentLogger,
  toHex,
} from "@holdfast/base";
import { SeededRandom, SimClock, SimNet, type SimWire } from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameReader, sendFrame } from "../../src/framing.ts";
import { limits } from "../../src/limits.ts";
import {
  type BlockSwap,
  blockKey,
  decodeSwap,
  emptyMessage,
  encodeSwap,
  openBlockSwap,
  type SwapMessage,
  swapBlock,
  swapProtocol,
} from "../../src/swap/index.ts";

const signal = new AbortController().signal;
const bytes = fc.uint8Array({ maxLength: 300 });
const cid = fc.oneof(bytes.map(rawCid), bytes.map(cidOfCbor));
const message: fc.Arbitrary<SwapMessage> = fc.record({
  wants: fc.array(fc.record({ cid, cancel: fc.boolean(), have: fc.boolean(), sendDontHave: fc.boolean() }), {
    maxLength: 5,
  }),
  isFull: fc.boolean(),
  blocks: fc.array(fc.record({ prefix: fc.uint8Array({ maxLength: 8 }), bytes }), { maxLength: 5 }),
  presences: fc.array(fc.record({ cid, has: fc.boolean() }), { maxLength: 5 }),
});
const shown = ({ wants, blocks, presences, isFull }: SwapMessage) => ({
  isFull,
  wants: wants.map((want) => ({ ...want, cid: want.cid.toString() })),
  blocks: blocks.map((block) => [toHex(block.prefix), toHex(block.bytes)]),
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
          expect((error as { code?: string }).code).toMatch(/^(swap\/malformed|cid\/malformed)$/);
        }
      }),
      { seed: 2, numRuns: 2_000 },
    );
  });
  it("with too many entries is refused", () => {
    const block = { prefix: new Uint8Array(0), bytes: new Uint8Array(1) };
    const blocks = Array.from({ length: limits.swapEntriesTaken + 1 }, () => block);
    expect(() => decodeSwap(encodeSwap({ ...emptyMessage, blocks }), "peer")).toThrow("too many");
  });
  it("takes priorities below zero, which others send in ten bytes", () => {
    const entry = concatBytes(
      Uint8Array.of(0x0a, 0x24),
      rawCid(new Uint8Array(3)).bytes,
      Uint8Array.of(0x10, ...new Array<number>(9).fill(0xff), 0x01),
    );
    const list = concatBytes(Uint8Array.of(0x0a, entry.length), entry);
    const given = decodeSwap(concatBytes(Uint8Array.of(0x0a, list.length), list), "peer");
    expect(given.wants.map((want) => want.cid.toString())).toEqual([rawCid(new Uint8Array(3)).toString()]);
  });
});

interface Party {
  readonly wire: SimWire;
  readonly swap: BlockSwap;
  readonly lies: string[];
  readonly blocks: Map<string, Uint8Array>;
}

class World {
  readonly clock = new SimClock();
  readonly net = new SimNet({ seed: "swap", clock: this.clock, delayMs: 1 });
  readonly parties: Party[] = [];

  async party(name: string, has: readonly (readonly [CID, Uint8Array])[] = []): Promise<Party> {
    const wire = await this.wire(name);
    const swap = openBlockSwap({ wire, clock: this.clock, logger: silentLogger });
    const blocks = new Map(has.map(([one, content]) => [blockKey(one), content]));
    swap.serve({ find: (wanted) => blocks.get(blockKey(wanted)) });
    const lies: string[] = [];
    swap.onLie((peer, detail) => lies.push(`${peer}: ${detail}`));
    const party = { wire, swap, lies, blocks };
    this.parties.push(party);
    return party;
  }
  async wire(name: string): Promise<SimWire> {
    const wire = this.net.createWire(name);
    for (const { wire: other } of this.parties) {
      for (const address of other.addresses()) await this.run(wire.connect(address));
    }
    return wire;
  }
  run<T>(promise: PromiseLike<T>): Promise<T> {
    return this.clock.settle(Promise.resolve(promise), { limitMs: 3_600_000, drain });
  }
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { swap } of this.parties) await this.run(swap[Symbol.asyncDispose]());
  }
}
const drain = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
};

const contents = (count: number, sizeBytes = 1_000): (readonly [CID, Uint8Array])[] =>
  Array.from({ length: count }, (_, index) => {
    const content = new SeededRandom(`block ${index}`).bytes(sizeBytes);
    return [rawCid(content), content] as const;
  });
const idle = { signal, idleMs: 5_000 };

describe("blocks of a peer", () => {
  it("come under the CIDs that were asked for, of both versions; what it has not is left out", async () => {
    const tree = new Uint8Array(50).fill(7);
    const zero = cidFromBytes(concatBytes(Uint8Array.of(0x12, 32), sha256(tree)));
    const [here, there] = contents(2);
    if (here === undefined || there === undefined) throw new TypeError("there are two");
    await using world = new World();
    const giver = await world.party("giver", [here, [zero, tree]]);
    const asker = await world.party("asker");
    const found = await world.run(
      asker.swap.ask(giver.wire.self, [here[0], zero, zero.toV1(), there[0]], idle),
    );
    expect([...found.keys()]).toEqual([here[0], zero, zero.toV1()].map(String));
    expect(equalBytes(found.get(zero.toString()) ?? new Uint8Array(0), tree)).toBe(true);
    expect(asker.swap.counts()).toMatchObject({ receivedBlocks: 2, receivedBytes: 1_050 });
    expect(giver.swap.counts()).toMatchObject({ servedBlocks: 2 });
  });
  it("come however many are asked for at a time, in messages of bounded size", async () => {
    const blocks = contents(limits.swapEntries + 44, 5_000);
    await using world = new World();
    const giver = await world.party("giver", blocks);
    const asker = await world.party("asker");
    const found = await world.run(
      asker.swap.ask(
        giver.wire.self,
        blocks.map(([one]) => one),
        idle,
      ),
    );
    expect(found.size).toBe(blocks.length);
    expect(asker.lies).toEqual([]);
  });
  it("that is gone, or says nothing, are not waited for", async () => {
    const [block] = contents(1);
    if (block === undefined) throw new TypeError("there is one");
    await using world = new World();
    const asker = await world.party("asker");
    const silent = await world.wire("silent");
    silent.handle(swapProtocol, () => new Promise(() => undefined));
    const startMs = world.clock.nowMs();
    expect((await world.run(asker.swap.ask(silent.self, [block[0]], idle))).size).toBe(0);
    expect(world.clock.nowMs() - startMs).toBe(5_000);
    const asked = asker.swap.ask(silent.self, [block[0]], { signal, idleMs: 60_000 });
    await world.run(silent[Symbol.asyncDispose]());
    expect((await world.run(asked)).size).toBe(0);
    expect(world.clock.nowMs() - startMs).toBeLessThan(20_000);
  });
  it("that nobody asked for are not kept, and too many of them are a lie", async () => {
    const blocks = contents(limits.swapUnasked + 1, 10).map(([one, content]) => swapBlock(one, content));
    await using world = new World();
    const asker = await world.party("asker");
    const pusher = await world.wire("pusher");
    const stream = await world.run(pusher.open(asker.wire.self, swapProtocol));
    await world.run(sendFrame(stream, encodeSwap({ ...emptyMessage, blocks: blocks.slice(1) })));
    await world.run(world.clock.sleep(100));
    expect(asker.lies).toEqual([]);
    await world.run(sendFrame(stream, encodeSwap({ ...emptyMessage, blocks: blocks.slice(0, 1) })));
    await world.run(world.clock.sleep(100));
    expect(asker.lies).toHaveLength(1);
    expect(asker.swap.counts().receivedBlocks).toBe(0);
  });
  it("are not there because a peer says that it has them", async () => {
    const [[block] = []] = contents(1);
    if (block === undefined) throw new TypeError("there is one");
    await using world = new World();
    const asker = await world.party("asker");
    const boaster = await world.wire("boaster");
    boaster.handle(swapProtocol, async (stream) => {
      const reader = new FrameReader(stream, 2_000_000);
      for (let frame = await reader.read(); frame !== undefined; frame = await reader.read()) {
        const presences = decodeSwap(frame, "asker").wants.map(({ cid }) => ({ cid, has: true }));
        const back = await boaster.open(asker.wire.self, swapProtocol);
        await sendFrame(back, encodeSwap({ ...emptyMessage, presences }));
        await back.closeWrite();
      }
    });
    expect((await world.run(asker.swap.ask(boaster.self, [block], idle))).size).toBe(0);
    const have = await world.run(asker.swap.ask(boaster.self, [block], { ...idle, have: true }));
    expect([...have.keys()]).toEqual([block.toString()]);
  });
  it("are given over one stream that stays for the next wants, and ends when there are none", async () => {
    const blocks = contents(3);
    await using world = new World();
    const giver = await world.party("giver", blocks);
    const asker = await world.wire("asker");
    let streams = 0;
    const got: number[] = [];
    asker.handle(swapProtocol, async (stream) => {
      streams += 1;
      const reader = new FrameReader(stream, 2_000_000);
      for (let frame = await reader.read(); frame !== undefined; frame = await reader.read()) {
        got.push(decodeSwap(frame, "giver").blocks.length);
      }
    });
    const stream = await world.run(asker.open(giver.wire.self, swapProtocol));
    for (const [one] of blocks) {
      const want = { cid: one, cancel: false, have: false, sendDontHave: true };
      await world.run(sendFrame(stream, encodeSwap({ ...emptyMessage, wants: [want] })));
      await world.run(world.clock.sleep(1_000));
    }
    expect([streams, got]).toEqual([1, [1, 1, 1]]);
    expect(giver.swap.counts().links).toBe(1);
    await world.run(world.clock.sleep(limits.swapLingerMs + 1_000));
    expect(giver.swap.counts().links).toBe(0);
  });
});

describe("a session", () => {
  it("finds who has a tree, takes from several of them, and goes on when one leaves", async () => {
    const blocks = contents(60);
    await using world = new World();
    const givers = [await world.party("one", blocks), await world.party("two", blocks)];
    await world.party("empty");
    const asker = await world.party("asker");
    const session = asker.swap.session();
    const get = async ([one]: readonly [CID, Uint8Array]) => (await session.get(one, signal))?.length;
    const sizes = await world.run(Promise.all(blocks.slice(0, 40).map(get)));
    expect(sizes.every((size) => size === 1_000)).toBe(true);
    await world.run(asker.wire.disconnect("one" as PeerId));
    const rest = await world.run(Promise.all(blocks.slice(40).map(get)));
    expect(rest.every((size) => size === 1_000)).toBe(true);
    expect(new Set(session.givers())).toEqual(new Set(["one", "two"]));
    expect(givers.every(({ swap }) => swap.counts().servedBlocks >= 10)).toBe(true);
  });
  it("says that nobody has a block, and ends with its signal", async () => {
    const [block] = contents(1);
    if (block === undefined) throw new TypeError("there is one");
    await using world = new World();
    await world.party("empty");
    const asker = await world.party("asker");
    expect(await world.run(asker.swap.session().get(block[0], signal))).toBeUndefined();
    const stop = new AbortController();
    const silent = await world.wire("silent");
    silent.handle(swapProtocol, () => new Promise(() => undefined));
    const stopped = asker.swap.session().get(block[0], stop.signal);
    stop.abort(new Error("enough"));
    await expect(world.run(stopped)).rejects.toThrow("enough");
  });
});
