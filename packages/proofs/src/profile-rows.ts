/**
 * The rows of the sector table, as data. What each number is worth is said in its note and, at length, in
 * docs/PROOFS.md; where it comes from, in profiles.ts.
 */

export interface ProfileRow {
  readonly id: string;
  readonly kind: "zigzag" | "sdr";
  readonly keyDerivation: "blake2s" | "poseidon" | "sha256";
  readonly sectorBytes: number;
  readonly sealChallenges: readonly number[];
  /** SDR only: zigzag has one entry of challenges for each layer. */
  readonly sdrLayers?: number;
  readonly windowChallenges: number;
  readonly winningChallenges: number;
  readonly challengesPerProof: number;
  readonly sectorsPerProof: number;
  readonly note: string;
  readonly productionSafe: boolean;
}

const KiB = 1024;
const MiB = 1024 * KiB;

const devnetNote =
  "For devnets and tests: so few nodes are sealed again in less time than a proof window lasts, so " +
  "answering a challenge does not show that the replica was stored; and four or five layers with few " +
  "challenges let a prover get away with a tenth of the last layer wrong in about every second attempt.";

const snarkDevnetNote =
  "For devnets and tests of the succinct form: one or two challenges in each layer, so that a shared " +
  "two-core machine makes the proofs in a minute. A tenth of a layer wrong passes most of the time, and " +
  "the sector is sealed again within a second.";

const zigzagRow = (
  name: string,
  sectorBytes: number,
  sealChallenges: readonly number[],
  windowChallenges: number,
  winningChallenges: number,
  given: Partial<ProfileRow> = {},
): ProfileRow => ({
  id: `zigzag-${name}`,
  kind: "zigzag",
  keyDerivation: "blake2s",
  sectorBytes,
  sealChallenges,
  windowChallenges,
  winningChallenges,
  challengesPerProof: 1,
  sectorsPerProof: 1,
  note: devnetNote,
  productionSafe: false,
  ...given,
});

const poseidonRow = (
  name: string,
  sectorBytes: number,
  sealChallenges: readonly number[],
  given: Partial<ProfileRow> = {},
): ProfileRow =>
  zigzagRow(`poseidon-${name}`, sectorBytes, sealChallenges, 2, 4, {
    keyDerivation: "poseidon",
    sectorsPerProof: 2,
    note: snarkDevnetNote,
    ...given,
  });

const sdrRow = (
  name: string,
  sectorBytes: number,
  sdrLayers: number,
  challenges: number,
  given: Partial<ProfileRow> = {},
): ProfileRow => ({
  id: `sdr-${name}`,
  kind: "sdr",
  keyDerivation: "sha256",
  sectorBytes,
  sealChallenges: [challenges],
  sdrLayers,
  windowChallenges: 4,
  winningChallenges: 8,
  challengesPerProof: 1,
  sectorsPerProof: 2,
  note: `${devnetNote} Two layers are Filecoin's own number for test sizes.`,
  productionSafe: false,
  ...given,
});

const zigzagProductionNote =
  "A last layer with 3 % of its nodes wrong passes one of 25,000 attempts ((1 − 0.03)^333), one " +
  "with 2 % one of 800; that earlier layers get fewer challenges is the tapering of rust-fil-proofs, " +
  "taken over without a proof of our own. ";

export const profileRows: readonly ProfileRow[] = [
  zigzagRow("1KiB", KiB, [2, 2, 3, 4], 3, 5),
  zigzagRow("2KiB", 2 * KiB, [2, 2, 3, 4], 3, 5),
  zigzagRow("4KiB", 4 * KiB, [2, 2, 3, 4], 3, 5),
  zigzagRow("16KiB", 16 * KiB, [2, 3, 4, 6], 4, 6),
  zigzagRow("64KiB", 64 * KiB, [3, 4, 6, 9], 4, 8),
  zigzagRow("256KiB", 256 * KiB, [3, 4, 6, 9], 4, 8),
  zigzagRow("1MiB", MiB, [3, 3, 4, 6, 9], 5, 10),
  zigzagRow("8MiB", 8 * MiB, [3, 3, 4, 5, 7, 10], 10, 20, {
    note:
      "For test networks: 2^18 nodes in 6 layers are sealed again in about two seconds of native code, " +
      "so only networks whose proof windows are shorter than that learn that the replica was stored. A " +
      "last layer with a tenth of its nodes wrong passes in one of three attempts; more challenges " +
      "would not fit into one message.",
  }),
  zigzagRow("256MiB", 256 * MiB, [20, 20, 20, 30, 44, 66, 99, 149, 223, 333], 10, 66, {
    note:
      `${zigzagProductionNote}Sealing again takes 84 million dependent hashes, above a ` +
      "minute at one million a second: longer than the 30 s round in which a winning proof must come " +
      "(unless the hardware is several times faster), and dearer per window than the space. A replica " +
      "that lacks a fifth of its nodes is caught in 9 of 10 windows. The vanilla proof has some 8 MB, " +
      "more than a message may carry: a network with such sectors needs a succinct form.",
    productionSafe: true,
  }),
  poseidonRow("2KiB", 2 * KiB, [1, 1, 1, 2]),
  poseidonRow("16KiB", 16 * KiB, [1, 1, 1, 2]),
  poseidonRow("64KiB", 64 * KiB, [1, 1, 2, 3]),
  poseidonRow("256KiB", 256 * KiB, [1, 1, 2, 3]),
  poseidonRow("256MiB", 256 * MiB, [20, 20, 20, 30, 44, 66, 99, 149, 223, 333], {
    windowChallenges: 10,
    winningChallenges: 66,
    challengesPerProof: 5,
    sectorsPerProof: 8,
    note:
      `${zigzagProductionNote}Keys are Poseidon: honest hardware is slow at it, hours for a sector on one ` +
      "core, and an attacker's may be some thirty times faster, which still leaves minutes. Nobody has " +
      "run this row end to end, so it is not called safe.",
    productionSafe: false,
  }),
  sdrRow("2KiB", 2 * KiB, 2, 3),
  sdrRow("16KiB", 16 * KiB, 2, 6),
  sdrRow("256KiB", 256 * KiB, 2, 10),
  sdrRow("8MiB", 8 * MiB, 2, 20, { windowChallenges: 10, winningChallenges: 20 }),
  sdrRow("32GiB", 32 * KiB * MiB, 11, 176, {
    windowChallenges: 10,
    winningChallenges: 66,
    challengesPerProof: 18,
    sectorsPerProof: 2349,
    note:
      "Filecoin's production row: 11 layers, 176 challenges. The vanilla proof has about 4.1 MB; proving " +
      "the SNARK of one partition means 130 million constraints. Here it is a row, not a promise: nothing " +
      "in this program has sealed 32 GiB.",
    productionSafe: false,
  }),
];
