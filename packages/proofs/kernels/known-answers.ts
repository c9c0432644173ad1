/**
 * What every back end must answer to a few fixed questions, as SHA-256 of the answer. The expected digests are
 * those of the TypeScript reference (a test holds them to it); a binary that gives another one is not used.
 * Invariant: the questions together take few milliseconds of fresh, not yet optimised code, as every thread asks
 * them when it starts.
 */
import { concatBytes, sha256, toHex } from "@holdfast/base";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { type CurveKernel, g1BytesOf, g2BytesOf } from "../src/curve/index.ts";
import { frModulus, frReduce, frsToBytes } from "../src/field/index.ts";
import { createGraph } from "../src/graph/index.ts";
import { type CessKernel, cessHead, cessLabelBytes, type SpaceKernel } from "../src/idle/index.ts";
import type { LayerKernel, LayerPass } from "../src/layers/index.ts";
import type { TreeKernel } from "../src/merkle/index.ts";
import { createSdrGraph } from "../src/sdr/index.ts";

type PedersenRow = NonNullable<TreeKernel["pedersenRow"]>;

/** The functions under question. */
export interface Kernels {
  readonly poseidonRow: TreeKernel["poseidonRow"];
  readonly pedersenRow: PedersenRow;
  readonly curve: CurveKernel;
  readonly layers: LayerKernel;
  readonly space: SpaceKernel;
  readonly cess: CessKernel;
}

/** Powers of a number that uses every limb. */
function powers(count: number): bigint[] {
  const base = (frModulus / 7n) * 5n + 12345678901234567n;
  const values: bigint[] = [];
  for (let power = base; values.length < count; power = frReduce(power * base)) values.push(power);
  return values;
}

type Msm = (points: Uint8Array, scalars: Uint8Array) => Uint8Array;

/** Whole scalars, and 0, 1 and −1, over a point and its multiples. */
function fewTerms(msm: Msm, base: Uint8Array): Uint8Array {
  const [first = 0n, second = 0n] = powers(2);
  const other = msm(base, frsToBytes([second]));
  const points = concatBytes(base, other, other, base, other);
  return msm(points, frsToBytes([first, 0n, 1n, frModulus - 1n, second]));
}

/** Enough short scalars that points are added in batches: different ones, equal ones and opposite ones. */
function manyTerms(msm: Msm, base: Uint8Array): Uint8Array {
  const twice = msm(base, frsToBytes([2n]));
  const points = Array.from({ length: 180 }, (_none, i) => (i % 3 === 0 ? twice : base));
  return msm(concatBytes(...points), frsToBytes(powers(180).map((value) => value & 0x3ffn)));
}

/** More than twice the lanes of any vector; Poseidon takes so long that it has to do with fewer. */
const layerNodes = { blake2s: 40, poseidon: 24, sha256: 24 };

/** Runs a pass, in two runs, over a small layer in which every parent is below its node. */
function throughLayer(nodes: number, pass: LayerPass | undefined, descending: boolean, degree: number): void {
  const below = (node: number, slot: number): number => (node === 0 ? 0 : (slot * 7 + node) % node);
  const parents = Uint32Array.from({ length: nodes * degree }, (_none, i) =>
    below(Math.floor(i / degree), i % degree),
  );
  const counts = Uint8Array.from({ length: nodes }, (_none, node) => (node === 0 ? 0 : node % 14));
  for (const part of [0, 1]) {
    const count = nodes / 2;
    const low = (part === 0) === descending ? count : 0;
    const own = parents.subarray(low * degree, (low + count) * degree);
    pass?.run({ low, count, descending, parents: own, counts: counts.subarray(low, low + count) });
  }
  pass?.finish();
}

