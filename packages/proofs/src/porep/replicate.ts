/**
 * Sealing and its inverse. Sealing encodes the data layer by layer, forward and reversed in turns, and builds a
 * Poseidon tree over every layer's output; extracting decodes the layers from the last to the first, each in its own
 * direction, so any number of layers extracts.
 *
 * Memory: two layers and the rows of two trees, whatever the number of layers, and parents if there is some to spare.
 * While a layer is encoded into one buffer, the layer before lies in the other: its tree may be hashed meanwhile by
 * other threads, and its bytes are on their way to the store. Invariant: a buffer is written to only when its tree is
 * done and its bytes are written.
 * A store that has layers from an earlier run is read instead: the last of them and the roots of all. That the buffer
 * of a layer is free again is also the moment at which the store hears that it has that layer.
 */
import { equalBytes, toHex } from "@holdfast/base";
import { proofsErrors } from "../errors.ts";
import { graphOf, KeptParents, layerDirection, type ZigzagGraph } from "../graph/index.ts";
import { layerKernel, type ZigzagLayer } from "../layers/index.ts";
import { allocate, borrow, giveBack } from "../memory/index.ts";
import {
  type Commitment,
  nodeBytes,
  poseidonHasher,
  type RowsPass,
  rowsLength,
  startRows,
} from "../merkle/index.ts";
import type { SectorProfile } from "../profiles.ts";
import { readInto, rootOffset, type SealInput, type SealStore, Writes } from "../seal-io/index.ts";
import { passSteps, type Steps, within } from "../steps/index.ts";
import { commitData } from "./data-tree.ts";
import { checkIdentity, replicaIdOf, type SectorIdentity } from "./identity.ts";
import { zigzagKeysOf } from "./keys.ts";
import { runLayer } from "./layer.ts";
import { commRStarOf, layerOffset, type SealOutcome, storedTrees } from "./sealed.ts";
import { isBelowModulus, wordsOf, wordsPerNode } from "./words.ts";

/** The tree of a layer costs about three times its encoding (measured in TypeScript); for progress only. */
const encodeShare = 0.25;

function checkLength(what: string, bytes: Uint8Array, profile: SectorProfile): void {
  const expected = profile.sectorBytes;
  if (bytes.length !== expected) throw proofsErrors.badLength({ what, length: bytes.length, expected });
}

/** What a sector is bound to, once the commitment of its data is known. May refuse it. */
export type BindSector = (commD: Commitment) => SectorIdentity;

/** An identity that is known beforehand. Throws proofs/bad-length, and when it is asked proofs/comm-d-mismatch. */
export function boundTo(identity: SectorIdentity): BindSector {
  checkIdentity(identity);
  return (commD) => {
    if (equalBytes(commD, identity.commD)) return identity;
    throw proofsErrors.commDMismatch({ expected: toHex(identity.commD), found: toHex(commD) });
  };
}

/** One layer's tree: its pass, its rows and where they go. */
interface LayerTree {
  readonly pass: RowsPass;
  readonly rows: Uint8Array;
  readonly offset: number;
}

class ZigzagSeal {
  readonly #profile: SectorProfile;
  readonly #store: SealStore;
  readonly #writes: Writes;
  readonly #layers: readonly [Uint8Array, Uint8Array];
  readonly #rows: readonly [Uint8Array, Uint8Array];
  readonly #roots: Uint8Array[] = [];
  /** Layers whose encoding is done, and whose trees are. */
  #encoded = 0;
  #hashed = 0;

  constructor(profile: SectorProfile, store: SealStore) {
    this.#profile = profile;
    this.#store = store;
    this.#writes = new Writes(store);
    const rowBytes = rowsLength(poseidonHasher, profile.nodes);
    this.#layers = [borrow(profile.sectorBytes), borrow(profile.sectorBytes)];
    this.#rows = [borrow(rowBytes), borrow(rowBytes)];
  }

