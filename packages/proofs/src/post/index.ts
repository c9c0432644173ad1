/**
 * Proof of spacetime: leaves of replicas at challenges of the chain, under commitments that the chain
 * knows. "window" proofs are due once a proving period for all sectors; "winning" proofs go with a block.
 *
 * Invariant: a sector's challenges depend on the kind, the seed, the miner and the sector alone, so neither
 * skipping nor reordering other sectors moves them. A proof is
 *
 *   1 byte      1 if all sectors are of vanilla classes, else 2
 *   openings    of the sectors of vanilla classes, by ascending sector id
 *   192 · n     SNARKs of each succinct class, classes by ascending size, sectors by ascending id
 *
 * in whatever order the sectors were passed. No count or index is in it.
 * Source: Filecoin specs, PoSt; its order-dependent challenges (rust-fil-proofs #1270) avoided.
 */
import {
  type Address,
  addressBytes,
  assert,
  bigEndian,
  concatBytes,
  type SectorId,
  sha256,
  toHex,
  utf8Bytes,
} from "@holdfast/base";
import {
  defaultClasses,
  findResolved,
  type ResolvedClass,
  resolveClass,
  type SectorClass,
} from "../classes.ts";
import { proofsErrors } from "../errors.ts";
import { challengedNodes } from "../graph/index.ts";
import type { ProvingKey } from "../groth16/index.ts";
import { groth16ProofBytes, type ProofClaim, verifyProofs } from "../groth16/verifier.ts";
import { type Commitment, poseidonHasher } from "../merkle/index.ts";
import { openingLength, verifyOpening } from "../openings/index.ts";
import { formBytes, parseReplicaTree, vanillaForm } from "../porep/index.ts";
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
import {
  type PostTarget,
  postClaims,
  postProofCount,
  proveTargetsSteps,
  succinctForm,
} from "../succinct/index.ts";

export type PostKind = "window" | "winning";

/** A sector as the chain knows it. */
export interface PostSector {
  readonly sectorId: SectorId;
  /** Padded bytes; sectors of several sizes may be mixed. */
  readonly sectorBytes: number;
  readonly commR: Commitment;
}

/** A sector as its miner has it. */
export interface StoredSector extends PostSector {
  /** The replica's tree, as sealing returned it, or what reads it. */
  readonly replicaTree: Uint8Array | SealSource;
}

const domains = {
  window: utf8Bytes("holdfast window post 1\n"),
  winning: utf8Bytes("holdfast winning post 1\n"),
} as const;

/** The challenged nodes of one sector, ascending. `seed` has 32 bytes. */
export function postChallenges(
  kind: PostKind,
  seed: Uint8Array,
  miner: Address,
  sector: PostSector,
  profile: SectorProfile,
): readonly number[] {
  const key = sha256(
    concatBytes(
      domains[kind],
      seed,
      addressBytes(miner),
      bigEndian(sector.sectorId, 8),
      sector.commR,
      utf8Bytes(profile.id),
    ),
  );
  const count = kind === "window" ? profile.windowChallenges : profile.winningChallenges;
  return challengedNodes(key, count, profile.nodes);
}

/** The sectors of a statement, ascending, by the form of their proofs. */
interface Parts<Sector> {
  readonly vanilla: readonly (ResolvedClass & { readonly sector: Sector })[];
  readonly succinct: readonly (ResolvedClass & { readonly sectors: readonly Sector[] })[];
}

function partsOf<Sector extends PostSector>(
  classes: readonly SectorClass[],
  sectors: readonly Sector[],
): Parts<Sector> {
  const all = byId(sectors).map((sector) => ({ ...resolveClass(classes, sector.sectorBytes), sector }));
  const isVanilla = ({ sectorClass }: ResolvedClass): boolean => sectorClass.proofMode === "vanilla";
  const succinct = [...new Set(all.filter((one) => !isVanilla(one)).map(({ sectorClass }) => sectorClass))];
  return {
    vanilla: all.filter(isVanilla),
    succinct: succinct
      .toSorted((a, b) => a.sectorBytes - b.sectorBytes)
      .map((sectorClass) => {
        const own = all.filter((one) => one.sectorClass === sectorClass);
        const { profile } = own[0] as ResolvedClass;
        return { sectorClass, profile, sectors: own.map(({ sector }) => sector) };
      }),
  };
}

/** The classes whose SNARKs a proof over these sectors has. Throws proofs/unknown-sector-size. */
export function succinctClassesOf(
  classes: readonly SectorClass[],
  sectors: readonly PostSector[],
): readonly SectorClass[] {
  return partsOf(classes, sectors).succinct.map(({ sectorClass }) => sectorClass);
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

/**
 * Whether the proof shows that all the sectors (at least one, none twice) are stored. Never throws on bad
 * bytes.
 */
export function verifyPost(
  kind: PostKind,
  seed: Uint8Array,
  miner: Address,
  sectors: readonly PostSector[],
  proof: Uint8Array,
  classes: readonly SectorClass[] = defaultClasses,
): boolean {
  if (sectors.length === 0 || seed.length !== 32) return false;
  if (new Set(sectors.map(({ sectorId }) => sectorId)).size !== sectors.length) return false;
  if (sectors.some(({ sectorBytes }) => findResolved(classes, sectorBytes) === undefined)) return false;
  const { vanilla, succinct } = partsOf(classes, sectors);
  if (proof[0] !== (succinct.length === 0 ? vanillaForm : succinctForm)) return false;
  const openings: { commR: Commitment; nodes: number; leaves: readonly number[]; bytes: Uint8Array }[] = [];
  let end = formBytes;
  for (const { profile, sector } of vanilla) {
    const leaves = postChallenges(kind, seed, miner, sector, profile);
    const start = end;
    end += openingLength(poseidonHasher, profile.nodes, leaves);
    openings.push({ commR: sector.commR, nodes: profile.nodes, leaves, bytes: proof.subarray(start, end) });
  }
  const claims: ProofClaim[] = [];
  for (const { sectorClass, profile, sectors: own } of succinct) {
    const targets = own.map((sector) => ({
      commR: sector.commR,
      indices: postChallenges(kind, seed, miner, sector, profile),
    }));
    const start = end;
    end += postProofCount(profile, kind, own.length) * groth16ProofBytes;
    const made =
      sectorClass.keys && postClaims(profile, kind, sectorClass.keys, targets, proof.subarray(start, end));
    if (!made) return false;
    claims.push(...made);
  }
  if (proof.length !== end) return false;
  return (
    openings.every(({ commR, nodes, leaves, bytes }) =>
      verifyOpening(poseidonHasher, commR, nodes, leaves, bytes),
    ) &&
    (claims.length === 0 || verifyProofs(claims))
  );
}

function byId<Sector extends PostSector>(sectors: readonly Sector[]): readonly Sector[] {
  return sectors.toSorted((a, b) => a.sectorId - b.sectorId);
}