function zigzagAnswer(layers: LayerKernel, keyDerivation: "blake2s" | "poseidon"): Uint8Array {
  const nodes = layerNodes[keyDerivation];
  const bytes = frsToBytes(powers(nodes));
  const replicaId = frsToBytes([powers(nodes + 1)[nodes] ?? 0n]);
  const layer = { bytes, replicaId, keyDerivation };
  throughLayer(nodes, layers.zigzag({ ...layer, number: 3, mode: "encode" }), false, 13);
  const encoded = bytes.slice();
  throughLayer(nodes, layers.zigzag({ ...layer, number: 5, mode: "decode" }), true, 13);
  const elsewhere = { ...layer, bytes: new Uint8Array(bytes.length), source: encoded };
  throughLayer(nodes, layers.zigzag({ ...elsewhere, number: 5, mode: "decode" }), false, 13);
  return concatBytes(encoded, bytes, elsewhere.bytes);
}

/** A graph in both directions, and a layer on it forward and then back over what that made of it. */
function zigzag2019Answer({ zigzag2019, eraGraph }: LayerKernel): Uint8Array {
  const nodes = layerNodes.blake2s;
  const words = (count: number): Uint32Array => new Uint32Array(count);
  const seed = Uint32Array.of(1, 2, 3, 4, 5, 6, 7);
  const logarithms = words(32).map((_none, logarithm) => 2 ** logarithm);
  const [base, parents, reversed] = [words(nodes * 5), words(nodes * 13), words(nodes * 13)];
  eraGraph.base({ seed, logarithms }, 0, base);
  const rounds = words(96).map((_none, i) => (i * 7 + 3) % 32);
  const edges = { nodes, base, rounds, halfBits: 5 };
  eraGraph.parents(edges, false, 0, parents);
  eraGraph.parents(edges, true, 0, reversed);
  const bytes = frsToBytes(powers(nodes));
  const counts = new Uint8Array(nodes).fill(13, 1);
  const layer = { bytes, replicaId: frsToBytes(powers(1)) };
  const run = { low: 0, count: nodes, parents, counts };
  const encoding = zigzag2019({ ...layer, mode: "encode" });
  encoding?.run({ ...run, descending: false });
  encoding?.finish();
  const forward = bytes.slice();
  const last = { ...run, parents: reversed, counts: counts.toReversed() };
  const decoding = zigzag2019({ ...layer, mode: "decode" });
  decoding?.run({ ...last, descending: false });
  decoding?.finish();
  return concatBytes(forward, bytes);
}

function sdrAnswer(layers: LayerKernel): Uint8Array {
  const into = new Uint8Array(32 * layerNodes.sha256);
  const previous = frsToBytes(powers(layerNodes.sha256));
  const replicaId = previous.subarray(32, 64);
  throughLayer(layerNodes.sha256, layers.sdr({ replicaId, number: 1, previous, into }), false, 14);
  throughLayer(
    layerNodes.sha256,
    layers.sdr({ replicaId, number: 2, previous: into.slice(), into }),
    false,
    14,
  );
  return concatBytes(into, pairAnswer(layers, previous, into));
}

/** The third layer of two replicas; one after the other where nobody does both. */
function pairAnswer(layers: LayerKernel, first: Uint8Array, second: Uint8Array): Uint8Array {
  const [replicaId, otherId] = [first.subarray(64, 96), first.subarray(96, 128)];
  const one = { replicaId, number: 3, previous: first, into: new Uint8Array(first.length) };
  const two = { replicaId: otherId, number: 3, previous: second, into: new Uint8Array(second.length) };
  const pair = layers.sdrPair([one, two]);
  for (const pass of pair === undefined ? [layers.sdr(one), layers.sdr(two)] : [pair]) {
    throughLayer(layerNodes.sha256, pass, false, 14);
  }
  return concatBytes(one.into, two.into);
}

