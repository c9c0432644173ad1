/** Proving spacetime, by openings and by SNARKs; what is proven is in statement.ts. */
import { type Address, assert, concatBytes, toHex } from "@holdfast/base";
import { defaultClasses, type ResolvedClass, resolveClass, type SectorClass } from "../classes.ts";
import { proofsErrors } from "../errors.ts";
import type { ProvingKey } from "../groth16/index.ts";
import { verifyProofs } from "../groth16/verifier.ts";
import { poseidonHasher } from "../merkle/index.ts";
import { verifyOpening } from "../openings/index.ts";
import { parseReplicaTree, vanillaForm } from "../porep/index.ts";
import type { SectorProfile } from "../profiles.ts";
import {
  bytesSource,
  openStored,
  readNodes,
  rootOffset,
  type SealSource,
  type StoredTree,
} from "../seal-io/index.ts";
import { runSteps, type Steps, within } from "../steps/index.ts";
import { type PostTarget, postClaims, proveTargetsSteps, succinctForm } from "../succinct/index.ts";
import { byId, type PostKind, type PostSector, partsOf, postChallenges } from "./statement.ts";

/** A sector as its miner has it. */
export interface StoredSector extends PostSector {
  /** The replica's tree, as sealing returned it, or what reads it. */
  readonly replicaTree: Uint8Array | SealSource;
}

/**
 * Proves that the sectors are stored, and yields the share that is done. Each opening is checked before it is
 * used, so a damaged file is named instead of spoiling the proof of all. `keys` has the proving key of every
 * succinct class, by the class. Throws proofs/no-sectors, proofs/duplicate-sector, proofs/bad-length,
 * proofs/unknown-sector-size, proofs/comm-r-mismatch (the sector's files are damaged), proofs/wrong-parameters
 * (a proving key that is not the network's: its proofs would be paid for as faults).
 */
export function* provePostSteps(
  kind: PostKind,
  seed: Uint8Array,
  miner: Address,
  sectors: readonly StoredSector[],
  classes: readonly SectorClass[],
  keys: ReadonlyMap<SectorClass, ProvingKey>,
): Steps<Uint8Array> {
  if (sectors.length === 0) throw proofsErrors.noSectors({ kind });
  if (seed.length !== 32)
    throw proofsErrors.badLength({ what: "the seed", length: seed.length, expected: 32 });
  byId(sectors).forEach(({ sectorId }, i, sorted) => {
    if (sorted[i + 1]?.sectorId === sectorId) throw proofsErrors.duplicateSector({ sectorId });
  });
  const opened = new Map<number, Opened>();
  for (const sector of sectors) {
    opened.set(sector.sectorId, yield* openSector(kind, seed, miner, sector, classes));
    yield 0;
  }
  const { vanilla, succinct } = partsOf(classes, sectors);
  const openings = vanilla.map(({ sector }) => opened.get(sector.sectorId)?.opening ?? new Uint8Array(0));
  const proofs: Uint8Array[] = [];
  for (const [done, group] of succinct.entries()) {
    const key = keys.get(group.sectorClass);
    assert(key !== undefined, "the caller has the proving key of every succinct class");
    const targets = group.sectors.map((sector) => {
      const { tree, source, leaves } = opened.get(sector.sectorId) as Opened;
      return { commR: sector.commR, indices: leaves, tree, source };
    });
    const steps = proveTargetsSteps(group.profile, kind, key, targets);
    const made = yield* within(steps, done / succinct.length, 1 / succinct.length);
    assertProven(kind, group, targets, concatBytes(...made));
    proofs.push(...made);
  }
  const form = succinct.length === 0 ? vanillaForm : succinctForm;
  return concatBytes(Uint8Array.of(form), ...openings, ...proofs);
}

/** Judges what was just made as the chain will. */
function assertProven(
  kind: PostKind,
  { sectorClass, profile }: ResolvedClass,
  targets: readonly PostTarget[],
  proofs: Uint8Array,
): void {
  const claims = sectorClass.keys && postClaims(profile, kind, sectorClass.keys, targets, proofs);
  if (claims && verifyProofs(claims)) return;
  throw proofsErrors.wrongParameters({ what: `${kind} proofs of ${profile.id}` });
}

interface Opened {
  readonly tree: StoredTree;
  readonly source: SealSource;
  readonly leaves: readonly number[];
  readonly opening: Uint8Array;
}

function* openSector(
  kind: PostKind,
  seed: Uint8Array,
  miner: Address,
  sector: StoredSector,
  classes: readonly SectorClass[],
): Steps<Opened> {
  const { profile } = resolveClass(classes, sector.sectorBytes);
  const leaves = postChallenges(kind, seed, miner, sector, profile);
  return { leaves, ...(yield* checkedOpening(profile, sector, leaves)) };
}

/** Opens leaves of a sector's tree, and checks them. Throws proofs/bad-length, proofs/comm-r-mismatch. */
export function* checkedOpening(
  profile: SectorProfile,
  { sectorId, commR, replicaTree }: StoredSector,
  leaves: readonly number[],
): Steps<Omit<Opened, "leaves">> {
  const bytes = replicaTree instanceof Uint8Array ? parseReplicaTree(profile, replicaTree) : undefined;
  const source = replicaTree instanceof Uint8Array ? bytesSource(replicaTree) : replicaTree;
  const tree = { hasher: poseidonHasher, leafCount: profile.nodes, offset: 0 };
  const opening = yield* openStored(source, tree, leaves);
  if (verifyOpening(poseidonHasher, commR, profile.nodes, leaves, opening)) return { tree, source, opening };
  const root = bytes?.root ?? (yield* readNodes(source, [rootOffset(tree)]))(rootOffset(tree));
  throw proofsErrors.commRMismatch({ sectorId, expected: toHex(commR), found: toHex(root) });
}

/** As `provePostSteps`, at once, for classes with vanilla proofs. */
export function provePost(
  kind: PostKind,
  seed: Uint8Array,
  miner: Address,
  sectors: readonly StoredSector[],
  classes: readonly SectorClass[] = defaultClasses,
): Uint8Array {
  return runSteps(provePostSteps(kind, seed, miner, sectors, classes, new Map()));
}
