/**
 * The depth-robust base graph of SDR: the direct predecessor and five parents by DRSample, whose metagraph
 * has five nodes for each node. A bucket is drawn first, then a distance from it, so that short edges are as
 * likely as long ones. Draws are plain remainders of 64-bit words of ChaCha8, and a parent that would be the
 * node itself becomes its predecessor, so parents repeat: that is Filecoin's graph, kept to the letter.
 * Source: Filecoin specs, SDR, DRSample; Alwen, Blocki and Harsha 2017.
 */
import { concatBytes, sha256, utf8Bytes } from "@holdfast/base";
import { chachaBlock } from "../graph/index.ts";

/** Parents in the base graph: the predecessor and the sampled ones. */
export const sdrBaseDegree = 6;
const sampled = sdrBaseDegree - 1;
const seedBytes = 28;
const wordsPerBlock = 16;
const chacha8DoubleRounds = 4;
/** "expand 32-byte k". */
const constants = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];
const nodeWord = 11;
const counterWord = 12;
const twoTo32 = 0x1_0000_0000;
/** Below it, (high mod n) · 2^32 + low is exact in a double. */
const maxExactModulus = 2 ** 21;

/** Draws the base parents of nodes of one graph; `porepId` has 32 bytes. */
export class DrSample {
  readonly #state = new Int32Array(wordsPerBlock);
  /** 28 bytes. */
  readonly seed: Uint8Array;
  readonly #block = new Uint32Array(wordsPerBlock);
  #used = wordsPerBlock;

  constructor(porepId: Uint8Array) {
    this.seed = sha256(concatBytes(utf8Bytes("Filecoin_DRSample"), porepId)).subarray(0, seedBytes);
    const view = new DataView(this.seed.buffer, this.seed.byteOffset, this.seed.length);
    this.#state.set(constants);
    for (let i = 0; i < seedBytes / 4; i += 1) this.#state[4 + i] = view.getInt32(i * 4, true);
  }

  /** Writes the six parents of `node` to `into`, the predecessor at 0 or, in the legacy order, at 5. */
  parentsInto(node: number, into: Uint32Array, predecessorFirst: boolean): void {
    if (node < 2) {
      into.fill(0, 0, sdrBaseDegree);
      return;
    }
    this.#state[nodeWord] = node;
    this.#state[counterWord] = 0;
    this.#used = wordsPerBlock;
    const metaNode = node * sampled;
    const buckets = Math.ceil(Math.log2(metaNode));
    const first = predecessorFirst ? 1 : 0;
    for (let k = 0; k < sampled; k += 1) {
      const bucket = this.#remainder(buckets) + 1;
      const farthest = Math.min(metaNode, 2 ** bucket);
      const nearest = Math.max(2, Math.floor(farthest / 2));
      const distance = nearest + this.#remainder(farthest - nearest + 1);
      const parent = Math.floor((metaNode - distance) / sampled);
      into[first + k] = parent === node ? node - 1 : parent;
    }
    into[predecessorFirst ? 0 : sampled] = node - 1;
  }

  /** The next 64-bit word, its low half first, modulo `modulus`. */
  #remainder(modulus: number): number {
    const low = this.#word();
    const high = this.#word();
    if (modulus <= maxExactModulus) return ((high % modulus) * twoTo32 + low) % modulus;
    return Number(((BigInt(high) << 32n) | BigInt(low)) % BigInt(modulus));
  }

  #word(): number {
    if (this.#used === wordsPerBlock) {
      chachaBlock(this.#state, this.#block, chacha8DoubleRounds);
      this.#state[counterWord] = (this.#state[counterWord] as number) + 1;
      this.#used = 0;
    }
    const word = this.#block[this.#used] as number;
    this.#used += 1;
    return word;
  }
}
