/**
 * The sequential proof of spacetime: rounds of challenges with a delay between them, so that one proof shows the
 * replicas at several moments that lie at least a computation apart. The challenges of round e + 1 depend on the
 * delayed output over the openings of round e: nobody knows them before the openings were made and the delay has
 * passed.
 *
 *   root      = H(network, miner, seed, rounds, squarings, all sectors)
 *   mix 0     = H(root);  challenges of a sector in round e = H(root, mix e, e, sector)
 *   x e       = H(root, mix e, e, openings of round e);  y e = delay of x e
 *   mix e + 1 = H(root, mix e, e, x e, y e)
 *
 * The proof is one byte (1, the vanilla form); for every round the openings of all sectors by ascending sector id;
 * and behind every round but the last y e and the proof of its delay. No count or index is in it.
 *
 * Invariant: every round is checked, the last one too; every y is the one that its proof is about and the one that
 * is mixed; every sector has challenges of its own in every round. The version of 2019 did none of the three
 * (rust-fil-proofs, VDF-PoSt). What the delay is worth in seconds depends on the fastest squaring there is.
 * Source: Filecoin specs of 2019, VDF-PoSt; the delay is Wesolowski's.
 */
import { type Address, addressBytes, bigEndian, concatBytes, sha256, utf8Bytes } from "@holdfast/base";
import { defaultClasses, findResolved, type SectorClass } from "../classes.ts";
import { proofsErrors } from "../errors.ts";
import { challengedNodes } from "../graph/index.ts";
import { poseidonHasher } from "../merkle/index.ts";
import { openingLength, verifyOpening } from "../openings/index.ts";
import { formBytes, runSteps, type SealHooks, type Steps, vanillaForm } from "../porep/index.ts";
import { type SectorProfile, unknownSize } from "../profiles.ts";
import { within } from "../steps/index.ts";
import { evaluateVdfSteps, rsa2048, verifyVdf } from "../vdf/index.ts";
import { checkedOpening, type StoredSector } from "./prove.ts";
import type { PostSector } from "./statement.ts";

export interface SequentialQuestion {
  /** 32 bytes that name the network. */
  readonly networkId: Uint8Array;
  readonly miner: Address;
  /** 32 bytes of chain randomness. */
  readonly seed: Uint8Array;
  /** Rounds of challenges, from 1 to 1,024. */
  readonly rounds: number;
  /** Squarings of the delay between two rounds, from 1 to 2^40. */
  readonly iterations: number;
}

export interface SequentialStatement extends SequentialQuestion {
  /** In any order, at least one, none twice. */
  readonly sectors: readonly PostSector[];
  readonly proof: Uint8Array;
  /** Default: the network's default classes. */
  readonly classes?: readonly SectorClass[];
}

const hashBytes = 32;
const elementBytes = rsa2048.modulusBytes;
const maxRounds = 1024;

const domains = {
  root: utf8Bytes("holdfast sequential post 1\n"),
  mix: utf8Bytes("holdfast sequential post mix 1\n"),
  challenge: utf8Bytes("holdfast sequential post challenge 1\n"),
  delay: utf8Bytes("holdfast sequential post delay 1\n"),
} as const;

interface Resolved<Sector extends PostSector> {
  readonly sector: Sector;
  readonly profile: SectorProfile;
}

/** The sectors by id with their rows; `undefined` if one is there twice or of no known size. */
function resolve<Sector extends PostSector>(
  sectors: readonly Sector[],
  classes: readonly SectorClass[],
): readonly Resolved<Sector>[] | undefined {
  const sorted = sectors.toSorted((a, b) => a.sectorId - b.sectorId);
  const resolved: Resolved<Sector>[] = [];
  for (const [i, sector] of sorted.entries()) {
    const profile = findResolved(classes, sector.sectorBytes)?.profile;
    if (profile === undefined || sorted[i + 1]?.sectorId === sector.sectorId) return undefined;
    resolved.push({ sector, profile });
  }
  return resolved;
}

function rootOf(question: SequentialQuestion, sectors: readonly Resolved<PostSector>[]): Uint8Array {
  const { networkId, miner, seed, rounds, iterations } = question;
  const records = sectors.map(({ sector, profile }) =>
    sha256(concatBytes(bigEndian(sector.sectorId, 8), sector.commR, utf8Bytes(profile.id))),
  );
  const numbers = concatBytes(bigEndian(rounds, 4), bigEndian(iterations, 8));
  const asked = concatBytes(networkId, addressBytes(miner), seed, numbers, sha256(concatBytes(...records)));
  return sha256(concatBytes(domains.root, asked));
}

/** The hash chain through the rounds. */
class Chain {
  readonly #root: Uint8Array;
  #mix: Uint8Array;
  #round = 0;

  constructor(root: Uint8Array) {
    this.#root = root;
    this.#mix = sha256(concatBytes(domains.mix, root));
  }

