/**
 * hashtree for the pairs of SHA-256 trees, alone: what a piece commitment needs, and nothing that would make its
 * computation start later.
 */
import { equalBytes } from "@holdfast/base";
import { installTreeKernel, plainTreeKernel } from "@holdfast/proofs/piece";

/** hashtree (SHA-NI or AVX2) for the pairs of SHA-256 trees: 24 M/s where TypeScript makes 2 M/s. */
export async function installTreeHashing(): Promise<"native" | "reference"> {
  try {
    const { hashInto } = await import("@chainsafe/hashtree");
    const sha256WholePairs = (row: Uint8Array, room?: Uint8Array): Uint8Array => {
      const parents = room ?? new Uint8Array(row.length / 2);
      hashInto(row, parents);
      return parents;
    };
    const sha256Pairs = (row: Uint8Array, room?: Uint8Array): Uint8Array => {
      const parents = sha256WholePairs(row, room);
      for (let last = 31; last < parents.length; last += 32) parents[last] = (parents[last] ?? 0) & 0x3f;
      return parents;
    };
    const sample = Uint8Array.from({ length: 256 }, (_, index) => (index * 7 + 1) & 0xff);
    const plain = plainTreeKernel;
    if (
      equalBytes(sha256Pairs(sample), plain.sha256Pairs(sample)) &&
      equalBytes(sha256WholePairs(sample), plain.sha256WholePairs(sample))
    ) {
      installTreeKernel({ sha256Pairs, sha256WholePairs });
      return "native";
    }
  } catch {
    // No prebuilt binary for this platform: the reference does the work.
  }
  return "reference";
}
