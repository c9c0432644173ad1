/**
 * What a Merkle tree needs of a hash function, and the one 32-byte node size. A tree's shape is the list of
 * arities from the row above the leaves up to the root; a hasher has exactly one shape per leaf count, so a
 * path needs neither arities nor positions: the leaf index gives them.
 */

/** Bytes of a node: one element of the scalar field, little-endian. */
export const nodeBytes = 32;

/** A root, a node: 32 bytes. */
export type Commitment = Uint8Array;

export interface TreeHasher {
  readonly name: string;
  /**
   * Arities of the levels, from the leaves up; empty for one leaf, `undefined` when the hasher has no tree of
   * this many leaves.
   */
  shapeOf(leafCount: number): readonly number[] | undefined;
  /** Whether 32 bytes are a node that this hasher takes (Poseidon: a canonical field element). */
  isNode(node: Uint8Array): boolean;
  /** The parent of `children.length / 32` nodes. */
  hash(children: Uint8Array): Uint8Array;
  /**
   * All parents of a row whose length is a multiple of `arity` nodes, in order; in `room`, which is as long, if the
   * hasher has use for it. The hot path of a build.
   */
  hashRow(row: Uint8Array, arity: number, room?: Uint8Array): Uint8Array;
}

/** Hashes a row into its place: SHA-256 goes there at once, because it is nearly as fast as copying. */
export function hashRowInto(
  { hashRow }: Pick<TreeHasher, "hashRow">,
  row: Uint8Array,
  arity: number,
  place: Uint8Array,
): void {
  const parents = hashRow(row, arity, place);
  if (parents !== place) place.set(parents);
}

/** log2 of a power of two up to 2^52, or `undefined` for any other number. */
export function exactLog2(value: number): number | undefined {
  if (!Number.isSafeInteger(value) || value < 1) return undefined;
  let left = value;
  let log = 0;
  while (left > 1) {
    if (left % 2 !== 0) return undefined;
    left /= 2;
    log += 1;
  }
  return log;
}
