/** What the tests of retrieval share: contents, streams of them, and a network in virtual time. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  type CID,
  cidFromBytes,
  concatBytes,
  encode,
  equalBytes,
  installCryptoKernel,
  type PeerId,
  sha256,
  silentLogger,
  type WireStream,
} from "@holdfast/base";
import { SeededRandom, SimClock, SimNet, type SimWire } from "@holdfast/base/testing";
import { expect } from "vitest";
import { FrameReader, sendFrame, sendMessage } from "../../src/framing.ts";
import { buildNativeKernel } from "../../src/kernels.ts";
import { limits } from "../../src/limits.ts";
import {
  answerCodec,
  type FileBlocks,
  frameCodec,
  memoryBlocks,
  openRetrieval,
  type Retrieval,
  type RetrievalNeeds,
  requestCodec,
  retrievalProtocol,
  retrievalStatus,
} from "../../src/retrieval/index.ts";

installCryptoKernel((await buildNativeKernel()).functions); // SHA-256 of many megabytes

export const kib = 1_024;
export const chunkBytes = 256 * kib;

interface TreeVector {
  readonly name: string;
  readonly cidVersion: 0 | 1;
  readonly rawLeaves: boolean;
  readonly root: string;
  readonly carBytes: number;
  readonly carSha256: string;
}
export interface FileVector extends TreeVector {
  readonly pattern: string;
  readonly sizeBytes: number;
  readonly chunkBytes: number;
}
export interface FolderVector extends TreeVector {
  readonly entries: readonly {
    readonly path: string;
    readonly kind: "file" | "folder" | "symlink";
    readonly sizeBytes: number;
    readonly target: string;
  }[];
  readonly many: number;
}

const vectorsIn = (file: string) =>
  JSON.parse(readFileSync(new URL(`../../../../vectors/retrieval/${file}`, import.meta.url), "utf8"));
export const fileVectors: readonly FileVector[] = vectorsIn("files.json").files;
export const folderVectors: readonly FolderVector[] = vectorsIn("folders.json").folders;

/** The content that the generator of the vectors gives a file. */
export function patternBytes(pattern: string, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  if (pattern === "mixed") for (let i = 0; i < sizeBytes; i++) bytes[i] = Math.imul(i, 2_654_435_761) >>> 24;
  return bytes;
}

/** The CID of a dag-pb block. */
export function dagPbCid(bytes: Uint8Array): CID {
  return cidFromBytes(concatBytes(Uint8Array.of(1, 0x70, 0x12, 32), sha256(bytes)));
}

/** Bytes without repetitions. */
export function randomBytes(seed: string | number, sizeBytes: number): Uint8Array {
  return new SeededRandom(`file ${seed}`).bytes(sizeBytes);
}

export async function* streamOf(bytes: Uint8Array, partBytes = 100_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += partBytes) yield bytes.subarray(at, at + partBytes);
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return concatBytes(...parts);
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export async function listOf<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

