/**
 * The files of this node: who needs which block. Files share blocks, so a block is removed only if no file that
 * has a record and no work that is under way needs it. Invariants: an imported file makes room for another only
 * when miners hold it as often as was asked for; blocks without an owner (of an import that was killed) are found and
 * removed by `collect`.
 */
import { type CID, type Clock, HoldfastError, type Logger } from "@holdfast/base";
import { type FileBlocks, type FileRecord, type PutOptions, recordName } from "./blocks.ts";
import { cidKey, cidOfKey, DagWalk, knownKeys } from "./walk.ts";

/** Of a copy here: needed for a deal that is being made; stored well elsewhere; or neither is known. */
export type FileWorth = "needed" | "stored" | "unknown";

export interface Collected {
  readonly blocks: number;
  readonly bytes: number;
}

/** A file all of whose blocks are here. */
export interface WholeFile {
  readonly root: CID;
  readonly imported: boolean;
  readonly fileBytes: number;
  readonly carBytes: number;
}

/** Blocks that some work under way needs; ends with one of the two. */
export interface Claim {
  /** The work is done: the file has a record now. */
  keep(file: WholeFile): Promise<void>;
  /**
   * The work has failed: its blocks go unless somebody else needs them. With a `root` they also stay if that
   * file has a record.
   */
  drop(keys: Iterable<string>, root?: CID): Promise<void>;
}

type Protection = { readonly protects: (key: string) => boolean };

