/**
 * What one import has put into the store, owned by it until its file has a record; and how its tree is laid out: as
 * `ipfs add --cid-version=1` does (chunks of 256 KiB, raw leaves, balanced, 174 links, SHA-256, folders sharded
 * above 256 KiB), or as it does with another version, other leaves or other chunks.
 */
import { assert, type CID } from "@holdfast/base";
import type { ImporterOptions, WritableStorage } from "ipfs-unixfs-importer";
import { balanced } from "ipfs-unixfs-importer/layout";
import { limits } from "../limits.ts";
import { Settling } from "../settling.ts";
import { retrievalErrors } from "./errors.ts";
import type { Claim, LocalFiles, WholeFile } from "./local-files.ts";
import { isRawLeaf, readTreeNode } from "./unixfs.ts";
import { cidKey, sectionBytes } from "./walk.ts";

/** What `ipfs add` can be told, and then gives other CIDs. */
export interface ImportLayout {
  /** Default: 1. */
  readonly cidVersion?: 0 | 1 | undefined;
  /** Leaves of bytes alone, whose CIDs are of version 1. Default: with version 1 only, as Kubo has it. */
  readonly rawLeaves?: boolean | undefined;
  /** As `--chunker=size-…`. */
  readonly chunkBytes?: number | undefined;
}

/** Kubo's defaults. */
const kuboChunkBytes = 262_144;
const kuboLinks = 174;
const kuboShardAboveBytes = 262_144;
const kuboFanoutBits = 8;
/** Chunks that are hashed and written side by side. */
const writesAtOnce = 16;

/** What a leaf that is not raw has around its bytes: the fields of dag-pb and UnixFS. */
const leafFrameBytes = 16;

/** `retrieval/bad-layout`. */
export function kuboLayout(layout: ImportLayout): ImporterOptions {
  const { cidVersion = 1, rawLeaves = cidVersion === 1, chunkBytes = kuboChunkBytes } = layout;
  const mostBytes = limits.fileBlockBytes - (rawLeaves ? 0 : leafFrameBytes);
  if (!Number.isSafeInteger(chunkBytes) || chunkBytes < 1 || chunkBytes > mostBytes) {
    const leaves = rawLeaves ? "raw leaves" : "leaves that are not raw";
    throw retrievalErrors.badLayout({ problem: `a chunk of ${leaves} has 1 to ${mostBytes} bytes` });
  }
  return {
    cidVersion,
    rawLeaves,
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
  /** File bytes in the distinct blocks. */
  leafBytes = 0;
  readonly #files: LocalFiles;
  readonly #claim: Claim;
  readonly #seen = new Set<string>();
  readonly #writes = new Set<Promise<CID>>();
  readonly #settling: Settling;
  readonly #rawLeaves: boolean;
  #failed = false;

  constructor(files: LocalFiles, { rawLeaves = true }: ImporterOptions) {
    this.#files = files;
    this.#rawLeaves = rawLeaves;
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
    else if (!this.#rawLeaves) this.leafBytes += readTreeNode(cid, bytes).data.length;
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
