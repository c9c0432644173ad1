/**
 * A part of a sealed sector without decoding all of it. A node of the data needs its own encoding and those of its
 * parents in layer 1; each of these needs the same in layer 2; and so on to the replica. The needed set grows about
 * tenfold with every layer until it is everything, so the layers near the replica are decoded whole and those near
 * the data hardly at all: of L layers' work about one and a third is left for a small range.
 *
 * Invariant: a node is decoded at most once per layer, in place and in the decoding order of the layer, so that the
 * parents it needs are still encoded. Memory: the replica's needed nodes (at most one sector), two bits per node
 * and layer, and one chunk of output.
 * Source: Filecoin specs, ZigZag PoRep; the part of the graph that a value depends on.
 */
import { proofsErrors } from "../errors.ts";
import { unpadUser } from "../fr32/index.ts";
import { graphOf, layerDirection, type ParentTable, type ZigzagGraph } from "../graph/index.ts";
import { layerKernel } from "../layers/index.ts";
import { nodeBytes } from "../merkle/index.ts";
import { type SectorProfile, totalDegree } from "../profiles.ts";
import { runStepsPausing, type SealHooks, type Steps } from "../steps/index.ts";
import { replicaIdOf, type SectorIdentity } from "./identity.ts";
import { nodeKeys, zigzagKeysOf } from "./keys.ts";
import { runLayer } from "./layer.ts";
import { NodeSet } from "./node-set.ts";
import { isBelowModulus, subtractNode, wordsOf, wordsPerNode } from "./words.ts";

/** Reads `length` bytes at `offset` of the sealed file; fewer at its end. */
export type ReplicaReader = (offset: number, length: number) => Promise<Uint8Array>;

/** User bytes of a sector. */
export interface UserRange {
  readonly startUserBytes: number;
  readonly userBytes: number;
}

export interface RangeOptions extends SealHooks {
  /** Awaited now and then, so that the host can let other work run. */
  readonly pause?: () => Promise<void>;
}

/** What an extraction cost; whole extraction reads all nodes and decodes layers · nodes. */
export interface RangeCost {
  /** Nodes of the replica that the range depends on. */
  readonly neededNodes: number;
  /** Nodes that came from the reader, those between needed ones included. */
  readonly readNodes: number;
  readonly reads: number;
  /** Keys that were derived, over all layers. */
  readonly decodedNodes: number;
  /** Layers that were decoded whole. */
  readonly wholeLayers: number;
}

/** With more of a layer needed than this it is decoded whole; kernels do that four to twelve times as fast. */
const wholeShare = (): number => (layerKernel.zigzag === undefined ? 0.85 : 0.2);
/** Nodes between two needed ones that are read with them rather than jumped over. */
const maxGapNodes = 8;
const maxReadBytes = 1 << 20;
const sliceNodes = 2048;
const unitBits = 254;
const blockNodes = 4;
const blockUserBytes = 127;
/** User bytes of one chunk of output: 64 KiB padded. */
const chunkUserBytes = 512 * blockUserBytes;

/** The nodes that hold these user bytes. */
function nodesOf({ startUserBytes, userBytes }: UserRange): { first: number; end: number } {
  const first = Math.floor((startUserBytes * 8) / unitBits);
  if (userBytes === 0) return { first, end: first };
  return { first, end: Math.floor(((startUserBytes + userBytes) * 8 - 1) / unitBits) + 1 };
}

export function checkRange(profile: SectorProfile, { startUserBytes, userBytes }: UserRange): void {
  const whole = [startUserBytes, userBytes].every((one) => Number.isSafeInteger(one) && one >= 0);
  if (whole && startUserBytes + userBytes <= profile.userBytes) return;
  throw proofsErrors.badRange({ startUserBytes, userBytes, capacity: profile.userBytes });
}

/**
 * What is needed: `needed[l]` of the output of layer l, the data being layer 0; layers without a set are needed
 * whole, and so are all layers after them.
 */
interface Plan {
  readonly needed: readonly NodeSet[];
  readonly layers: number;
}