/** Two streams with two passes, then one with one, over the parents of a graph; and leaves of what they gave. */
function spaceAnswer({ idleParents, idleLabels, absorb }: SpaceKernel): Uint8Array {
  const nodes = 32;
  const seed = frsToBytes(powers(2)).subarray(32);
  const parents = new Uint32Array(12 * nodes);
  idleParents(seed, nodes, 0, parents);
  const noise = frsToBytes(powers(nodes));
  const stream = (header: number, previous: Uint8Array) => ({
    header: noise.subarray(header, header + 64),
    firstFile: 2 ** 33 + header,
    previous,
    into: new Uint8Array(32 * nodes),
  });
  const [one, two] = [stream(0, noise), stream(96, noise.slice().reverse())];
  const three = stream(64, two.into);
  const run = { low: 0, count: nodes, descending: false, parents, counts: new Uint8Array(0) };
  for (const task of [
    { passes: 2, streams: [one, two] },
    { passes: 1, streams: [three] },
  ] as const) {
    const pass = idleLabels({ fileNodes: 8, ...task });
    pass?.run(run);
    pass?.finish();
  }
  const states = noise.slice(0, 32 * 7);
  absorb({ states, left: one.into, leftStride: 96, right: two.into, rightStride: 0, trim: true });
  return concatBytes(one.into, two.into, three.into, states);
}

/** A small file that stays: hot labels, columns of both kinds, and the first labels by the graph alone. */
function cessAnswer({ cessLayer, cessHot, cessColumns }: CessKernel): Uint8Array {
  const shape = { layers: 1, nodes: 512, degree: 1 };
  const minerId = frsToBytes(powers(1));
  const rows = (seed: number, count: number): Uint8Array =>
    Uint8Array.from({ length: count * cessLabelBytes }, (_none, i) => (i * seed) >> 3);
  const head = cessHead({ minerId, shape, cluster: 7, realLayer: 1 });
  const [table, into, sums, start] = [rows(1, 256), rows(2, 40), rows(3, 256), rows(4, 512)];
  const common = { head, elders: rows(5, 512), before: rows(6, 512) };
  cessHot({ ...common, table, previous: rows(7, 256), next: rows(8, 256), sums });
  const columns = { ...common, into, table, previous: rows(9, 256), straight: rows(10, 40), sums };
  cessColumns({ ...columns, low: 25, count: 23, beside: false });
  const nearly = into.slice();
  cessColumns({ ...columns, low: 216, count: 40, beside: true });
  const pass = cessLayer({ ...common, into: start, previous: rows(11, 512) });
  pass?.run(0, 24);
  pass?.run(24, 9);
  pass?.finish();
  return concatBytes(table, nearly, into, sums, start.subarray(0, 33 * cessLabelBytes));
}

/** Parents in both directions of two graphs, one of which is walked through, and of both versions of SDR. */
function parentsAnswer({ zigzagParents, sdrParents }: LayerKernel): Uint8Array {
  const seed = new Uint8Array(32).fill(7);
  const answers: Uint8Array[] = [];
  for (const nodes of [90, 32]) {
    const fill = zigzagParents(createGraph(seed, nodes).parts());
    for (const reversed of [false, true]) {
      const [parents, counts] = [new Uint32Array(13 * nodes), new Uint8Array(nodes)];
      fill(reversed, 0, { parents, counts });
      answers.push(Uint8Array.from(parents), counts);
    }
    for (const version of ["1.0", "1.1"] as const) {
      const parents = new Uint32Array(14 * (nodes - 5));
      sdrParents(createSdrGraph(nodes, seed, version).parts())(5, parents);
      answers.push(Uint8Array.from(parents));
    }
  }
  return concatBytes(...answers);
}

