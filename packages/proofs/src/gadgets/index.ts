/** Gadgets: parts of circuits, each equal to a native function of the other rooms. */
export {
  and,
  type Bit,
  constantBit,
  enforceChosen,
  multiply,
  newBit,
  newBits,
  not,
  oneBit,
  pack,
  packedBits,
  select,
  selectBit,
  toBits,
  toCanonicalBits,
  uniqueBits,
  xor,
  zeroBit,
} from "./bits.ts";
export { blake2sGadget } from "./blake2s.ts";
export { indexBits, merkleRootGadget } from "./merkle.ts";
export { poseidonGadget } from "./poseidon.ts";
export { sha254Gadget, sha256Compression, sha256Gadget } from "./sha256.ts";
export {
  type Addend,
  addendOf,
  addWords,
  bytesOfWords,
  constantAddend,
  constantWord,
  rotateRight,
  SumEquations,
  shiftRight,
  type Word,
  withSums,
  wordBits,
  wordsOfBytes,
  xorWords,
} from "./words.ts";
