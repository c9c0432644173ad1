/**
 * Pieces as the era packed them: which subtree of a sector a piece can be, and its commitment over the Pedersen
 * tree. (How many zero bytes a piece needs around it is `pieceAlignment`, the same rule as today's.)
 * Source: rust-fil-proofs of April and May 2019 (piece_inclusion_proof, pieces).
 */
import { padUser } from "../fr32/index.ts";
import { checkNumber } from "./errors.ts";
import { type EraHasher, pedersenEraHasher } from "./hashers.ts";
import { buildEraTree, eraNodeBytes } from "./tree.ts";

/**
 * Leaves of the largest subtree that begins at leaf `position` of a tree of `leaves` (filled up to a power of
 * two). Throws zigzag2019/bad-number.
 */
export function subtreeCapacity(position: number, leaves: number): number {
  checkNumber("the number of leaves", leaves, 1, 2 ** 31);
  let width = 1;
  while (width < leaves) width *= 2;
  checkNumber("the position", position, 0, width - 1);
  let capacity = 1;
  while (capacity < width && position % (2 * capacity) === 0) capacity *= 2;
  return capacity;
}

/** Whether a piece of `length` leaves can lie at `position` as a subtree of its own. */
export function isAlignedPiece(position: number, length: number, leaves: number): boolean {
  return subtreeCapacity(position, leaves) >= length;
}

/**
 * comm_p of the era: the root over the padded user bytes, with zero leaves up to a power of two (two at
 * least). Throws zigzag2019/bad-number for no bytes.
 */
export function eraPieceCommitment(user: Uint8Array, hasher: EraHasher = pedersenEraHasher): Uint8Array {
  checkNumber("the number of user bytes", user.length, 1, 2 ** 31);
  const padded = padUser(user);
  let leaves = 2;
  while (leaves * eraNodeBytes < padded.length) leaves *= 2;
  const whole = new Uint8Array(leaves * eraNodeBytes);
  whole.set(padded);
  return buildEraTree(hasher, whole).root;
}