  #hash(domain: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
    return sha256(concatBytes(domain, this.#root, this.#mix, bigEndian(this.#round, 4), ...parts));
  }

  /** The challenged nodes of a sector in this round, ascending. */
  challenges({ sector, profile }: Resolved<PostSector>): readonly number[] {
    const key = this.#hash(domains.challenge, bigEndian(sector.sectorId, 8));
    return challengedNodes(key, profile.windowChallenges, profile.nodes);
  }

  /** What is delayed after this round. */
  delayInput(openings: Uint8Array): Uint8Array {
    return this.#hash(domains.delay, sha256(openings));
  }

  next(delayed: Uint8Array, output: Uint8Array): void {
    this.#mix = this.#hash(domains.mix, delayed, sha256(output));
    this.#round += 1;
  }
}

function isQuestion({ networkId, seed, rounds, iterations }: SequentialQuestion): boolean {
  const counts = Number.isInteger(rounds) && rounds >= 1 && rounds <= maxRounds;
  const squarings = Number.isSafeInteger(iterations) && iterations >= 1;
  return networkId.length === hashBytes && seed.length === hashBytes && counts && squarings;
}

/**
 * Proves in steps; takes at least rounds − 1 delays. Each opening is checked before it is used.
 * Throws proofs/no-sectors, proofs/duplicate-sector, proofs/unknown-sector-size, proofs/bad-length,
 * proofs/bad-rounds, proofs/comm-r-mismatch (the sector's files are damaged), vdf/bad-iterations.
 */
export function* proveSequentialSteps(
  question: SequentialQuestion,
  sectors: readonly StoredSector[],
  classes: readonly SectorClass[] = defaultClasses,
): Steps<Uint8Array> {
  const resolved = resolvedOrThrow(question, sectors, classes);
  const chain = new Chain(rootOf(question, resolved));
  const parts: Uint8Array[] = [Uint8Array.of(vanillaForm)];
  for (let round = 0; round < question.rounds; round += 1) {
    const opened: Uint8Array[] = [];
    for (const one of resolved) {
      const { opening } = yield* checkedOpening(one.profile, one.sector, chain.challenges(one));
      opened.push(opening);
    }
    const openings = concatBytes(...opened);
    parts.push(openings);
    if (round + 1 === question.rounds) break;
    const delayed = chain.delayInput(openings);
    const delay = evaluateVdfSteps(delayed, question.iterations);
    const { output, proof } = yield* within(delay, round / question.rounds, 1 / question.rounds);
    parts.push(output, proof);
    chain.next(delayed, output);
  }
  yield 1;
  return concatBytes(...parts);
}

function resolvedOrThrow(
  question: SequentialQuestion,
  sectors: readonly StoredSector[],
  classes: readonly SectorClass[],
): readonly Resolved<StoredSector>[] {
  if (sectors.length === 0) throw proofsErrors.noSectors({ kind: "sequential" });
  for (const [what, part] of [
    ["the seed", question.seed],
    ["the network's id", question.networkId],
  ] as const) {
    if (part.length === hashBytes) continue;
    throw proofsErrors.badLength({ what, length: part.length, expected: hashBytes });
  }
  if (!isQuestion(question)) {
    throw proofsErrors.badRounds({ rounds: question.rounds, iterations: question.iterations });
  }
  const resolved = resolve(sectors, classes);
  if (resolved !== undefined) return resolved;
  const unknown = sectors.find(({ sectorBytes }) => findResolved(classes, sectorBytes) === undefined);
  if (unknown !== undefined) throw unknownSize(unknown.sectorBytes, classes);
  const ids = sectors.map(({ sectorId }) => sectorId);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  throw proofsErrors.duplicateSector({ sectorId: twice ?? 0 });
}

/** Proves at one go; throws as `proveSequentialSteps` does. */
export function proveSequential(
  question: SequentialQuestion,
  sectors: readonly StoredSector[],
  hooks: SealHooks = {},
  classes: readonly SectorClass[] = defaultClasses,
): Uint8Array {
  return runSteps(proveSequentialSteps(question, sectors, classes), hooks);
}

/**
 * Whether the proof shows all the sectors in all the rounds, with the delays between them. Never throws on bad
 * bytes.
 */
export function verifySequential(statement: SequentialStatement): boolean {
  const { sectors, proof, rounds, iterations, classes = defaultClasses } = statement;
  if (!isQuestion(statement) || sectors.length === 0 || proof[0] !== vanillaForm) return false;
  const resolved = resolve(sectors, classes);
  if (resolved === undefined) return false;
  const chain = new Chain(rootOf(statement, resolved));
  let end = formBytes;
  for (let round = 0; round < rounds; round += 1) {
    const start = end;
    for (const one of resolved) {
      const { sector, profile } = one;
      const leaves = chain.challenges(one);
      const opening = proof.subarray(end, end + openingLength(poseidonHasher, profile.nodes, leaves));
      if (!verifyOpening(poseidonHasher, sector.commR, profile.nodes, leaves, opening)) return false;
      end += opening.length;
    }
    if (round + 1 === rounds) break;
    const input = chain.delayInput(proof.subarray(start, end));
    const output = proof.subarray(end, end + elementBytes);
    const delayProof = proof.subarray(end + elementBytes, end + 2 * elementBytes);
    if (!verifyVdf({ input, iterations, output, proof: delayProof })) return false;
    chain.next(input, output);
    end += 2 * elementBytes;
  }
  return end === proof.length;
}