/** Lets the host's queues run too: the importer hashes in promises of its own. */
export const drain = async (): Promise<void> => {
  for (let turn = 0; turn < 8; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
};

/** A wire that goes nowhere, for what needs no network. */
export const noWire: RetrievalNeeds["wire"] = {
  open: () => Promise.reject(new Error("there is no network")),
  handle: () => () => undefined,
};

/** Files of one node without a network. */
export function localRetrieval(
  blocks: FileBlocks = memoryBlocks(),
  more: Pick<RetrievalNeeds, "worthOf"> = {},
): Retrieval {
  const clock = new SimClock();
  return openRetrieval({ wire: noWire, clock, blocks, sources: [], logger: silentLogger, ...more });
}

export interface SimNode {
  readonly peer: PeerId;
  readonly wire: SimWire;
  readonly blocks: FileBlocks;
  readonly retrieval: Retrieval;
}

/** Nodes in virtual time that all know each other. */
export class World {
  readonly clock = new SimClock();
  readonly net: SimNet;
  readonly #wires: SimWire[] = [];

  constructor(options: { readonly delayMs?: number | ((from: PeerId, to: PeerId) => number) } = {}) {
    this.net = new SimNet({ seed: "retrieval", clock: this.clock, delayMs: options.delayMs ?? 1 });
  }

  async wire(name: string): Promise<SimWire> {
    const wire = this.net.createWire(name);
    for (const other of this.#wires) {
      for (const address of other.addresses()) await this.run(wire.connect(address));
    }
    this.#wires.push(wire);
    return wire;
  }
  async node(name: string, needs: Partial<RetrievalNeeds> = {}): Promise<SimNode> {
    const wire = await this.wire(name);
    const blocks = needs.blocks ?? memoryBlocks();
    const { clock } = this;
    const retrieval = openRetrieval({ clock, sources: [], logger: silentLogger, ...needs, wire, blocks });
    return { peer: wire.self, wire, blocks, retrieval };
  }

  run<T>(promise: PromiseLike<T>, limitMs = 3_600_000): Promise<T> {
    return this.clock.settle(Promise.resolve(promise), { limitMs, drain });
  }
  advance(ms: number): Promise<void> {
    return this.clock.advance(ms, drain);
  }
}

export type SentFrame = Parameters<typeof frameCodec.toCbor>[0];

/** One conversation with a provider of the test's own making. */
export interface Script {
  readonly stream: WireStream;
  readonly request: ReturnType<typeof requestCodec.fromCbor>;
  answer(carBytes: number, fileBytes?: number | null): Promise<void>;
  frame(frame: SentFrame): Promise<void>;
  /** The bytes in honest chunks, without the closing marker. */
  chunks(bytes: Uint8Array): Promise<void>;
  end(sentBytes: number): Promise<void>;
}

/** A provider that answers questions honestly and does what `act` says when it is asked for bytes. */
export function scriptedProvider(
  wire: SimWire,
  carBytes: number,
  act: (script: Script) => Promise<void>,
): { readonly skips: readonly number[] } {
  const skips: number[] = [];
  wire.handle(retrievalProtocol, async (stream) => {
    const request = await new FrameReader(stream).readMessage(requestCodec);
    if (request === undefined) return;
    const frame = (sent: SentFrame): Promise<void> => sendFrame(stream, encode(frameCodec, sent));
    const script: Script = {
      stream,
      request,
      answer: (announced, fileBytes = null) =>
        sendMessage(stream, answerCodec, {
          status: retrievalStatus.success,
          message: "",
          carBytes: announced,
          fileBytes,
        }),
      frame,
      async chunks(bytes) {
        for (let at = 0; at < bytes.length; at += limits.retrievalChunkBytes) {
          await frame({ kind: "chunk", data: bytes.subarray(at, at + limits.retrievalChunkBytes) });
        }
      },
      end: (sentBytes) => frame({ kind: "end", sentBytes }),
    };
    if (request.statOnly) {
      await script.answer(carBytes);
      return stream.closeWrite();
    }
    skips.push(request.skipBytes);
    await act(script);
  });
  return { skips };
}

/** A file of random content and its CAR stream. */
export async function sampleFile(
  seed: string,
  sizeBytes: number,
): Promise<{ readonly root: CID; readonly bytes: Uint8Array; readonly car: Uint8Array }> {
  const bytes = randomBytes(seed, sizeBytes);
  const files = localRetrieval();
  const { root } = await files.importFile(streamOf(bytes));
  return { root, bytes, car: await collect(files.carStream(root)) };
}

/** The code of an error, for comparisons. */
export function codesOf(failures: readonly { readonly code: string }[]): string[] {
  return failures.map(({ code }) => code);
}

/** Why a property failed (fast-check puts its own report in front); "it holds" if it did not. */
export async function whyItFails(property: Promise<void>): Promise<string> {
  try {
    await property;
    return "it holds";
  } catch (error) {
    return error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
  }
}

/** As `expect(actual).toEqual(expected)`, which takes a second per megabyte. */
export function expectSameBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.length).toBe(expected.length);
  expect(equalBytes(actual, expected)).toBe(true);
}
