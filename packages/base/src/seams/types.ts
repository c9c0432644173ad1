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
  /** Milliseconds since some moment, whatever the clock is set to meanwhile; not known when left out. */
  steadyMs?(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: Cancel): Promise<void>;
}

export interface Random {
  /** Unpredictable bytes (seeded ones in tests). */
  bytes(count: number): Uint8Array;
}

/**
 * Files below one root; paths are relative, with forward slashes, and never leave the root
 * (`disk/bad-path`; both twins check with `diskPathSegments`). A folder where a file is asked for is
 * `disk/not-a-file`, a file in the place of a folder `disk/not-a-folder`; every operation may fail with
 * `disk/io`, and one that needs space with `disk/full`. What makes a file also makes its folders. An array
 * that was handed in may be changed as soon as the call has returned.
 */
export interface Disk {
  /** The whole file, or undefined if there is none. */
  readFile(path: string): Promise<Uint8Array | undefined>;
  /**
   * Replaces the file as a whole: after a crash it holds the old or the new bytes, never a mix. Durable
   * when it resolves.
   */
  writeFile(path: string, bytes: Uint8Array): Promise<void>;
  /**
   * As `writeFile`, for bytes that can be had again and are checked when they are read: the file is whole for whoever
   * reads it while the machine runs, and a power cut may damage it before it is settled. The array is not to be changed
   * until it resolves. A disk without this has `writeFile` alone.
   */
  writeCopy?(path: string, bytes: Uint8Array): Promise<void>;
  /** Makes such files durable, many for little more than one; those that are gone are passed over. */
  settle?(paths: readonly string[]): Promise<void>;
  /** "create" truncates or makes the file and its folders; the others fail with `disk/not-found`. */
  open(path: string, mode: "read" | "write" | "create", hints?: OpenHints): Promise<DiskFile>;
  /** Names in a folder ("" is the root), sorted by UTF-16 units; empty if there is no such folder. */
  list(folder: string): Promise<string[]>;
  /**
   * The names that `list` gives, in any order and in constant memory: for folders of a million files. A name that comes
   * or goes meanwhile may be told or not. A disk without this has `list` alone.
   */
  names?(folder: string): AsyncIterable<string>;
  /**
   * Removes a file or a folder with all it holds; no error if there is none. After a crash it may be back.
   */
  remove(path: string): Promise<void>;
  /** Moves a file (it replaces the file `to`) or a folder; durable when it resolves. `disk/not-found`. */
  rename(from: string, to: string): Promise<void>;
  /** The size of a file; undefined for a folder or nothing. */
  sizeBytes(path: string): Promise<number | undefined>;
  freeBytes(): Promise<number>;
  /** The path for the operating system, or undefined on a simulated disk. */
  nativePath(path: string): string | undefined;
}

/** How a file is used; the same bytes whether a disk heeds it or not. */
export interface OpenHints {
  /** In large parts that are not soon wanted again: they need not go through a cache of files. */
  readonly isUncached?: boolean;
}

/** An open file. After its disposal everything fails with `disk/closed`. */
export interface DiskFile extends AsyncDisposable {
  /**
   * Fewer bytes than asked for, or none, at the end of the file. They may lie at the beginning of `room`: whoever reads
   * much lends it again and again.
   */
  readAt(offsetBytes: number, lengthBytes: number, room?: Uint8Array): Promise<Uint8Array>;
  /**
   * Writes all of the bytes; zeros fill a gap. `disk/read-only` if opened for reading; not durable before
   * `sync`.
   */
  writeAt(offsetBytes: number, bytes: Uint8Array): Promise<void>;
  sizeBytes(): Promise<number>;
  /** Cuts the file, or lengthens it with zeros. */
  truncate(lengthBytes: number): Promise<void>;
  /** Durable when it resolves: the bytes, and the file's name. */
  sync(): Promise<void>;
}

/** The text form of a libp2p peer id. */
export type PeerId = Brand<string, "PeerId">;

/** Bytes that were handed to the wire belong to it, which may keep them: the caller never uses their place again. */
export interface WireStream {
  readonly peer: PeerId;
  readonly protocol: string;
  /**
   * Resolves when the bytes are accepted for sending (back-pressure); calls are sent in their order. A write
   * that the signal stops half-way aborts the stream. Several arrays go as one write, and need not be made one before.
   * `wire/stream-aborted`; `wire/closed` after the end.
   */
  write(bytes: Uint8Array | readonly Uint8Array[], signal?: Cancel): Promise<void>;
  /**
   * The next bytes in order, of any length, or undefined when the other side has closed its end. A read that
   * the signal stops loses no bytes. `wire/stream-aborted`.
   */
  read(signal?: Cancel): Promise<Uint8Array | undefined>;
  /**
   * No more writes from this side after the pending ones; reading goes on. Also fine when done or aborted.
   */
  closeWrite(): Promise<void>;
  /**
   * Ends both directions at once; pending reads and writes reject with `wire/stream-aborted`, on both
   * sides.
   */
  abort(reason: Error): void;
}

export type GossipVerdict = "accept" | "ignore" | "reject";

export interface WirePeer {
  readonly id: PeerId;
  readonly addresses: readonly string[];
  readonly direction: "inbound" | "outbound";
}

/** A node on the network. After its disposal everything that talks fails with `wire/closed`. */
export interface Wire extends AsyncDisposable {
  readonly self: PeerId;
  /** Multiaddrs (with /p2p/…) on which this node can be dialled. */
  addresses(): readonly string[];
  peers(): readonly WirePeer[];
  /** No second connection to a connected peer. Fails with `wire/bad-address`, `wire/unreachable`. */
  connect(address: string, signal?: Cancel): Promise<PeerId>;
  /** Also fine when not connected. */
  disconnect(peer: PeerId): Promise<void>;
  /** To a connected peer, or one whose address is known. `wire/unreachable`, `wire/protocol-unsupported`. */
  open(peer: PeerId, protocol: string, signal?: Cancel): Promise<WireStream>;
  /**
   * Returns the function that removes the handler. The handler owns the stream; if it rejects, the stream
   * is aborted.
   */
  handle(protocol: string, handler: (stream: WireStream) => Promise<void>): () => void;
  /**
   * To all subscribers but this node itself; also fine with nobody to hear it. A message is known by its
   * topic and bytes: for two minutes the same one is not delivered again. `wire/message-too-long`.
   */
  publish(topic: string, bytes: Uint8Array): Promise<void>;
  /**
   * `from` is the neighbour that passed the message on. The verdict decides about forwarding (only what is
   * accepted is passed on) and about that neighbour's score; a handler that fails ignores the message.
   */
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