function* planSteps(graph: ZigzagGraph, layers: number, range: UserRange): Steps<Plan> {
  const { first, end } = nodesOf(range);
  const data = new NodeSet(graph.nodes);
  const most = wholeShare() * graph.nodes;
  if (end - first > most) return { needed: [], layers };
  for (let node = first; node < end; node += 1) data.add(node);
  const needed = [data];
  const parents = new Uint32Array(totalDegree);
  for (let layer = 1; layer <= layers; layer += 1) {
    const below = needed[layer - 1] as NodeSet;
    const own = new NodeSet(graph.nodes, below);
    const direction = layerDirection(layer);
    let done = 0;
    for (const node of below.members()) {
      const count = graph.parentsInto(direction, node, parents);
      for (let slot = 0; slot < count; slot += 1) own.add(parents[slot] as number);
      done += 1;
      if (done % sliceNodes === 0) yield 0;
    }
    if (own.size > most) return { needed, layers };
    needed.push(own);
  }
  return { needed, layers };
}

/** Encoded nodes of the replica, and later of the layers below: all of them, or the needed ones side by side. */
class Values {
  readonly words: Uint32Array;
  readonly bytes: Uint8Array;
  readonly #members: NodeSet | undefined;

  constructor(nodes: number, members: NodeSet | undefined) {
    this.#members = members;
    this.bytes = new Uint8Array((members?.size ?? nodes) * nodeBytes);
    this.words = wordsOf(this.bytes);
  }

  get isWhole(): boolean {
    return this.#members === undefined;
  }

  /** Where the words of a node start. */
  at(node: number): number {
    return (this.#members?.position(node) ?? node) * wordsPerNode;
  }
}

/** Keys of single nodes of a layer; with the graph's table only where whole layers need that anyway. */
class NeededKeys {
  readonly #graph: ZigzagGraph;
  readonly #keys: ReturnType<typeof nodeKeys>;
  readonly #layer: number;
  readonly #values: Values;
  readonly #table: ParentTable | undefined;
  readonly #parents = new Uint32Array(totalDegree);

  constructor(
    profile: SectorProfile,
    graph: ZigzagGraph,
    replicaId: Uint8Array,
    layer: number,
    values: Values,
  ) {
    this.#graph = graph;
    this.#layer = layer;
    this.#keys = nodeKeys(profile, replicaId, layer);
    this.#values = values;
    this.#table = values.isWhole ? graph.table(layerDirection(layer)) : undefined;
  }

  /** The key of a node from the encoded values. Overwritten by the next call. */
  keyOf(node: number): Uint32Array {
    const table = this.#table;
    const parents = table?.parents ?? this.#parents;
    const first = table === undefined ? 0 : node * totalDegree;
    const count =
      table === undefined
        ? this.#graph.parentsInto(layerDirection(this.#layer), node, parents)
        : (table.counts[node] as number);
    for (let slot = 0; slot < count; slot += 1) {
      this.#keys.setParent(slot, this.#values.words, this.#values.at(parents[first + slot] as number));
    }
    return this.#keys.derive(node, count);
  }
}

/** One extraction: what is known once, and the counts. */
class RangeExtraction {
  readonly profile: SectorProfile;
  readonly #replicaId: Uint8Array;
  readonly #graph: ZigzagGraph;
  readonly #read: ReplicaReader;
  readonly #options: RangeOptions;
  neededNodes = 0;
  readNodes = 0;
  reads = 0;
  decodedNodes = 0;

  constructor(profile: SectorProfile, identity: SectorIdentity, read: ReplicaReader, options: RangeOptions) {
    this.profile = profile;
    this.#replicaId = replicaIdOf(profile, identity);
    this.#graph = graphOf(identity.networkId, profile);
    this.#read = read;
    this.#options = options;
  }

  plan(range: UserRange): Promise<Plan> {
    return this.#run(planSteps(this.#graph, this.profile.layers, range));
  }

