/**
 * Answering: from a tree that is at hand, or from the data alone in one pass, during which the few nodes of the
 * opening are picked up as they are hashed. State of the pass: a batch of 64 KiB, one node per level, the proof.
 */
import { equalBytes, toHex } from "@holdfast/base";
import { type MerkleTree, nodeBytes, sha254Hasher } from "../merkle/index.ts";
import { openingNodes, openLeaves } from "../openings/index.ts";
import { CommPStream, zeroNode } from "../piece/index.ts";
import { type PorRequest, porChallenges, requestFlaw, treeLeaves } from "./challenges.ts";
import { porErrors } from "./errors.ts";

function checked(request: PorRequest): PorRequest {
  const flaw = requestFlaw(request);
  if (flaw !== undefined) throw porErrors.badRequest(flaw);
  return request;
}

function checkRoot(expected: Uint8Array, found: Uint8Array): void {
  if (equalBytes(expected, found)) return;
  throw porErrors.otherData({ expected: toHex(expected), found: toHex(found) });
}

/**
 * The answer from the piece's whole tree (sha2-256-trunc254 over the padded bytes).
 * Throws por/bad-request, por/other-data.
 */
export function provePor(request: PorRequest, tree: MerkleTree): Uint8Array {
  const leaves = porChallenges(checked(request));
  checkRoot(request.commitment, tree.root);
  const found = tree.leafCount;
  const expected = treeLeaves(request);
  if (found !== expected) {
    throw porErrors.badRequest({ what: "a tree with leaves", found, allowed: String(expected) });
  }
  return openLeaves(tree, leaves);
}

/** Nodes that are still to come at one height, by index, with their places in the proof. */
interface Wanted {
  readonly indices: readonly number[];
  readonly places: readonly number[];
  next: number;
}

/** The answer from a stream of the user bytes: `write` all of them, then `finish` once. */
export class PorStream {
  readonly #request: PorRequest;
  readonly #stream: CommPStream;
  readonly #wanted = new Map<number, Wanted>();
  readonly #proof: Uint8Array;

  /** Throws por/bad-request. */
  constructor(request: PorRequest) {
    this.#request = checked(request);
    const nodes = openingNodes(sha254Hasher, treeLeaves(request), porChallenges(request));
    this.#proof = new Uint8Array(nodes.length * nodeBytes);
    const byLevel = Map.groupBy(
      nodes.map((node, place) => ({ ...node, place })),
      ({ level }) => level,
    );
    for (const [level, unsorted] of byLevel) {
      const sorted = unsorted.toSorted((a, b) => a.index - b.index);
      const indices = sorted.map(({ index }) => index);
      this.#wanted.set(level, { indices, places: sorted.map(({ place }) => place), next: 0 });
      // What the stream never shows lies in the zero fill.
      for (const { place } of sorted) this.#proof.set(zeroNode(level), place * nodeBytes);
    }
    this.#stream = new CommPStream((height, first, row) => this.#collect(height, first, row));
  }

  write(user: Uint8Array): void {
    this.#stream.write(user);
  }

  /** Writes this many zero bytes (holes of sparse files) without hashing them. */
  writeZeros(userBytes: number): void {
    this.#stream.writeZeros(userBytes);
  }

  /** The proof. Throws por/bad-request (another number of bytes came), por/other-data, pieces/empty. */
  finish(): Uint8Array {
    const { userBytes, commitment } = this.#request;
    const found = this.#stream.userBytes;
    if (found !== userBytes) {
      throw porErrors.badRequest({ what: "a size in bytes of", found, allowed: String(userBytes) });
    }
    checkRoot(commitment, this.#stream.finish().commitment);
    return this.#proof;
  }

  #collect(height: number, first: number, row: Uint8Array): void {
    const wanted = this.#wanted.get(height);
    if (wanted === undefined) return;
    const end = first + row.length / nodeBytes;
    for (; wanted.next < wanted.indices.length; wanted.next += 1) {
      const index = wanted.indices[wanted.next] as number;
      if (index >= end) return;
      if (index < first) continue; // it lay in folded zeros
      const at = (index - first) * nodeBytes;
      this.#proof.set(row.subarray(at, at + nodeBytes), (wanted.places[wanted.next] as number) * nodeBytes);
    }
  }
}

/** Opens the data anew at each call, from its first byte. */
export type DataSource = () => AsyncIterable<Uint8Array>;

/**
 * Commitment and answer in two passes over the data: the first one gives commP, on which the challenges depend,
 * the second one the opening. Whoever keeps commP beside the data needs the second pass alone (`PorStream`).
 * Throws por/bad-request, pieces/empty; por/other-data if the passes saw different bytes.
 */
export async function provePorOfData(
  open: DataSource,
  request: Omit<PorRequest, "commitment" | "userBytes">,
): Promise<{ commitment: Uint8Array; userBytes: number; proof: Uint8Array }> {
  const first = new CommPStream();
  for await (const chunk of open()) first.write(chunk);
  const { userBytes } = first;
  const { commitment } = first.finish();
  const second = new PorStream({ ...request, commitment, userBytes });
  for await (const chunk of open()) second.write(chunk);
  return { commitment, userBytes, proof: second.finish() };
}
