/**
 * From the proof of a commitment the same for fewer positions: the first of those that were drawn, as a profile with
 * fewer challenges draws them. Whoever has the whole proof can show somebody a part of it, without any label beside.
 * Invariant: nothing is invented; what the narrow proof holds stood in the wide one or is hashed from it.
 */
import { assert, concatBytes } from "@holdfast/base";
import { nodeBytes, sha254Hasher } from "../../merkle/index.ts";
import { openingNodes } from "../../openings/index.ts";
import { type CommitStatement, leavesOfColumns, type Plan, planOf, proofBytes, Reader } from "./commit.ts";
import { type IdleProfile, layerNodes, leafBytes } from "./profiles.ts";
import { openedBytes } from "./space.ts";
import { fileLeaves, leavesOf } from "./trees.ts";

/** Every node of a tree that an opening shows or that is hashed from it. */
class KnownNodes {
  readonly #rows: Map<number, Uint8Array>[] = [];
  readonly #leaves: number;

  constructor(leafCount: number, opened: readonly number[], leaves: Uint8Array, siblings: Uint8Array) {
    this.#leaves = leafCount;
    const nodes = openingNodes(sha254Hasher, leafCount, opened);
    const bytes = concatBytes(leaves, siblings);
    for (const [i, { level, index }] of nodes.entries()) {
      this.#row(level).set(index, bytes.subarray(i * nodeBytes, (i + 1) * nodeBytes));
    }
    for (let level = 0; leafCount / 2 ** level > 1; level += 1) this.#climb(level);
  }

  /** What an opening of these leaves has beside them. */
  siblings(leaves: readonly number[]): Uint8Array {
    const nodes = openingNodes(sha254Hasher, this.#leaves, leaves).slice(leaves.length);
    return concatBytes(
      ...nodes.map(({ level, index }) => {
        const node = this.#row(level).get(index);
        assert(node !== undefined, "the wide opening shows what the narrow one needs");
        return node;
      }),
    );
  }

  #row(level: number): Map<number, Uint8Array> {
    this.#rows[level] ??= new Map();
    return this.#rows[level];
  }

  #climb(level: number): void {
    const row = this.#row(level);
    for (const [index, right] of row) {
      const left = index % 2 === 1 ? row.get(index - 1) : undefined;
      if (left === undefined) continue;
      const parent = (index - 1) / 2;
      if (!this.#row(level + 1).has(parent)) {
        this.#row(level + 1).set(parent, sha254Hasher.hashRow(concatBytes(left, right), 2));
      }
    }
  }
}

/** The part of rows of `stride` bytes, one for each of `all`, that belongs to `some` of them. */
function pick(
  bytes: Uint8Array,
  stride: number,
  all: readonly number[],
  some: readonly number[],
): Uint8Array {
  const places = new Map(all.map((one, i) => [one, i]));
  return concatBytes(
    ...some.map((one) => {
      const place = places.get(one);
      assert(place !== undefined, "the wide proof shows what the narrow one does");
      return bytes.subarray(place * stride, (place + 1) * stride);
    }),
  );
}

function narrowColumns(profile: IdleProfile, wide: Plan, narrow: Plan, reader: Reader): Uint8Array {
  const stride = profile.layers * nodeBytes;
  const nodes = layerNodes(profile);
  const columns = reader.take(wide.columns.length * stride);
  const beside = openingNodes(sha254Hasher, nodes, wide.columns).length - wide.columns.length;
  const known = new KnownNodes(
    nodes,
    wide.columns,
    leavesOfColumns(profile, columns),
    reader.take(beside * nodeBytes),
  );
  return concatBytes(pick(columns, stride, wide.columns, narrow.columns), known.siblings(narrow.columns));
}

function narrowFiles(
  profile: IdleProfile,
  wide: Plan["files"],
  narrow: Plan["files"],
  reader: Reader,
): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [file, leaves] of wide) {
    const opened = reader.take(openedBytes(profile, leaves));
    const wanted = narrow.get(file);
    if (wanted === undefined) continue;
    const clear = opened.subarray(0, leaves.length * leafBytes);
    const siblings = opened.subarray(clear.length);
    const known = new KnownNodes(fileLeaves(profile), leaves, leavesOf(clear), siblings);
    parts.push(pick(clear, leafBytes, leaves, wanted), known.siblings(wanted));
  }
  return concatBytes(...parts);
}

/** The proof at the first `positions` of the positions that the statement draws. The whole proof was verified. */
export function narrowCommit(statement: CommitStatement, proof: Uint8Array, positions: number): Uint8Array {
  const { profile } = statement;
  const wide = planOf(statement);
  assert(proof.length === proofBytes(profile, wide), "a proof has the length of its statement");
  const narrow = planOf({ ...statement, profile: { ...profile, commitChallenges: positions } });
  const reader = new Reader(proof);
  return concatBytes(
    narrowColumns(profile, wide, narrow, reader),
    narrowFiles(profile, wide.files, narrow.files, reader),
    narrowFiles(profile, wide.below, narrow.below, reader),
  );
}