  async #run<Result>(steps: Steps<Result>): Promise<Result> {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      await this.breathe();
    }
  }

  async breathe(): Promise<void> {
    this.#options.cancel?.throwIfAborted();
    await this.#options.pause?.();
  }

  /** The needed values of the replica. */
  async load({ needed, layers }: Plan): Promise<Values> {
    const members = needed[layers];
    this.neededNodes = members?.size ?? this.profile.nodes;
    const values = new Values(this.profile.nodes, members);
    if (members === undefined) await this.#readRun(0, this.profile.nodes, values, undefined);
    else {
      let first = -1;
      let end = -1;
      for (const node of members.members()) {
        const jump = node > end + maxGapNodes || (node + 1 - first) * nodeBytes > maxReadBytes;
        if (first >= 0 && jump) await this.#readRun(first, end, values, members);
        if (first < 0 || jump) first = node;
        end = node + 1;
      }
      if (first >= 0) await this.#readRun(first, end, values, members);
    }
    return values;
  }

  /** Reads the nodes from `first` to before `end`, and keeps the members. */
  async #readRun(first: number, end: number, values: Values, members: NodeSet | undefined): Promise<void> {
    const total = end * nodeBytes;
    for (let at = first * nodeBytes; at < total; ) {
      this.#options.cancel?.throwIfAborted();
      const length = Math.min(maxReadBytes, total - at);
      const bytes = await this.#read(at, length);
      if (bytes.length !== length) {
        const found = at + bytes.length;
        throw proofsErrors.badLength({
          what: "the replica",
          length: found,
          expected: this.profile.sectorBytes,
        });
      }
      this.reads += 1;
      this.readNodes += length / nodeBytes;
      for (let node = at / nodeBytes; node < (at + length) / nodeBytes; node += 1) {
        if (members !== undefined && !members.has(node)) continue;
        const from = node * nodeBytes - at;
        const to = values.at(node);
        values.bytes.set(bytes.subarray(from, from + nodeBytes), to * 4);
        if (!isBelowModulus(values.words, to)) throw proofsErrors.notAReplica({ node });
      }
      at += length;
    }
  }

  /** Decodes in place, as far as needed: all layers but the first one, and that one if it is needed whole. */
  async decode({ needed, layers }: Plan, values: Values, progress: (share: number) => void): Promise<void> {
    const last = needed.length === 0 ? 1 : 2;
    for (let layer = layers; layer >= last; layer -= 1) {
      const targets = needed[layer - 1];
      const steps = targets === undefined ? this.#whole(layer, values) : this.#some(layer, targets, values);
      await this.#run(steps);
      progress((layers + 1 - layer) / layers);
    }
  }

  *#whole(layer: number, values: Values): Steps<void> {
    const { buffer, byteOffset, byteLength } = values.words;
    this.decodedNodes += this.#graph.nodes;
    yield* runLayer(this.#graph, {
      bytes: new Uint8Array(buffer, byteOffset, byteLength),
      replicaId: this.#replicaId,
      number: layer,
      keyDerivation: zigzagKeysOf(this.profile),
      mode: "decode",
    });
  }

  *#some(layer: number, targets: NodeSet, values: Values): Steps<void> {
    const keys = this.keys(layer, values);
    const falling = layerDirection(layer) === "forward";
    let done = 0;
    for (const node of targets.members(falling)) {
      subtractNode(values.words, values.at(node), keys.keyOf(node));
      done += 1;
      if (done % sliceNodes === 0) yield done / targets.size;
    }
    this.decodedNodes += targets.size;
  }

  keys(layer: number, values: Values): NeededKeys {
    return new NeededKeys(this.profile, this.#graph, this.#replicaId, layer, values);
  }

  /** User bytes from the values of layer 1, which stay as they are, by its keys; without keys from the data. */
  output(range: UserRange, values: Values, keys: NeededKeys | undefined): Uint8Array {
    const { first, end } = nodesOf(range);
    const firstBlock = Math.floor(first / blockNodes);
    const padded = new Uint8Array((Math.ceil(end / blockNodes) - firstBlock) * blockNodes * nodeBytes);
    const words = wordsOf(padded);
    for (let node = first; node < end; node += 1) {
      const to = (node - firstBlock * blockNodes) * wordsPerNode;
      const from = values.at(node);
      words.set(values.words.subarray(from, from + wordsPerNode), to);
      if (keys !== undefined) subtractNode(words, to, keys.keyOf(node));
    }
    if (keys !== undefined) this.decodedNodes += end - first;
    const start = range.startUserBytes - firstBlock * blockUserBytes;
    return unpadUser(padded, start + range.userBytes).slice(start);
  }
}

