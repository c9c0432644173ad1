/**
 * ZigZag's key by BLAKE2s, as the key deriver over bytes makes it: 480 bytes, of which the circuit knows the
 * replica id, the header's numbers and the parents' values as bits. Every number is decomposed uniquely (a
 * parent's value below r), and the hash's own bits are the key, so no freedom is left in between.
 */
import { utf8Bytes } from "@holdfast/base";
import {
  type Bit,
  blake2sGadget,
  constantBit,
  pack,
  toBits,
  toCanonicalBits,
  uniqueBits,
  zeroBit,
} from "../gadgets/index.ts";
import type { ConstraintSystem, Linear } from "../r1cs/index.ts";

const nodeBits = 256;
/** Bits of the header's numbers: layer · 2^48 + node · 2^8 + number of parents. */
const countBits = 8;
const indexBits = 40;
const layerBits = 32;

const padded = (bits: readonly Bit[], length: number): Bit[] => [
  ...bits,
  ...new Array<Bit>(length - bits.length).fill(zeroBit),
];

const tag: readonly Bit[] = [...utf8Bytes("holdfast zigzag1")].flatMap((byte) =>
  Array.from({ length: 8 }, (_none, i) => constantBit(((byte >> i) & 1) === 1)),
);

/** The key of the 13 slots' values; replica ids from 2^254 on are refused. */
export function blake2sKey(
  cs: ConstraintSystem,
  replicaId: Linear,
  header: Linear,
  slots: readonly Linear[],
): Linear {
  const numbers = toBits(cs, header, countBits + indexBits + layerBits);
  const count = numbers.slice(0, countBits);
  const node = numbers.slice(countBits, countBits + indexBits);
  const layer = numbers.slice(countBits + indexBits);
  const message = [
    ...padded(toBits(cs, replicaId, uniqueBits), nodeBits),
    ...tag,
    ...layer,
    ...padded(count, 32),
    ...padded(node, 64),
    ...slots.flatMap((slot) => padded(toCanonicalBits(cs, slot), nodeBits)),
  ];
  return pack(blake2sGadget(cs, message).slice(0, uniqueBits));
}
