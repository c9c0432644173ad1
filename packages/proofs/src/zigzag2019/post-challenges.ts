/**
 * The challenge stream of the era's proof of spacetime, bugs included: it is what makes its numbers, and our
 * own proofs of spacetime draw theirs elsewhere and otherwise.
 * One partial challenge serves an epoch: minus the mix, cut into pieces of as many bits as a leaf index has.
 * The pieces are read from the top, so the first one is what is left over of 256 bits (and small). When the
 * pieces do not suffice the same ones come again. Every challenge goes to sector 0.
 * Source: rust-fil-proofs of May 2019 (vdf_post).
 */
import { concatBytes, littleEndian } from "@holdfast/base";
import { frFromBytes, frReduce, frToBytes } from "../field/index.ts";
import { exactLog2 } from "../merkle/index.ts";
import { checkLength, checkNumber } from "./errors.ts";
import { pedersenMd } from "./pedersen.ts";
import { checkEraSectorSize } from "./seal.ts";
import { eraNodeBytes } from "./tree.ts";

export interface EraPostParams {
  readonly sectorBytes: number;
  /** Challenges of each epoch. */
  readonly challengeCount: number;
  readonly epochs: number;
  /** Sectors of one proof. */
  readonly sectorsCount: number;
  /** Of the delay function. */
  readonly slothKey: bigint;
  readonly slothRounds: number;
}

/** The parameters of its API for sectors of a size. Throws zigzag2019/bad-sector-size. */
export function eraPostParams(sectorBytes: number): EraPostParams {
  checkEraSectorSize(sectorBytes);
  return { sectorBytes, challengeCount: 30, epochs: 3, sectorsCount: 2, slothKey: 12345n, slothRounds: 1 };
}

const seedBits = 255;
const mixedBits = 256;
/** Bits that make every 32 bytes an element, as the API of the era cleared them in the seed. */
const topByteMask = 0x3f;

/** The seed as the API took it: its two top bits cleared. Throws zigzag2019/bad-length. */
export function eraPostSeed(seed: Uint8Array): Uint8Array {
  checkLength("the challenge seed", seed, eraNodeBytes);
  const safe = seed.slice();
  safe[eraNodeBytes - 1] = (safe[eraNodeBytes - 1] as number) & topByteMask;
  return safe;
}

/** How many partial challenges a stream derives from its seed; a proof consumes one for each epoch. */
export function eraPartialCount(params: EraPostParams): number {
  const pieces = Math.floor(seedBits / challengeBits(params));
  const wanted = Math.fround(params.epochs * params.challengeCount);
  return params.epochs * Math.ceil(Math.fround(wanted / Math.fround(pieces)));
}

/** Partial challenge number `index` of a seed. Throws zigzag2019/bad-length. */
export function eraPartialChallenge(seed: Uint8Array, index: number): Uint8Array {
  checkLength("the challenge seed", seed, eraNodeBytes);
  return pedersenMd(concatBytes(seed, littleEndian(index, 4), new Uint8Array(eraNodeBytes - 4)));
}

function challengeBits({ sectorBytes }: EraPostParams): number {
  checkEraSectorSize(sectorBytes);
  return exactLog2(sectorBytes / eraNodeBytes) ?? 1;
}

/** All pieces of one partial challenge under a mix, the top of the 256 bits first. */
function piecesOf(partial: Uint8Array, mix: Uint8Array, bits: number): number[] {
  const mixed = frReduce(frFromBytes(partial) - frFromBytes(mix));
  const pieces: number[] = [];
  for (let bit = 0; bit < mixedBits; bit += bits) {
    pieces.push(Number(BigInt.asUintN(bits, mixed >> BigInt(bit))));
  }
  return pieces.reverse();
}

/** The challenges of one proof, epoch by epoch. */
export class EraPostStream {
  readonly #params: EraPostParams;
  #seed: Uint8Array | undefined;
  #epoch = 0;

  /** Throws zigzag2019/bad-sector-size, zigzag2019/bad-number. */
  constructor(params: EraPostParams) {
    checkNumber("the number of challenges", params.challengeCount, 2, 100_000);
    checkNumber("the number of epochs", params.epochs, 1, 1000);
    checkNumber("the number of sectors", params.sectorsCount, 1, 100_000);
    checkNumber("the number of sloth rounds", params.slothRounds, 0, 1000);
    challengeBits(params);
    this.#params = params;
  }

  /**
   * The challenged leaves of the next epoch. `mix` is the seed in the first, then what the delay function gave;
   * the first mix is also what all partial challenges come from. `undefined` when they are used up.
   * Throws field/bad-length, field/not-canonical for a mix that is no element.
   */
  next(
    mix: Uint8Array,
  ): { readonly leaves: readonly number[]; readonly sectors: readonly number[] } | undefined {
    this.#seed ??= frToBytes(frFromBytes(mix));
    if (this.#epoch === eraPartialCount(this.#params)) return undefined;
    const { challengeCount } = this.#params;
    const pieces = piecesOf(eraPartialChallenge(this.#seed, this.#epoch), mix, challengeBits(this.#params));
    this.#epoch += 1;
    const leaves = Array.from({ length: challengeCount }, (_none, i) => pieces[i % pieces.length] as number);
    return { leaves, sectors: new Array<number>(challengeCount).fill(0) };
  }
}