/**
 * The user bytes of a range of a zigzag sector, in chunks; returns what it cost. Whether they are the bytes that
 * were sealed, only their commitment shows. Throws proofs/bad-range, and while it runs proofs/bad-length (the
 * replica is too short), proofs/not-a-replica, fr32/not-padded (it is damaged), the reader's errors and the
 * reason of `cancel`.
 */
export async function* extractRange(
  profile: SectorProfile,
  identity: SectorIdentity,
  range: UserRange,
  read: ReplicaReader,
  options: RangeOptions = {},
): AsyncGenerator<Uint8Array, RangeCost, void> {
  checkRange(profile, range);
  options.cancel?.throwIfAborted();
  const work = new RangeExtraction(profile, identity, read, options);
  let wholeLayers = 0;
  if (range.userBytes > 0) {
    const plan = await work.plan(range);
    wholeLayers = Math.max(0, profile.layers - plan.needed.length);
    const values = await work.load(plan);
    const { progress } = options;
    await work.decode(plan, values, (share) => progress?.(share));
    const keys = plan.needed.length === 0 ? undefined : work.keys(1, values);
    for (const part of chunksOf(range)) {
      await work.breathe();
      yield work.output(part, values, keys);
    }
  }
  options.progress?.(1);
  const { neededNodes, readNodes, reads, decodedNodes } = work;
  return { neededNodes, readNodes, reads, decodedNodes, wholeLayers };
}

/** The range in chunks that end with whole blocks. */
function* chunksOf({ startUserBytes, userBytes }: UserRange): Generator<UserRange, void> {
  const end = startUserBytes + userBytes;
  for (let start = startUserBytes; start < end; ) {
    const chunkEnd = Math.min(end, (Math.floor(start / chunkUserBytes) + 1) * chunkUserBytes);
    yield { startUserBytes: start, userBytes: chunkEnd - start };
    start = chunkEnd;
  }
}

/**
 * The same for kinds that only add something to the data, node by node: `mask` computes all of it (this is what costs),
 * then nodes are read and `unmask` takes it from them. Reads what the range needs; holds what `mask` gives. Throws as
 * `extractRange` does.
 */
export async function* extractMaskedRange(
  profile: SectorProfile,
  range: UserRange,
  read: ReplicaReader,
  { mask, unmask }: MaskedKind,
  options: RangeOptions = {},
): AsyncGenerator<Uint8Array, RangeCost, void> {
  checkRange(profile, range);
  options.cancel?.throwIfAborted();
  const { nodes, layers, sectorBytes } = profile;
  const added = await runStepsPausing(mask(), options, options.pause ?? (() => Promise.resolve()));
  let reads = 0;
  let readNodes = 0;
  for (const part of range.userBytes === 0 ? [] : chunksOf(range)) {
    options.cancel?.throwIfAborted();
    const { first, end } = nodesOf(part);
    const from = Math.floor(first / blockNodes) * blockNodes;
    const count = Math.ceil(end / blockNodes) * blockNodes - from;
    const bytes = new Uint8Array(await read(from * nodeBytes, count * nodeBytes)); // ours to change
    if (bytes.length !== count * nodeBytes) {
      const length = from * nodeBytes + bytes.length;
      throw proofsErrors.badLength({ what: "the replica", length, expected: sectorBytes });
    }
    unmask(bytes, added.subarray(from * nodeBytes, (from + count) * nodeBytes), from);
    reads += 1;
    readNodes += count;
    const start = part.startUserBytes - (from / blockNodes) * blockUserBytes;
    yield unpadUser(bytes, start + part.userBytes).slice(start);
  }
  return { neededNodes: readNodes, readNodes, reads, decodedNodes: nodes * layers, wholeLayers: layers };
}

export interface MaskedKind {
  /** What was added to all nodes. */
  readonly mask: () => Steps<Uint8Array>;
  /** Takes the mask from nodes of the replica, of which the first is number `firstNode`. May throw. */
  readonly unmask: (nodes: Uint8Array, mask: Uint8Array, firstNode: number) => void;
}
