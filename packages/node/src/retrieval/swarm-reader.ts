/**
 * Reads blocks of a tree that may be elsewhere: what is not here is asked for by its name, verified, handed on and
 * kept. So a path or a range brings the blocks on its way and nothing else. Invariants: no block is asked for while it
 * waits for the disk; what came stays protected until the reader leaves; a file that is whole by then is known
 * as such.
 */
import { type AttoFil, abortable, type Cancel, type CID, HoldfastError, type PeerId } from "@holdfast/base";
import { limits } from "../limits.ts";
import { Budget } from "./budget.ts";
import { retrievalErrors } from "./errors.ts";
import type { LocalFiles } from "./local-files.ts";
import type { BlockReader } from "./read-file.ts";
import { Swarm, type SwarmShare, type SwarmTools } from "./swarm.ts";
import { checkFileCid } from "./unixfs.ts";
import { cidKey } from "./walk.ts";

export interface SwarmReaderRequest {
  readonly root: CID;
  readonly providers: readonly PeerId[];
  readonly signal: Cancel | undefined;
  readonly budget?: Budget;
  readonly needBytes?: number | undefined;
  readonly mayFetch?: boolean;
  readonly mostPerByte?: AttoFil;
  /** Other programs of IPFS are asked too, for what no provider gives. */
  readonly mayAskOthers?: boolean;
  readonly progress?: ((progress: ReadProgress) => void) | undefined;
}

export interface ReadProgress {
  /** Bytes that came over the network so far. */
  readonly receivedBytes: number;
  /** From whom. */
  readonly from: readonly SwarmShare[];
}

/** What says that nobody gives it, at least for nothing. */
const nowhere: ReadonlySet<string> = new Set([
  "retrieval/no-provider",
  "retrieval/missing-block",
  "retrieval/price-above-max",
]);

export class SwarmReader {
  readonly #tools: SwarmTools;
  readonly #files: LocalFiles;
  readonly #request: SwarmReaderRequest;
  readonly #release: () => void;
  #swarm: Swarm | undefined;
  #claim: ReturnType<LocalFiles["claim"]> | undefined;
  /** What came. */
  readonly #mine = new Set<string>();
  /** What came and is not on the disk yet. */
  readonly #fresh = new Map<string, Uint8Array>();
  readonly #writes = new Set<Promise<void>>();
  #begun: Promise<void> | undefined;
  #receivedBytes = 0;
  readonly #stop = new AbortController();
  #others: ReturnType<NonNullable<SwarmTools["elsewhere"]>> | undefined;
  #isElsewhere = false;
  #left: Promise<void> | undefined;

  constructor(tools: SwarmTools, files: LocalFiles, request: SwarmReaderRequest) {
    this.#tools = tools;
    this.#files = files;
    this.#request = request;
    this.#release = files.hold(request.root);
  }

  /** Errors: `retrieval/…`, or the signal's reason. */
  readonly read: BlockReader = async (cid) => {
    const { signal } = this.#request;
    signal?.throwIfAborted();
    const key = cidKey(cid);
    const here = this.#fresh.get(key) ?? (await this.#files.blocks.get(cid));
    if (here !== undefined) return here;
    checkFileCid(cid);
    const bytes = await abortable(signal, this.#fetch(cid));
    await this.#keep(key, cid, bytes);
    return bytes;
  };

  /** Where blocks were found before is asked first: mostly all of a tree is at one place. */
  async #fetch(cid: CID): Promise<Uint8Array> {
    this.#swarm ??= this.#open();
    const early = this.#isElsewhere ? await this.#askOthers(cid) : undefined;
    if (early !== undefined) return early;
    try {
      return await this.#swarm.block(cid);
    } catch (error) {
      const isNowhere = error instanceof HoldfastError && nowhere.has(error.code);
      const bytes = isNowhere && !this.#isElsewhere ? await this.#askOthers(cid) : undefined;
      if (bytes === undefined) throw error;
      this.#isElsewhere = true;
      return bytes;
    }
  }
  async #askOthers(cid: CID): Promise<Uint8Array | undefined> {
    if (this.#request.mayAskOthers !== true) return undefined;
    this.#others ??= this.#tools.elsewhere?.();
    return this.#others?.get(cid, this.#request.signal ?? this.#stop.signal);
  }

  get shares(): readonly SwarmShare[] {
    return this.#swarm?.shares ?? [];
  }

  /** If all of the file is here now, it is remembered as whole. */
  async whole(): Promise<void> {
    if (this.#swarm === undefined) return;
    await Promise.all(this.#writes);
    const { root } = this.#request;
    const whole = await this.#files.sizesIfWhole(root);
    if (whole === undefined) return;
    await this.#claim?.keep({ root, imported: false, ...whole });
    this.#claim = undefined;
  }

  leave(): Promise<void> {
    this.#left ??= this.#leave();
    return this.#left;
  }

  async #leave(): Promise<void> {
    this.#stop.abort(retrievalErrors.ended({}));
    await this.#swarm?.[Symbol.asyncDispose]();
    await Promise.all(this.#writes);
    await this.#claim?.drop(this.#mine, this.#request.root); // what came stays for next time
    this.#release();
  }

  #open(): Swarm {
    const { root, providers, needBytes, budget = new Budget(), mayFetch, mostPerByte } = this.#request;
    this.#claim = this.#files.claim((key) => this.#mine.has(key));
    return new Swarm(this.#tools, {
      ...{ root, providers, needBytes, budget },
      ...(mayFetch === undefined ? {} : { mayFetch }),
      ...(mostPerByte === undefined ? {} : { mostPerByte }),
    });
  }

  /** Several blocks are being written while the next ones arrive. */
  async #keep(key: string, cid: CID, bytes: Uint8Array): Promise<void> {
    if (this.#mine.has(key)) return;
    this.#mine.add(key);
    this.#fresh.set(key, bytes);
    this.#receivedBytes += bytes.length;
    this.#begun ??= this.#files.begin(this.#request.root);
    const write = this.#begun
      .then(() => this.#files.put(cid, bytes, { isVerified: true, isCopy: true }))
      .then(
        () => undefined,
        (error: unknown) => this.#notKept(key, error),
      );
    const tracked: Promise<void> = write.then(() => {
      this.#fresh.delete(key);
      this.#writes.delete(tracked);
    });
    this.#writes.add(tracked);
    this.#request.progress?.({ receivedBytes: this.#receivedBytes, from: this.shares });
    if (this.#writes.size >= limits.retrievalPendingWrites) await Promise.race(this.#writes);
  }
  /** The reader has the bytes all the same. */
  #notKept(key: string, error: unknown): void {
    this.#mine.delete(key);
    const detail = error instanceof HoldfastError ? error.code : String(error);
    this.#tools.logger.warn("a fetched block is not kept", { root: this.#request.root.toString(), detail });
  }
}
