/**
 * What one import has put into the store, owned by it until its file has a record; and how its tree is laid out:
 * Kubo's defaults (chunks of 256 KiB, raw leaves, balanced, 174 links, SHA-256, folders sharded above 256 KiB).
 */
import { assert, type CID } from "@holdfast/base";
import type { ImporterOptions, WritableStorage } from "ipfs-unixfs-importer";
import { balanced } from "ipfs-unixfs-importer/layout";
import { limits } from "../limits.ts";
import { Settling } from "../settling.ts";
import { retrievalErrors } from "./errors.ts";
import type { Claim, LocalFiles, WholeFile } from "./local-files.ts";
import { isRawLeaf } from "./unixfs.ts";
import { cidKey, sectionBytes } from "./walk.ts";

/** Kubo's defaults. */
export const kuboChunkBytes = 262_144;
const kuboLinks = 174;
const kuboShardAboveBytes = 262_144;
const kuboFanoutBits = 8;
/** Chunks that are hashed and written side by side. */
const writesAtOnce = 16;

export function kuboLayout(chunkBytes: number): ImporterOptions {
  return {
    cidVersion: 1,
    rawLeaves: true,
    reduceSingleLeafToSelf: true,
    chunker: (bytes) => chunksOf(bytes, chunkBytes),
    layout: balanced({ maxChildrenPerNode: kuboLinks }),
    blockWriteConcurrency: writesAtOnce,
    shardSplitThresholdBytes: kuboShardAboveBytes,
    shardSplitStrategy: "links-bytes",
    shardFanoutBits: kuboFanoutBits,
  };
}

/** What one import has put into the store. */
export class ImportedBlocks {
  readonly storage: WritableStorage;
  /** Bytes of the CAR sections of the distinct blocks. */
  sectionsBytes = 0;
  /** File bytes in the distinct blocks: leaves are raw. */
  leafBytes = 0;
  readonly #files: LocalFiles;
  readonly #claim: Claim;
  readonly #seen = new Set<string>();
  readonly #writes = new Set<Promise<CID>>();
  readonly #settling: Settling;
  #failed = false;

  constructor(files: LocalFiles) {
    this.#files = files;
    this.#settling = new Settling(files.blocks);
    this.#claim = files.claim((key) => this.#seen.has(key));
    this.storage = {
      put: (cid, bytes) => {
        assert(bytes instanceof Uint8Array, "the importer hands over whole blocks");
        const write = this.#put(cid, bytes);
        this.#writes.add(write);
        const done = (): unknown => this.#writes.delete(write);
        write.then(done, done);
        return write;
      },
    };
  }

  /** Everything is durable when it resolves. */
  async keep(file: WholeFile): Promise<void> {
    await this.#settling.done();
    await this.#claim.keep(file);
  }
  /** Removes what nobody else uses. */
  async takeBack(): Promise<void> {
    this.#failed = true; // blocks that are still being hashed do not come any more
    await Promise.allSettled([...this.#writes]);
    await this.#settling.ended();
    await this.#claim.drop(this.#seen);
  }

  async #put(cid: CID, bytes: Uint8Array): Promise<CID> {
    const key = cidKey(cid);
    if (this.#failed || this.#seen.has(key)) return cid;
    if (this.#seen.size >= limits.dagBlocks) {
      throw retrievalErrors.tooLarge({ what: "blocks", limit: limits.dagBlocks });
    }
    this.#seen.add(key);
    this.sectionsBytes += sectionBytes(cid, bytes.length);
    if (isRawLeaf(cid)) this.leafBytes += bytes.length;
    // The importer has made the CID of these bytes, which are this block's alone.
    await this.#files.put(cid, bytes, { isVerified: true, isCopy: true });
    this.#settling.add(cid);
    return cid;
  }
}

/**
 * Full chunks in arrays of their own, whatever lengths the source has and however it uses its buffers; of an empty
 * source one empty chunk.
 */
async function* chunksOf(
  source: AsyncIterable<Uint8Array>,
  chunkBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let chunk = new Uint8Array(chunkBytes);
  let filled = 0;
  let any = false;
  for await (const bytes of source) {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + chunkBytes - filled);
      chunk.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < chunkBytes) continue;
      any = true;
      yield chunk;
      chunk = new Uint8Array(chunkBytes);
      filled = 0;
    }
  }
  if (filled > 0 || !any) yield chunk.slice(0, filled);
}
