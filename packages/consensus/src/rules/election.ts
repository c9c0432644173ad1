/**
 * Who may make a block at a height, and which chain weighs more: Expected Consensus (Filecoin, 2018) with
 * unique BLS signatures as lottery tickets. The probability of winning an epoch is the miner's share of the
 * power, whatever the miner tries.
 */
import type { Address, Epoch } from "@holdfast/base";
import {
  addressBytes,
  bigEndian,
  blake2b256,
  compareBytes,
  concatBytes,
  readBigEndian,
  utf8Bytes,
} from "@holdfast/base";
import type { Tipset } from "../types/tipset.ts";
import { randomnessFromTicket } from "./randomness.ts";

const ticketDomain = utf8Bytes("holdfast ticket\n");
const electionDomain = utf8Bytes("holdfast election\n");
const winningPostDomain = utf8Bytes("holdfast winning post\n");

/** What the worker's BLS key signs to draw the block's ticket. */
export function ticketInput(parentMinTicket: Uint8Array, height: Epoch, miner: Address): Uint8Array {
  return concatBytes(ticketDomain, addressBytes(miner), parentMinTicket, bigEndian(height, 8));
}

/** What the worker's BLS key signs to take part in the election of a height. */
export function electionInput(parentMinTicket: Uint8Array, height: Epoch, miner: Address): Uint8Array {
  const entropy = addressBytes(miner);
  const randomness = randomnessFromTicket(parentMinTicket, "election", height, entropy);
  return concatBytes(electionDomain, randomness, bigEndian(height, 8), entropy);
}

/** True if a draw wins: hash(electionProof) / 2^256 < power / total, exactly. Power 0 never wins. */
export function isWinner(electionProof: Uint8Array, minerPower: bigint, totalPower: bigint): boolean {
  return readBigEndian(blake2b256(electionProof)) * totalPower < minerPower << 256n;
}

/** Seed (32 bytes) of the winning PoSt: known to nobody before the election proof is drawn. */
export function winningPostSeed(electionProof: Uint8Array): Uint8Array {
  return blake2b256(concatBytes(winningPostDomain, electionProof));
}

/**
 * The sector that a winner proves, of its provable sectors in ascending order of their numbers. As likely as its size:
 * by their number alone, many small sectors would win with the power of a large one that is lost.
 */
export function winningSector<S extends { readonly sectorBytes: number }>(
  electionProof: Uint8Array,
  sectors: readonly S[],
): S | undefined {
  const unit = sectors.reduce((divisor, { sectorBytes }) => commonDivisor(divisor, sectorBytes), 0);
  if (unit === 0) return undefined;
  const all = sectors.reduce((sum, { sectorBytes }) => sum + BigInt(sectorBytes / unit), 0n);
  let drawn = readBigEndian(winningPostSeed(electionProof)) % all;
  return sectors.find(({ sectorBytes }) => {
    const share = BigInt(sectorBytes / unit);
    drawn -= share;
    return drawn < 0n;
  });
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

/** Power of the miners in one state (bytes). */
export interface PowerTable {
  readonly total: bigint;
  powerOf(miner: Address): bigint;
}

/** Weights are fixed point with three decimals. */
export const weightScale = 1_000n;
/** "ECV": a block counts 10 whatever its miner's power. */
const blockWeight = 10n * weightScale;
/** "ECPrM": the whole power counts 100. */
const powerWeight = 100n * weightScale;

/**
 * Weight of a tipset (×1000): its parent's weight once, and for each block 10 + 100 · power / total with
 * the power in the state on which the tipset was mined, i.e. its parent state. The genesis weighs 0.
 */
export function tipsetWeight(
  tipset: Pick<Tipset, "height" | "parentWeight" | "blocks">,
  power: PowerTable,
): bigint {
  if (tipset.height === 0) return 0n;
  let weight = tipset.parentWeight;
  for (const { miner } of tipset.blocks) {
    const share = power.total === 0n ? 0n : (powerWeight * power.powerOf(miner)) / power.total;
    weight += blockWeight + share;
  }
  return weight;
}

export interface WeighedTipset {
  readonly tipset: Pick<Tipset, "minTicket" | "cids">;
  readonly weight: bigint;
}

/**
 * Positive if `a` is the better head: more weight, then the smaller min-ticket, then the CIDs one by one
 * (smaller first), then more blocks. 0 only for the same tipset: a total order.
 */
export function compareTipsets(a: WeighedTipset, b: WeighedTipset): number {
  if (a.weight !== b.weight) return a.weight > b.weight ? 1 : -1;
  const byTicket = compareBytes(b.tipset.minTicket, a.tipset.minTicket);
  if (byTicket !== 0) return byTicket;
  const shared = Math.min(a.tipset.cids.length, b.tipset.cids.length);
  for (let i = 0; i < shared; i++) {
    const [left, right] = [a.tipset.cids[i], b.tipset.cids[i]];
    if (left === undefined || right === undefined) break;
    const byCid = compareBytes(right.bytes, left.bytes);
    if (byCid !== 0) return byCid;
  }
  return a.tipset.cids.length - b.tipset.cids.length;
}