  *run(bind: BindSector, input: SealInput): Steps<SealOutcome> {
    const { layers } = this.#profile;
    const done = Math.min(this.#store.doneLayers ?? 0, layers);
    const commD = done === 0 ? yield* this.#commit(input) : yield* this.#takeUp(done);
    const identity = bind(commD);
    const replicaId = replicaIdOf(this.#profile, identity);
    const graph = graphOf(identity.networkId, this.#profile);
    const kept = new KeptParents(graph, layers);
    let tree: LayerTree | undefined;
    try {
      for (let layer = done + 1; layer <= layers; layer += 1) {
        yield* this.#encode(graph, replicaId, layer, kept);
        if (tree !== undefined) yield* this.#finish(tree);
        tree = yield* this.#startTree(layer);
      }
      if (tree !== undefined) yield* this.#finish(tree);
    } finally {
      tree?.pass.stop();
    }
    yield* this.#writes.settleAll();
    giveBack(...this.#layers, ...this.#rows);
    yield 1;
    const commRStar = commRStarOf(replicaId, this.#roots);
    return { commD, commR: this.#roots.at(-1) as Uint8Array, commRStar };
  }

  *#commit(input: SealInput): Steps<Commitment> {
    const [data, rows] = this.#layers;
    // Reading and SHA-256 take so little of the whole that they count as none of it.
    return yield* within(commitData(input, { data, rows, writes: this.#writes }), 0, 0);
  }

  /** Goes on after layers that the store has; the commitment of the data. */
  *#takeUp(layers: number): Steps<Commitment> {
    const trees = storedTrees(this.#profile);
    const rootOf = function* (store: SealStore, offset: number): Steps<Uint8Array> {
      const root = new Uint8Array(nodeBytes);
      yield* readInto(store, offset, root);
      return root;
    };
    yield* readInto(this.#store, layerOffset(this.#profile, layers), this.#bufferOf(layers));
    for (const tree of trees.layers.slice(0, layers)) {
      this.#roots.push(yield* rootOf(this.#store, rootOffset(tree)));
    }
    this.#encoded = layers;
    this.#hashed = layers;
    return yield* rootOf(this.#store, rootOffset(trees.data));
  }

  #share(): number {
    return (this.#encoded * encodeShare + this.#hashed * (1 - encodeShare)) / this.#profile.layers;
  }

  /** The buffer of a layer's output; layer 0 is the data. */
  #bufferOf(layer: number): Uint8Array {
    return this.#layers[layer % 2] as Uint8Array;
  }

  *#encode(graph: ZigzagGraph, replicaId: Uint8Array, number: number, kept: KeptParents): Steps<void> {
    const bytes = this.#bufferOf(number);
    yield* this.#writes.settle(bytes);
    yield* this.#tellReached(number - 2);
    bytes.set(this.#bufferOf(number - 1));
    const keyDerivation = zigzagKeysOf(this.#profile);
    const layer = { bytes, replicaId, number, keyDerivation, mode: "encode" } as const;
    for (const nodes of runLayer(graph, layer, kept)) {
      this.#encoded = number - 1 + nodes / this.#profile.nodes;
      yield this.#share();
    }
  }

  /** The layer whose buffer is free again, if there is one and this run has made it. */
  *#tellReached(layer: number): Steps<void> {
    if (layer <= (this.#store.doneLayers ?? 0)) return;
    yield* this.#writes.settle(this.#rows[layer % 2] as Uint8Array);
    this.#store.reached?.(layer);
  }

  *#startTree(layer: number): Steps<LayerTree> {
    const leaves = this.#bufferOf(layer);
    const rows = this.#rows[layer % 2] as Uint8Array;
    const offset = layerOffset(this.#profile, layer);
    yield* this.#writes.settle(rows);
    const pass = startRows(poseidonHasher, leaves, rows);
    this.#writes.start(offset, leaves);
    return { pass, rows, offset: offset + leaves.length };
  }

  *#finish({ pass, rows, offset }: LayerTree): Steps<void> {
    const before = this.#roots.length;
    do {
      this.#hashed = before + pass.doneRatio;
      yield this.#share();
    } while (pass.advance());
    pass.finish();
    this.#hashed = before + 1;
    this.#roots.push(rows.slice(rows.length - nodeBytes));
    this.#writes.start(offset, rows);
  }
}

/**
 * Seals the padded data that `input` gives, and writes `aux` to the store. Throws proofs/not-padded, what `bind`
 * throws, the errors of input and store.
 */
export function* sealZigzagSteps(
  profile: SectorProfile,
  bind: BindSector,
  input: SealInput,
  store: SealStore,
): Steps<SealOutcome> {
  return yield* new ZigzagSeal(profile, store).run(bind, input);
}

/** Decodes a layer by several threads into `into`; undefined if this host has none for it. */
function startDecode(
  graph: ZigzagGraph,
  layer: ZigzagLayer,
  kept: KeptParents,
  into: () => Uint8Array,
): SharedDecode | undefined {
  const { startZigzagDecode } = layerKernel;
  if (startZigzagDecode === undefined) return undefined;
  const bytes = into();
  const direction = layerDirection(layer.number);
  const room = kept.roomOf(direction);
  const decoded = { ...layer, bytes, source: layer.bytes };
  const pass = startZigzagDecode({
    ...{ graph: graph.parts(), reversed: direction === "reversed", layer: decoded },
    ...(room === undefined ? {} : { kept: room }),
  });
  return pass && { pass, bytes };
}

interface SharedDecode {
  readonly pass: RowsPass;
  readonly bytes: Uint8Array;
}

/** One layer of a replica; the bytes where it is decoded, which are those that it was given or others. */
function* decodeLayer(
  graph: ZigzagGraph,
  layer: ZigzagLayer,
  kept: KeptParents,
  into: () => Uint8Array,
): Steps<Uint8Array> {
  const shared = startDecode(graph, layer, kept, into);
  if (shared !== undefined) {
    yield* passSteps(shared.pass);
    return shared.bytes;
  }
  for (const done of runLayer(graph, layer, kept)) yield done / graph.nodes;
  return layer.bytes;
}

/**
 * The padded data of a replica. Whether it is the data that was sealed shows its commitment: commD of the
 * identity. Memory: one sector, or two (and for a moment three) where several threads decode, from one into the
 * other, and parents if there is some to spare. Throws proofs/bad-length, proofs/not-a-replica.
 */
export function* extractSteps(
  profile: SectorProfile,
  identity: SectorIdentity,
  replica: Uint8Array,
): Steps<Uint8Array> {
  checkLength("the replica", replica, profile);
  const graph = graphOf(identity.networkId, profile);
  const keyDerivation = zigzagKeysOf(profile);
  const replicaId = replicaIdOf(profile, identity);
  let data = allocate(replica.length);
  data.set(replica);
  let spare: Uint8Array | undefined;
  const kept = new KeptParents(graph, profile.layers);
  const words = wordsOf(data);
  for (let node = 0; node < profile.nodes; node += 1) {
    if (!isBelowModulus(words, node * wordsPerNode)) throw proofsErrors.notAReplica({ node });
  }
  for (let layer = profile.layers; layer >= 1; layer -= 1) {
    const encoded = { bytes: data, replicaId, number: layer, keyDerivation, mode: "decode" } as const;
    const room = (): Uint8Array => {
      spare ??= allocate(replica.length);
      return spare;
    };
    const start = (profile.layers - layer) / profile.layers;
    const decoded = yield* within(decodeLayer(graph, encoded, kept, room), start, 1 / profile.layers);
    if (decoded !== data) spare = data;
    data = decoded;
  }
  yield 1;
  // Whoever gets the data may not know what to do with memory that threads share.
  return data.buffer instanceof ArrayBuffer ? data : data.slice();
}
