/**
 * An existing Kubo daemon as back end, over its RPC (all calls are POST; docs.ipfs.tech/reference/kubo/rpc). What it
 * says is not believed where it can be checked: blocks are hashed here, and the size of a tree is counted block by
 * block by the daemon after it was fetched. Every call is bounded in time and length; a pin that makes no progress
 * for long is called off. A daemon has one owner, whose name lies among its files: two nodes would take each other's
 * pins away, and be paid for one store.
 */
import { type Cancel, type CID, parseCid, verifyCid } from "@holdfast/base";
import { limits } from "../limits.ts";
import type { PinBackend, PinOptions, PinSize, PinUsage } from "./backend.ts";
import { pinErrors } from "./errors.ts";
import { type KuboRpc, openKuboRpc } from "./kubo-rpc.ts";

/**
 * Errors: `pins/kubo` for a URL that is none. Whether the daemon is there shows with the first call. `owner`, if it is
 * named, is the only node that keeps pins there.
 */
export function openKubo(url: string, owner?: string): PinBackend {
  return new Kubo(openKuboRpc(url), owner);
}

/** Among the daemon's files (MFS), which its collection of garbage leaves alone. */
export const ownerFile = "/holdfast-node";

type Fields = { readonly [name: string]: unknown };

const fields = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const countOf = (value: unknown): number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : 0;

class Kubo implements PinBackend {
  readonly kind = "kubo";
  readonly #rpc: KuboRpc;
  readonly #owner: string | undefined;

  constructor(rpc: KuboRpc, owner: string | undefined) {
    this.#rpc = rpc;
    this.#owner = owner;
  }

  /** Asked of the daemon each time: of two that began at once the earlier one finds the later one's name. */
  async ready(): Promise<void> {
    const node = this.#owner;
    if (node === undefined) return;
    const owner = (await this.#ownerNow()) ?? (await this.#claim(node));
    if (owner !== node) throw pinErrors.kuboTaken({ url: this.#rpc.origin, node: owner ?? "" });
  }

  async pin(root: CID, options: PinOptions): Promise<PinSize> {
    const { maxBytes, signal, progress, origins } = options;
    await this.ready();
    for (const origin of origins.slice(0, limits.pinOrigins)) await this.#connect(origin, signal);
    const wasPinned = await this.isPinned(root);
    if (!wasPinned) await this.#add(root, options);
    // Counts the blocks, and fetches any that a damaged repo has lost.
    const { Size, NumBlocks } = await this.#stat(root, signal);
    const size = { blocks: countOf(NumBlocks), bytes: countOf(Size) };
    if (size.bytes > maxBytes || size.blocks > limits.pinBlocks) {
      if (!wasPinned) await this.unpin(root);
      throw size.bytes > maxBytes
        ? pinErrors.tooBig({ cid: root.toString(), maxBytes })
        : pinErrors.tooManyBlocks({ cid: root.toString(), limit: limits.pinBlocks });
    }
    progress(size);
    return size;
  }
  async unpin(root: CID): Promise<void> {
    await this.ready();
    const { status, message } = await this.#rpc.call("pin/rm", { arg: root, recursive: true });
    if (status !== 200 && !/not pinned/.test(message)) throw this.#rpc.failed(message);
  }
  async isPinned(root: CID): Promise<boolean> {
    const { status, message, json } = await this.#rpc.call("pin/ls", { arg: root, type: "recursive" });
    if (status === 200) return Object.keys(fields(fields(json).Keys)).length > 0;
    if (/not pinned/.test(message)) return false;
    throw this.#rpc.failed(message);
  }
  async block(cid: CID): Promise<Uint8Array | undefined> {
    const bytes = await this.#rpc.bytes("block/get", { arg: cid, offline: true });
    return bytes !== undefined && verifyCid(cid, bytes) ? bytes : undefined;
  }
  async sizeBytes(cid: CID): Promise<number | undefined> {
    return (await this.block(cid))?.length;
  }
  async usage(): Promise<PinUsage> {
    const { status, message, json } = await this.#rpc.call("repo/stat", { "size-only": true });
    if (status !== 200) throw this.#rpc.failed(message);
    const { RepoSize, StorageMax } = fields(json);
    return { usedBytes: countOf(RepoSize), quotaBytes: countOf(StorageMax) || undefined };
  }
  async collect(signal: Cancel): Promise<PinSize> {
    await this.ready();
    const before = await this.usage();
    let blocks = 0;
    for await (const line of this.#rpc.lines("repo/gc", {}, signal)) {
      const { Key, Error: problem } = fields(line);
      if (typeof problem === "string" && problem !== "") throw this.#rpc.failed(problem);
      if (Key !== undefined) blocks += 1;
    }
    const after = await this.usage();
    return { blocks, bytes: Math.max(0, before.usedBytes - after.usedBytes) };
  }
  async delegates(): Promise<readonly string[]> {
    const { status, message, json } = await this.#rpc.call("id", {});
    if (status !== 200) throw this.#rpc.failed(message);
    const { Addresses } = fields(json);
    const all = Array.isArray(Addresses) ? Addresses : [];
    return all.filter((one): one is string => typeof one === "string").slice(0, limits.pinOrigins);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rpc[Symbol.asyncDispose]();
  }

  /** Whose it is then. */
  async #claim(node: string): Promise<string | undefined> {
    const body = new TextEncoder().encode(JSON.stringify({ node }));
    const args = { arg: ownerFile, create: true, truncate: true };
    const { status, message } = await this.#rpc.call("files/write", args, { body });
    if (status !== 200) throw this.#rpc.failed(message);
    return await this.#ownerNow();
  }
  async #ownerNow(): Promise<string | undefined> {
    const { status, message, json } = await this.#rpc.call("files/read", { arg: ownerFile });
    if (status === 200) return String(fields(json).node).slice(0, 128);
    if (/not exist/.test(message)) return undefined;
    throw this.#rpc.failed(message);
  }

  /** `/p2p/ID` alone or behind an address; who is not there now may be found otherwise. */
  async #connect(origin: string, signal: Cancel): Promise<void> {
    await this.#rpc.call("swarm/connect", { arg: origin }, { signal }).catch(() => signal.throwIfAborted());
  }

  async #add(root: CID, { progress, signal }: PinOptions): Promise<void> {
    let isPinned = false;
    const lines = this.#rpc.lines("pin/add", { arg: root, recursive: true, progress: true }, signal);
    for await (const line of lines) {
      const { Progress, Bytes, Pins } = fields(line);
      if (Array.isArray(Pins)) isPinned = Pins.some((pin) => typeof pin === "string" && isSame(pin, root));
      else if (Progress !== undefined) progress({ blocks: countOf(Progress), bytes: countOf(Bytes) });
    }
    if (!isPinned) throw pinErrors.blockMissing({ cid: root.toString() });
  }

  /** The last line has the sum; daemons of before put it at the top level. */
  async #stat(root: CID, signal: Cancel): Promise<Fields> {
    let last: Fields = {};
    const lines = this.#rpc.lines("dag/stat", { arg: root, progress: false }, signal);
    for await (const line of lines) last = fields(line);
    const [one] = Array.isArray(last.DagStats) ? last.DagStats : [last];
    return fields(one);
  }
}

function isSame(text: string, root: CID): boolean {
  try {
    return parseCid(text).toV1().equals(root.toV1());
  } catch {
    return false;
  }
}
