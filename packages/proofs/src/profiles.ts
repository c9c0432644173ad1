/**
 * The table of sector sizes. A new size is a new row; nothing else in the program knows a size.
 * Invariant: a row never changes once a network uses it, because its id is part of every replica id; a
 * change is a row with another id.
 *
 * Where the numbers come from. Degrees 5 + 8 and the ten layers of the production row: Filecoin specs,
 * ZigZag PoRep (July 2019). Its seal challenges: the tapered table of rust-fil-proofs 2019 (10 layers, 333,
 * taper 1/3 over 7 layers). Its PoSt challenges: Filecoin today (10 per window, 66 to win). A layer in
 * which a share d of the nodes is wrong passes q challenges with probability (1 − d)^q; the challenges come
 * from the chain after the commitment, so a failed attempt costs the deposit and cannot be retried offline.
 */
import { assert, type ByteCount, byteCount } from "@holdfast/base";
import { proofsErrors } from "./errors.ts";
import { maxUserBytes } from "./piece/index.ts";

export interface SectorProfile {
  /** For example "zigzag-2KiB". Part of every replica id. */
  readonly id: string;
  readonly kind: "zigzag";
  /** Padded bytes: 32 per node. */
  readonly sectorBytes: ByteCount;
  /** What a client can store in it: sectorBytes · 127 / 128. */
  readonly userBytes: ByteCount;
  readonly nodes: number;
  readonly layers: number;
  /** Parents of the depth-robust graph: the predecessor and four sampled ones. */
  readonly baseDegree: number;
  /** Upper limit of expander parents. */
  readonly expansionDegree: number;
  /** Challenges of the seal proof per layer, the first layer first. */
  readonly sealChallenges: readonly number[];
  readonly windowChallenges: number;
  readonly winningChallenges: number;
  /** What an attacker gets away with, in words. */
  readonly note: string;
  /** False: the row is for devnets and tests, and `note` says why. */
  readonly productionSafe: boolean;
}

export const baseDegree = 5;
export const expansionDegree = 8;
/** Parents that a node can have. */
export const totalDegree = baseDegree + expansionDegree;
const bytesPerNode = 32;

const KiB = 1024;
const MiB = 1024 * KiB;

interface Row {
  readonly name: string;
  readonly sectorBytes: number;
  readonly sealChallenges: readonly number[];
  readonly windowChallenges: number;
  readonly winningChallenges: number;
  readonly note: string;
  readonly productionSafe: boolean;
}

const devnetNote =
  "For devnets and tests: so few nodes are sealed again in less time than a proof window lasts, so " +
  "answering a challenge does not show that the replica was stored; and four or five layers with few " +
  "challenges let a prover get away with a tenth of the last layer wrong in about every second attempt.";

const rows: readonly Row[] = [
  {
    name: "1KiB",
    sectorBytes: KiB,
    sealChallenges: [2, 2, 3, 4],
    windowChallenges: 3,
    winningChallenges: 5,
    note: devnetNote,
    productionSafe: false,
  },
  {
    name: "2KiB",
    sectorBytes: 2 * KiB,
    sealChallenges: [2, 2, 3, 4],
    windowChallenges: 3,
    winningChallenges: 5,
    note: devnetNote,
    productionSafe: false,
  },
  {
    name: "4KiB",
    sectorBytes: 4 * KiB,
    sealChallenges: [2, 2, 3, 4],
    windowChallenges: 3,
    winningChallenges: 5,
    note: devnetNote,
    productionSafe: false,
  },
  {
    name: "16KiB",
    sectorBytes: 16 * KiB,
    sealChallenges: [2, 3, 4, 6],
    windowChallenges: 4,
    winningChallenges: 6,
    note: devnetNote,
    productionSafe: false,
  },
  {
    name: "64KiB",
    sectorBytes: 64 * KiB,
    sealChallenges: [3, 4, 6, 9],
    windowChallenges: 4,
    winningChallenges: 8,
    note: devnetNote,
    productionSafe: false,
  },
  {
    name: "256KiB",
    sectorBytes: 256 * KiB,
    sealChallenges: [3, 4, 6, 9],
    windowChallenges: 4,
    winningChallenges: 8,
    note: devnetNote,
    productionSafe: false,
  },
  {
    name: "1MiB",
    sectorBytes: MiB,
    sealChallenges: [3, 3, 4, 6, 9],
    windowChallenges: 5,
    winningChallenges: 10,
    note: devnetNote,
    productionSafe: false,
  },
  {
    name: "8MiB",
    sectorBytes: 8 * MiB,
    sealChallenges: [3, 3, 4, 5, 7, 10],
    windowChallenges: 10,
    winningChallenges: 20,
    note:
      "For test networks: 2^18 nodes in 6 layers are sealed again in about two seconds of native code, " +
      "so only networks whose proof windows are shorter than that learn that the replica was stored. A " +
      "last layer with a tenth of its nodes wrong passes in one of three attempts; more challenges " +
      "would not fit into one message.",
    productionSafe: false,
  },
  {
    name: "256MiB",
    sectorBytes: 256 * MiB,
    sealChallenges: [20, 20, 20, 30, 44, 66, 99, 149, 223, 333],
    windowChallenges: 10,
    winningChallenges: 66,
    note:
      "A last layer with 3 % of its nodes wrong passes one of 25,000 attempts ((1 − 0.03)^333), one " +
      "with 2 % one of 800; that earlier layers get fewer challenges is the tapering of rust-fil-proofs, " +
      "taken over without a proof of our own. Sealing again takes 84 million dependent hashes, above a " +
      "minute at one million a second: longer than the 30 s round in which a winning proof must come " +
      "(unless the hardware is several times faster), and dearer per window than the space. A replica " +
      "that lacks a fifth of its nodes is caught in 9 of 10 windows. The vanilla proof has some 8 MB, so " +
      "a network with such sectors needs its succinct form.",
    productionSafe: true,
  },
];

function profileOf(row: Row): SectorProfile {
  const { name, sectorBytes, ...rest } = row;
  const nodes = sectorBytes / bytesPerNode;
  assert(Number.isInteger(Math.log2(nodes)), "a sector has a power of two of nodes");
  return Object.freeze({
    ...rest,
    id: `zigzag-${name}`,
    kind: "zigzag",
    sectorBytes: byteCount(sectorBytes),
    userBytes: byteCount(maxUserBytes(sectorBytes)),
    nodes,
    layers: row.sealChallenges.length,
    baseDegree,
    expansionDegree,
  });
}

export const sectorProfiles: readonly SectorProfile[] = rows.map(profileOf);

/** The row of a padded size, or `undefined`. */
export function findSectorProfile(sectorBytes: number): SectorProfile | undefined {
  return sectorProfiles.find((profile) => profile.sectorBytes === sectorBytes);
}

/** The row of a padded size. Throws proofs/unknown-sector-size. */
export function sectorProfile(sectorBytes: number): SectorProfile {
  const profile = findSectorProfile(sectorBytes);
  if (profile === undefined) {
    throw proofsErrors.unknownSectorSize({
      sectorBytes,
      known: sectorProfiles.map((known) => known.sectorBytes),
    });
  }
  return profile;
}