export class LocalFiles implements AsyncDisposable {
  readonly blocks: FileBlocks;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #protections = new Set<Protection>();
  /** How many readers and fetches each file has. */
  readonly #held = new Map<string, number>();
  /** Removals run one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  readonly #worthOf: (root: CID) => FileWorth;

  constructor(needs: {
    readonly blocks: FileBlocks;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly worthOf?: ((root: CID) => FileWorth) | undefined;
  }) {
    this.blocks = needs.blocks;
    this.#worthOf = needs.worthOf ?? (() => "unknown");
    this.#clock = needs.clock;
    this.#logger = needs.logger;
  }

  /**
   * Blocks whose keys `protects` accepts are not removed until the claim ends: for work whose file has no record
   * yet. A block is claimed before it is put. A claim ends as one step with what follows from it, so that a
   * removal finds either the claim or the record.
   */
  claim(protects: (key: string) => boolean): Claim {
    const protection: Protection = { protects };
    this.#protections.add(protection);
    return {
      keep: (file) =>
        this.#exclusive(async () => {
          await this.#remember(file);
          this.#protections.delete(protection);
        }),
      drop: (keys, root) =>
        this.#exclusive(async () => {
          this.#protections.delete(protection);
          if (root !== undefined && (await this.blocks.readRecord(root)) !== undefined) return;
          await this.#sweep(new Map([...keys].map((key) => [key, cidOfKey(key)])));
        }),
    };
  }
  /** A file that is held does not make room for another. */
  hold(root: CID): () => void {
    const name = recordName(root);
    this.#held.set(name, (this.#held.get(name) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const left = (this.#held.get(name) ?? 1) - 1;
      if (left > 0) this.#held.set(name, left);
      else this.#held.delete(name);
    };
  }

  /**
   * As `FileBlocks.put`, but files that nobody reads make room, the oldest first: those that were only fetched, then
   * those that people gave and that lie at miners by now, as many times as was asked for.
   */
  async put(cid: CID, bytes: Uint8Array, how?: PutOptions): Promise<boolean> {
    for (;;) {
      try {
        return await this.blocks.put(cid, bytes, how);
      } catch (error) {
        const isFull = error instanceof HoldfastError && error.code === "retrieval/quota-full";
        if (!isFull || !(await this.#makeRoom(bytes.length))) throw error;
      }
    }
  }

  /** The record of a file that lies here, the whole of it. */
  async complete(root: CID): Promise<FileRecord | undefined> {
    const record = await this.blocks.readRecord(root);
    return record?.complete === true ? record : undefined;
  }
  list(): Promise<FileRecord[]> {
    return this.blocks.listRecords();
  }

  /** A fetch begins: from now on its blocks have an owner. */
  async begin(root: CID): Promise<void> {
    if ((await this.blocks.readRecord(root)) !== undefined) return;
    const atMs = this.#clock.nowMs();
    const unknown = { fileBytes: 0, carBytes: 0 };
    await this.blocks.writeRecord({ version: 1, root, complete: false, imported: false, ...unknown, atMs });
  }
  /** Whether there was such a file. Blocks that other files need stay. */
  delete(root: CID): Promise<boolean> {
    return this.#exclusive(() => this.#delete(root));
  }
  /** Removes every block that no file needs: what a killed process has left. Reads all inner blocks. */
  collect(): Promise<Collected> {
    return this.#exclusive(async () => {
      const needed = new Set<string>();
      for (const { root } of await this.blocks.listRecords()) {
        await this.#visit(root, (key) => {
          needed.add(key);
          return true;
        });
      }
      const doomed = new Map<string, CID>();
      for await (const cid of this.blocks.list()) {
        const key = cidKey(cid);
        if (!needed.has(key)) doomed.set(key, cid);
      }
      return this.#remove(doomed);
    });
  }

  /** The sizes of a file all of whose blocks lie here; leaves are measured, not read. */
  async sizesIfWhole(root: CID): Promise<Pick<WholeFile, "fileBytes" | "carBytes"> | undefined> {
    const walk = new DagWalk(root);
    for (let wanted = walk.next(); wanted !== undefined; wanted = walk.next()) {
      const { cid, claimedBytes } = wanted;
      if (claimedBytes !== undefined) {
        if ((await this.blocks.sizeBytes(cid)) !== claimedBytes) return undefined;
        walk.skipLeaf();
        continue;
      }
      const bytes = await this.blocks.get(cid);
      if (bytes === undefined) return undefined;
      walk.accept(bytes);
    }
    return { fileBytes: walk.fileBytes ?? 0, carBytes: walk.carOffset };
  }

  /** How many bytes of a file lie here. */
  async presentBytes(root: CID): Promise<number> {
    const walk = new DagWalk(root);
    let present = 0;
    for (let wanted = walk.next(); wanted !== undefined; wanted = walk.next()) {
      const { cid, claimedBytes } = wanted;
      if (claimedBytes !== undefined) {
        if ((await this.blocks.sizeBytes(cid)) === claimedBytes) present += claimedBytes;
        walk.skipLeaf();
        continue;
      }
      const bytes = await this.blocks.get(cid);
      if (bytes === undefined) walk.leaveOut();
      else present += walk.accept(bytes).data.length;
    }
    return present;
  }

  /** Waits for the removals that are under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
  }

  async #remember(file: WholeFile): Promise<void> {
    const before = await this.blocks.readRecord(file.root);
    const imported = file.imported || before?.imported === true;
    const atMs = this.#clock.nowMs();
    await this.blocks.writeRecord({ ...file, version: 1, complete: true, imported, atMs });
  }
  async #delete(root: CID): Promise<boolean> {
    if ((await this.blocks.readRecord(root)) === undefined) return false;
    const doomed = new Map<string, CID>();
    await this.#visit(root, (key, cid) => {
      doomed.set(key, cid);
      return true;
    });
    await this.blocks.removeRecord(root); // first: what a crash leaves behind has no owner and is collected
    const { bytes } = await this.#sweep(doomed);
    this.#logger.info("file removed", { root: root.toString(), freedBytes: bytes });
    return true;
  }

  /** False if nothing may go. */
  #makeRoom(neededBytes: number): Promise<boolean> {
    return this.#exclusive(async () => {
      if ((await this.blocks.usedBytes()) + neededBytes <= this.blocks.quotaBytes) return true;
      const records = await this.blocks.listRecords();
      const mayGo = records.flatMap((record) => {
        if (this.#held.has(recordName(record.root))) return [];
        const worth = this.#worthOf(record.root);
        return worth === "stored" || (worth === "unknown" && !record.imported) ? [record] : [];
      });
      const [oldest] = mayGo.sort((a, b) => Number(a.imported) - Number(b.imported) || a.atMs - b.atMs);
      return oldest !== undefined && (await this.#delete(oldest.root));
    });
  }

  async #sweep(doomed: Map<string, CID>): Promise<Collected> {
    for (const { root } of await this.blocks.listRecords()) {
      if (doomed.size === 0) break;
      await this.#visit(root, (key) => {
        doomed.delete(key);
        return doomed.size > 0;
      });
    }
    return this.#remove(doomed);
  }
  async #remove(doomed: ReadonlyMap<string, CID>): Promise<Collected> {
    let blocks = 0;
    let bytes = 0;
    for (const [key, cid] of doomed) {
      const isProtected = (): boolean => [...this.#protections].some(({ protects }) => protects(key));
      const freed = await this.blocks.delete(cid, isProtected);
      bytes += freed;
      if (freed > 0) blocks++;
    }
    return { blocks, bytes };
  }

  /** Every block that the file at `root` needs, until `visit` says no. */
  async #visit(root: CID, visit: (key: string, cid: CID) => boolean): Promise<void> {
    try {
      for await (const { key, cid } of knownKeys(this.blocks, root)) if (!visit(key, cid)) return;
    } catch (error) {
      // A tree that was found bad while it was fetched: what it names up to there is all that came.
      if (!(error instanceof HoldfastError && error.code.startsWith("retrieval/"))) throw error;
    }
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