function questions({
  poseidonRow,
  curve,
  layers,
  space,
  cess,
}: Omit<Kernels, "pedersenRow">): Record<string, () => Uint8Array> {
  const g1 = g1BytesOf(bls12_381.G1.Point.BASE);
  const g2 = g2BytesOf(bls12_381.G2.Point.BASE);
  const values = frsToBytes([0n, 1n, frModulus - 1n, ...powers(13)]);
  return {
    poseidonRow: () => poseidonRow(values, 2),
    msmG1: () => concatBytes(fewTerms(curve.msmG1, g1), manyTerms(curve.msmG1, g1)),
    msmG2: () => fewTerms(curve.msmG2, g2),
    fft: () =>
      concatBytes(
        curve.fft(values, { inverse: false, coset: true }),
        curve.fft(values, { inverse: true, coset: false }),
      ),
    quotient: () => curve.quotient(values, frsToBytes(powers(16)), values),
    zigzagBlake2s: () => zigzagAnswer(layers, "blake2s"),
    zigzagPoseidon: () => zigzagAnswer(layers, "poseidon"),
    zigzag2019: () => zigzag2019Answer(layers),
    sdrLabels: () => sdrAnswer(layers),
    parents: () => parentsAnswer(layers),
    idleSpace: () => spaceAnswer(space),
    cessLabels: () => cessAnswer(cess),
  };
}

/** Eleven pairs, more than the lanes of any processor, with and without personalization; sums of all windows. */
function pedersenAnswer(pedersenRow: PedersenRow): Uint8Array {
  const row = frsToBytes([0n, frModulus - 1n, ...powers(20)]);
  return concatBytes(pedersenRow(row, 0), pedersenRow(row, 41), pedersenRow(row, undefined));
}

/**
 * Whether this answers rightly. Its tables take longer to make than all other questions, so it is asked when they
 * are made and not at load.
 */
export function answersPedersen(pedersenRow: PedersenRow): boolean {
  return toHex(sha256(pedersenAnswer(pedersenRow))) === expectedAnswers.pedersenRow;
}

/** Digests of the answers, by name. */
export function answersOf(kernels: Kernels): Record<string, string> {
  const late = { pedersenRow: () => pedersenAnswer(kernels.pedersenRow) };
  const answered = Object.entries({ ...questions(kernels), ...late }).map(([name, ask]) => [
    name,
    toHex(sha256(ask())),
  ]);
  return Object.fromEntries(answered);
}

export const expectedAnswers: Readonly<Record<string, string>> = {
  poseidonRow: "e3f914eb2aba861b70d6706062d24d2ac8d0e147fb21e86b65472cc181ef694b",
  zigzag2019: "ef06609d0279f9118d0936ea6fae3496cb2e175ffb9d41ddabc6b5a88757c4f7",
  pedersenRow: "4886cc975874efdb5d29d920cce67940b9d24749645d2e0e41d36309c4c5a5a9",
  msmG1: "2435ae579c098524834e52c5001213801a07af2cde76e1b1cb5c471c6a106fa7",
  msmG2: "ae91128ea814edc265abebad90d362ac8ad207696f35f947e63c8dbc7dbefb7c",
  fft: "7e44723919ae36b7bd8348d19efc874ccb45270037538e97b0aa02ef91c47763",
  zigzagBlake2s: "d16076911088a24fd719752d435d08f62c06996a4b0ba4bde1e96ec9bcd8706a",
  zigzagPoseidon: "c0aeaa706485c312ecb2ac1b0d9d682179125d34aff377faa5745b08a93f1075",
  parents: "1a24f8c3f35788d45bd288aebf9716311fbf9b8577c48157ed1de5bd40b1df05",
  sdrLabels: "bd081f88cb1587af53cd2f72775fa0152ebd1e83b077008c17d0e3221910999e",
  idleSpace: "bd47384312229d520f4af591489557ea7edaca5f7e17bcc174d5338d4e08ef9d",
  cessLabels: "03752088d2f7cbe8fee0e7cb29386337d1e0963a3f076bb15496b51001e6ef28",
  quotient: "130c1d5615187c131798c6e2184c41bdc3f6135816a8c1e4e44f4153f7e765e7",
};

/** The first question that is answered wrongly, or undefined. A function that throws has answered wrongly. */
export function wrongAnswer(kernels: Omit<Kernels, "pedersenRow">): string | undefined {
  for (const [name, ask] of Object.entries(questions(kernels))) {
    try {
      if (toHex(sha256(ask())) !== expectedAnswers[name]) return name;
    } catch {
      return name;
    }
  }
  return undefined;
}
