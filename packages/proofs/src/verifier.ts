/**
 * The verifier that the chain's rules take: synchronous, because the state transition is; total, because its
 * input comes from peers.
 */
import type { Address } from "@holdfast/base";
import { findResolved, type SectorClass } from "./classes.ts";
import { type PieceInclusionStatement, verifyPieceInclusion } from "./piece/index.ts";
import type { SectorIdentity } from "./porep/index.ts";
import { type PostKind, type PostSector, verifyPost } from "./post/index.ts";
import { verifySealOf } from "./seal-check.ts";

export interface SealStatement {
  /** The sizes of the network: a constant of its parameters. */
  readonly classes: readonly SectorClass[];
  readonly sectorBytes: number;
  readonly identity: SectorIdentity;
  readonly commR: Uint8Array;
  readonly commRStar: Uint8Array;
  /** 32 bytes of chain randomness from after the commitment. */
  readonly seed: Uint8Array;
  readonly proof: Uint8Array;
}

export interface PostStatement {
  /** The sizes of the network: a constant of its parameters. */
  readonly classes: readonly SectorClass[];
  readonly kind: PostKind;
  /** 32 bytes of chain randomness. */
  readonly seed: Uint8Array;
  readonly miner: Address;
  /** In any order, at least one, none twice. */
  readonly sectors: readonly PostSector[];
  readonly proof: Uint8Array;
}

export interface Verifier {
  verifySeal(statement: SealStatement): boolean;
  verifyPost(statement: PostStatement): boolean;
  verifyPieceInclusion(statement: PieceInclusionStatement): boolean;
}

/** A statement with the check it is for: what a memo remembers and what travels to a worker. */
export type Statement =
  | { readonly check: "seal"; readonly statement: SealStatement }
  | { readonly check: "post"; readonly statement: PostStatement }
  | { readonly check: "pieceInclusion"; readonly statement: PieceInclusionStatement };

/** Runs the check that the statement is for. */
export function verifyStatement(verifier: Verifier, { check, statement }: Statement): boolean {
  switch (check) {
    case "seal":
      return verifier.verifySeal(statement);
    case "post":
      return verifier.verifyPost(statement);
    case "pieceInclusion":
      return verifier.verifyPieceInclusion(statement);
  }
}

/** Verifies in the calling thread. */
export function createVerifier(): Verifier {
  return {
    verifySeal({ classes, sectorBytes, identity, commR, commRStar, seed, proof }) {
      const found = findResolved(classes, sectorBytes);
      if (found === undefined) return false;
      return verifySealOf(found, identity, { commR, commRStar }, seed, proof);
    },
    verifyPost: ({ classes, kind, seed, miner, sectors, proof }) =>
      verifyPost(kind, seed, miner, sectors, proof, classes),
    verifyPieceInclusion,
  };
}
