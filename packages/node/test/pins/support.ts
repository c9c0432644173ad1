/** Trees of content, a crowd that has some of it, and pins on virtual time. */
import { type CID, cidFromBytes, rawCid, sha256, silentLogger } from "@holdfast/base";
import { SeededRandom, SimClock } from "@holdfast/base/testing";
import { encode as encodeNode } from "@ipld/dag-pb";
import { openDatabase } from "../../src/database.ts";
import {
  type EmbeddedNeeds,
  openEmbedded,
  openPins,
  type PinBackend,
  type Pins,
} from "../../src/pins/index.ts";
import { memoryBlocks } from "../../src/retrieval/index.ts";

export interface Tree {
  readonly root: CID;
  readonly blocks: ReadonlyMap<string, { readonly cid: CID; readonly bytes: Uint8Array }>;
  readonly bytes: number;
}

const dagPbCode = 0x70;
const dagCborCode = 0x71;
export const cidWith = (code: number, bytes: Uint8Array): CID =>
  cidFromBytes(
    Uint8Array.of(1, ...(code < 128 ? [code] : [(code % 128) + 128, code >> 7]), 0x12, 32, ...sha256(bytes)),
  );

export function content(seed: number, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  let state = (seed + 1) * 2_654_435_761;
  for (let at = 0; at < sizeBytes; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** A dag-pb node over raw leaves of these contents. */
export function treeOf(leaves: readonly Uint8Array[]): Tree {
  const blocks = new Map<string, { cid: CID; bytes: Uint8Array }>();
  const put = (cid: CID, bytes: Uint8Array): CID => {
    blocks.set(cid.toString(), { cid, bytes });
    return cid;
  };
  const links = leaves.map((bytes) => ({ Hash: put(rawCid(bytes), bytes), Name: "", Tsize: bytes.length }));
  const node = encodeNode({ Links: links as never, Data: new Uint8Array([8, 2]) });
  const root = put(cidWith(dagPbCode, node), node);
  return { root, blocks, bytes: [...blocks.values()].reduce((sum, { bytes }) => sum + bytes.length, 0) };
}

/** A list of links in dag-cbor, beside other values. */
export function cborTree(leaves: readonly Uint8Array[]): Tree {
  const { blocks: found } = treeOf(leaves);
  const blocks = new Map([...found].filter(([, { cid }]) => cid.code !== dagPbCode));
  const parts: number[] = [0xa2, 0x61, 0x61, 0xfb, ...new Uint8Array(8), 0x61, 0x62, 0x80 + leaves.length];
  for (const { cid } of blocks.values()) parts.push(0xd8, 42, 0x58, 37, 0, ...cid.bytes);
  const bytes = Uint8Array.from(parts);
  const root = cidWith(dagCborCode, bytes);
  blocks.set(root.toString(), { cid: root, bytes });
  return { root, blocks, bytes: [...blocks.values()].reduce((sum, one) => sum + one.bytes.length, 0) };
}

/** Whoever has content, with what can go wrong. */
export class Crowd {
  readonly blocks = new Map<string, Uint8Array>();
  /** Blocks that it gives, and no more. */
  asked: string[] = [];
  /** Told before a block is given; may wait or fail. */
  before: (cid: CID) => Promise<void> | void = () => undefined;

  has(...trees: readonly Tree[]): void {
    for (const tree of trees) for (const [text, { bytes }] of tree.blocks) this.blocks.set(text, bytes);
  }
  readonly fetch: EmbeddedNeeds["fetch"] = async () => ({
    get: async (cid) => {
      this.asked.push(cid.toString());
      await this.before(cid);
      return this.blocks.get(cid.toString());
    },
  });
}

export interface Room extends AsyncDisposable {
  readonly clock: SimClock;
  readonly crowd: Crowd;
  readonly pins: Pins;
  readonly backend: PinBackend;
  readonly blocks: ReturnType<typeof memoryBlocks>;
  readonly database: ReturnType<typeof openDatabase>;
  settle<Result>(promise: Promise<Result>): Promise<Result>;
  advance(ms: number): Promise<void>;
  until(done: () => boolean): Promise<void>;
  /** Another process on the same disk. */
  again(): Promise<Room>;
}

const drain = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((done) => setImmediate(done));
};

export function openRoom(
  options: { readonly quotaBytes?: number; readonly blocks?: ReturnType<typeof memoryBlocks> } = {},
  kept: {
    readonly database: ReturnType<typeof openDatabase>;
    readonly clock: SimClock;
    readonly crowd: Crowd;
  } = {
    database: openDatabase(":memory:"),
    clock: new SimClock(),
    crowd: new Crowd(),
  },
): Room {
  const { database, clock, crowd } = kept;
  const blocks = options.blocks ?? memoryBlocks(options);
  const backend = openEmbedded({
    blocks,
    database,
    fetch: crowd.fetch,
    addresses: () => ["/ip4/1.2.3.4/tcp/1"],
  });
  const random = new SeededRandom(`pins ${clock.nowMs()}`);
  const pins = openPins({ backend, database, clock, random, logger: silentLogger });
  const settle = <Result>(promise: Promise<Result>): Promise<Result> =>
    clock.settle(promise, { limitMs: 86_400_000, drain });
  return {
    ...{ clock, crowd, pins, backend, blocks, database, settle },
    advance: async (ms) => clock.advance(ms, drain),
    async until(done) {
      if (!(await clock.advanceUntil(done, { limitMs: 86_400_000, drain })))
        throw new Error("it never comes");
    },
    async again() {
      await settle(Promise.resolve(pins[Symbol.asyncDispose]()));
      return openRoom({ ...options, blocks }, kept);
    },
    [Symbol.asyncDispose]: async () => settle(Promise.resolve(pins[Symbol.asyncDispose]())),
  };
}
