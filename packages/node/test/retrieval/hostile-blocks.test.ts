/**
 * Whoever asks for blocks and breaks the rules, or makes trees that never end: refused within the table of limits, in
 * virtual time.
 */
import { type CID, cidFromBytes, encode, rawCid, utf8Bytes, type WireStream } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import { createLink, createNode, encode as encodeNode } from "@ipld/dag-pb";
import { describe, expect, it } from "vitest";
import { FrameReader, sendFrame } from "../../src/framing.ts";
import { limits } from "../../src/limits.ts";
import {
  blocksProtocol,
  blocksStatus,
  freeHello,
  helloCodec,
  readReply,
  termsCodec,
  wishCodec,
} from "../../src/retrieval/blocks-protocol.ts";
import {
  chunkBytes,
  collect,
  dagPbCid,
  listOf,
  randomBytes,
  type SimNode,
  streamOf,
  World,
} from "./support.ts";

interface Talk {
  readonly stream: WireStream;
  readonly reader: FrameReader;
  readonly status: number;
}

async function greet(from: SimNode, to: SimNode, root: CID): Promise<Talk> {
  const stream = await from.wire.open(to.peer, blocksProtocol);
  await sendFrame(stream, encode(helloCodec, freeHello(root, false)));
  const reader = new FrameReader(stream);
  const terms = await reader.readMessage(termsCodec);
  return { stream, reader, status: terms?.status ?? 0 };
}

async function pair() {
  const world = new World();
  const provider = await world.node("provider");
  const client = await world.node("client");
  const bytes = randomBytes("served", 3 * chunkBytes);
  const { root } = await provider.retrieval.importFile(streamOf(bytes));
  return { world, provider, client, root, bytes };
}

/** Kinds of all replies until the stream ends, chunks left out. */
async function repliesOf({ reader }: Talk): Promise<string[]> {
  const kinds: string[] = [];
  try {
    for (;;) {
      const frame = await reader.read();
      if (frame === undefined) return kinds;
      const reply = readReply(frame);
      if (reply.kind !== "chunk") kinds.push(reply.kind === "failed" ? reply.code : reply.kind);
    }
  } catch {
    return [...kinds, "cut"];
  }
}

const want = (stream: WireStream, cids: readonly CID[]): Promise<void> =>
  sendFrame(stream, encode(wishCodec, { kind: "want", cids }));

describe("a provider of blocks", () => {
  it("has none under identity CIDs and under names of other hashes, and says so", async () => {
    const { world, provider, client, root } = await pair();
    const talk = await world.run(greet(client, provider, root));
    const identity = cidFromBytes(Uint8Array.of(1, 0x55, 0x00, 4, 1, 2, 3, 4));
    const sha512 = cidFromBytes(Uint8Array.from([1, 0x55, 0x13, 64, ...new Uint8Array(64)]));
    await want(talk.stream, [identity, sha512, root]);
    await talk.stream.closeWrite();
    expect(await world.run(repliesOf(talk))).toEqual(["missing", "missing", "block"]);
  });

  it("refuses more wishes than it keeps, and what is no wish", async () => {
    const { world, provider, client, root } = await pair();
    const wishes = Array.from({ length: limits.retrievalWants }, (_, at) => rawCid(utf8Bytes(`wish ${at}`)));
    const greedy = await world.run(greet(client, provider, root));
    for (let count = 0; count < 8; count++) await want(greedy.stream, wishes);
    expect((await world.run(repliesOf(greedy))).at(-1)).toBe("retrieval/bad-stream");
    const garbled = await world.run(greet(client, provider, root));
    await sendFrame(garbled.stream, utf8Bytes("please"));
    expect((await world.run(repliesOf(garbled))).at(-1)).toMatch(/^codec\//);
    const long = await world.run(greet(client, provider, root));
    await long.stream.write(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f));
    expect(["cut", "net/frame-too-large"]).toContain((await world.run(repliesOf(long))).at(-1));
  });

  it("serves a peer few streams at a time, and closes those on which nothing is asked", async () => {
    const { world, provider, client, root } = await pair();
    const talks: Talk[] = [];
    for (let count = 0; count < limits.retrievalServedPerPeer; count++) {
      talks.push(await world.run(greet(client, provider, root)));
    }
    expect(talks.every(({ status }) => status === blocksStatus.success)).toBe(true);
    expect((await world.run(greet(client, provider, root))).status).toBe(blocksStatus.busy);
    await world.advance(limits.retrievalSessionIdleMs + 1_000);
    expect((await world.run(greet(client, provider, root))).status).toBe(blocksStatus.success);
    for (const talk of talks) expect(await world.run(repliesOf(talk))).toEqual(["cut"]);
  });
});

describe("a tree that never ends", () => {
  /** A block that links twice to the one before, over and over: 2^levels leaves. */
  function doubled(levels: number, leaf: Uint8Array): { readonly cid: CID; readonly bytes: Uint8Array }[] {
    let below = { cid: rawCid(leaf), bytes: leaf, size: leaf.length };
    const blocks = [below];
    for (let level = 0; level < levels; level++) {
      const size = 2 * below.size;
      const sizes = [below.size, below.size].flatMap((one) => [0x20, ...varint(one)]);
      const data = Uint8Array.from([0x08, 2, 0x18, ...varint(size), ...sizes]);
      const bytes = encodeNode(
        createNode(
          data,
          [0, 1].map(() => createLink("", below.size, below.cid)),
        ),
      );
      below = { cid: dagPbCid(bytes), bytes, size };
      blocks.push(below);
    }
    return blocks;
  }
  function varint(value: number): number[] {
    const bytes: number[] = [];
    for (let rest = value; ; rest = Math.floor(rest / 128)) {
      if (rest < 128) return [...bytes, rest];
      bytes.push((rest % 128) + 128);
    }
  }

  it("costs the blocks of a range, however large it claims to be; and one that is too deep is refused", async () => {
    const world = new World();
    const provider = await world.node("provider");
    const client = await world.node("client");
    const leaf = randomBytes("leaf", 1_000);
    const bomb = doubled(33, leaf); // 8 TiB in 34 blocks
    for (const { cid, bytes } of bomb) await provider.blocks.put(cid, bytes);
    const root = bomb.at(-1)?.cid ?? rawCid(leaf);
    const offsetBytes = 2 ** 42 + 5;
    const range = { offsetBytes, lengthBytes: 2_500, providers: [provider.peer] };
    const opened = await world.run(client.retrieval.openFile(root, range));
    expect((await world.run(collect(opened.bytes))).length).toBe(2_500);
    expect((await listOf(client.blocks.list())).length).toBe(34);
    const deep: { cid: CID; bytes: Uint8Array }[] = [];
    let below = { cid: rawCid(leaf), bytes: leaf };
    for (let level = 0; level < limits.dagDepth + 2; level++) {
      const data = Uint8Array.from([0x08, 2, 0x18, ...varint(1_000), 0x20, ...varint(1_000)]);
      const bytes = encodeNode(createNode(data, [createLink("", 1_000, below.cid)]));
      below = { cid: dagPbCid(bytes), bytes };
      deep.push(below);
    }
    for (const { cid, bytes } of [{ cid: rawCid(leaf), bytes: leaf }, ...deep]) {
      await provider.blocks.put(cid, bytes);
    }
    const reading = client.retrieval.openFile(below.cid, { providers: [provider.peer] });
    expect(await codeOf(world.run(reading.then(({ bytes }) => collect(bytes))))).toBe(
      "retrieval/dag-too-big",
    );
  });
});
