/**
 * The four seams: clock, randomness, disk and wire. Everything that is not a pure function of its
 * input comes through one of them, and each has a real twin (in `node` and `storage`) and a simulated
 * one (`@holdfast/base/testing`). One compliance suite per seam runs on both twins.
 */
import type { JsonObject } from "../errors.ts";
import type { Brand } from "../units.ts";

/** The members of an AbortSignal that our code uses; the platform's AbortSignal satisfies it. */
export interface Cancel {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
  throwIfAborted(): void;
}

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: Cancel): Promise<void>;
}

export interface Random {
  /** Unpredictable bytes (seeded ones in tests). */
  bytes(count: number): Uint8Array;
}

/** Files below one root; paths are relative, with forward slashes, and never leave the root. */
export interface Disk {
  /** The whole file, or undefined if there is none. */
  readFile(path: string): Promise<Uint8Array | undefined>;
  /** Replaces the file as a whole: after a crash it holds the old or the new bytes, never a mix. Durable when it resolves. */
  writeFile(path: string, bytes: Uint8Array): Promise<void>;
  /** "create" truncates or makes the file and its folders. */
  open(path: string, mode: "read" | "write" | "create"): Promise<DiskFile>;
  /** Names in a folder, sorted; empty if there is no such folder. */
  list(folder: string): Promise<string[]>;
  /** Removes a file or a folder with all it holds; no error if there is none. */
  remove(path: string): Promise<void>;
  /** Replaces `to`; durable when it resolves. */
  rename(from: string, to: string): Promise<void>;
  sizeBytes(path: string): Promise<number | undefined>;
  freeBytes(): Promise<number>;
  /** The path for the operating system, or undefined on a simulated disk. */
  nativePath(path: string): string | undefined;
}

export interface DiskFile extends AsyncDisposable {
  readAt(offsetBytes: number, lengthBytes: number): Promise<Uint8Array>;
  writeAt(offsetBytes: number, bytes: Uint8Array): Promise<void>;
  sizeBytes(): Promise<number>;
  truncate(lengthBytes: number): Promise<void>;
  /** Durable when it resolves. */
  sync(): Promise<void>;
}

/** The text form of a libp2p peer id. */
export type PeerId = Brand<string, "PeerId">;

export interface WireStream {
  readonly peer: PeerId;
  readonly protocol: string;
  /** Resolves when the bytes are accepted for sending (back-pressure). */
  write(bytes: Uint8Array, signal?: Cancel): Promise<void>;
  /** The next bytes in order, of any length, or undefined when the other side has closed its end. */
  read(signal?: Cancel): Promise<Uint8Array | undefined>;
  /** No more writes from this side; reading goes on. */
  closeWrite(): Promise<void>;
  /** Ends both directions at once; pending reads and writes reject. */
  abort(reason: Error): void;
}

export type GossipVerdict = "accept" | "ignore" | "reject";

export interface WirePeer {
  readonly id: PeerId;
  readonly addresses: readonly string[];
  readonly direction: "inbound" | "outbound";
}

export interface Wire extends AsyncDisposable {
  readonly self: PeerId;
  /** Multiaddrs (with /p2p/…) on which this node can be dialled. */
  addresses(): readonly string[];
  peers(): readonly WirePeer[];
  connect(address: string, signal?: Cancel): Promise<PeerId>;
  disconnect(peer: PeerId): Promise<void>;
  /** Fails with `wire/unreachable` or `wire/protocol-unsupported`. */
  open(peer: PeerId, protocol: string, signal?: Cancel): Promise<WireStream>;
  /** Returns the function that removes the handler. The handler owns the stream. */
  handle(protocol: string, handler: (stream: WireStream) => Promise<void>): () => void;
  publish(topic: string, bytes: Uint8Array): Promise<void>;
  /** The verdict decides about forwarding and about the sender's score. */
  subscribe(
    topic: string,
    handler: (bytes: Uint8Array, from: PeerId) => GossipVerdict | Promise<GossipVerdict>,
  ): () => void;
  onPeer(listener: (event: "connect" | "disconnect", peer: PeerId) => void): () => void;
}

/** Structured log lines: an event in a few words and its data, never a sentence made of values. */
export interface Logger {
  debug(event: string, data?: JsonObject): void;
  info(event: string, data?: JsonObject): void;
  warn(event: string, data?: JsonObject): void;
  error(event: string, data?: JsonObject): void;
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
