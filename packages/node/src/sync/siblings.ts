/**
 * Blocks of recent heights that are valid alone, by height and parents: material for wider tipsets. Bounded by places,
 * and at a place by the miners that have won there.
 */
import type { CID } from "@holdfast/base";
import { blockCid, type FullBlock, tipsetKey } from "@holdfast/consensus";
import { limits } from "../limits.ts";
import type { SyncChain } from "./needs.ts";

export class Siblings {
  readonly #chain: SyncChain;
  readonly #places = new Map<string, Map<string, CID>>();

  constructor(chain: SyncChain) {
    this.#chain = chain;
  }

  get size(): number {
    return this.#places.size;
  }

  /** Gives the block with all others of its place. */
  remember(block: FullBlock): FullBlock[] {
    const { header } = block;
    const place = `${header.height}/${tipsetKey(header.parents)}`;
    const family = this.#places.get(place) ?? this.#knownFamily(block);
    // Two blocks of one miner are a consensus fault; the first that was seen stays.
    if (!family.has(header.miner)) family.set(header.miner, blockCid(header));
    this.#places.set(place, family);
    if (this.#places.size > limits.orphanBlocks) {
      const oldest = this.#places.keys().next().value;
      if (oldest !== undefined) this.#places.delete(oldest);
    }
    return [...family.values()].flatMap((cid) => this.#chain.fullBlock(cid) ?? []);
  }

  /** After a start only the chain knows which blocks of a height and parents came before. */
  #knownFamily({ header: { height, parents } }: FullBlock): Map<string, CID> {
    const at = this.#chain.tipsetAt(height);
    const isSamePlace = at.height === height && tipsetKey(at.parents) === tipsetKey(parents);
    return new Map(isSamePlace ? at.blocks.map((header) => [header.miner, blockCid(header)]) : []);
  }
}
