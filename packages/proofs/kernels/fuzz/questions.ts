/**
 * Random questions to the kernels, whatever the back end: any size, edges of scalars and points, elements that are
 * none and points off the curve now and then, arrays of every kind. A question is asked of several back ends; all
 * must give the same bytes, or all refuse. To add a kernel: a question in the list.
 */
import { concatBytes, fromHex } from "@holdfast/base";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { g1Bytes, g1BytesOf, g2Bytes, g2BytesOf } from "../../src/curve/index.ts";
import { cessHead } from "../../src/idle/index.ts";
import type { LayerPass } from "../../src/layers/index.ts";
import type { KernelDoors } from "../doors.ts";
import type { Draw } from "./draw.ts";

export interface Question {
  /** Undefined if these kernels do not do it. */
  readonly ask: (doors: KernelDoors) => Uint8Array | number | undefined;
  /** Small and well-formed enough for the TypeScript reference. */
  readonly forReference: boolean;
}

export interface Subject {
  readonly name: string;
  readonly draw: (draw: Draw, best: KernelDoors) => Question;
}

const elementBytes = 32;
const g1 = g1BytesOf(bls12_381.G1.Point.BASE);
const g2 = g2BytesOf(bls12_381.G2.Point.BASE);
/** Bytes that are no element: the modulus itself, and all ones. */
const noElements = [
  fromHex("01000000fffffffffe5bfeff02a4bd5305d8a10908d83933487d9d2953a7ed73"),
  new Uint8Array(elementBytes).fill(0xff),
] as const;

/** Sizes with more small ones than large. */
const sizeOf = ({ below }: Draw, most: number): number => 1 + below(1 + below(most));

function spoiled(draw: Draw, bytes: Uint8Array, unit: number): Uint8Array {
  if (!draw.oneIn(12) || bytes.length === 0) return bytes;
  const copy = bytes.slice();
  const at = draw.below(bytes.length / unit) * unit;
  if (unit === elementBytes) copy.set(draw.pick(noElements), at);
  else copy[at + draw.below(unit)] = draw.below(256);
  return copy;
}

const poseidon: Subject = {
  name: "poseidonRow",
  draw: (draw) => {
    const arity = draw.pick([2, 4, 8, 11, 16, 24, 36]);
    const groups = sizeOf(draw, 24);
    const row = draw.placed(spoiled(draw, draw.elements(arity * groups), elementBytes));
    return { ask: ({ tree }) => tree.poseidonRow(row, arity), forReference: groups * arity <= 24 };
  },
};

const pedersen: Subject = {
  name: "pedersenRow",
  draw: (draw) => {
    const pairs = sizeOf(draw, 40);
    const row = draw.placed(draw.elements(2 * pairs));
    const personalization = draw.oneIn(3) ? undefined : draw.below(63);
    return { ask: ({ tree }) => tree.pedersenRow(row, personalization), forReference: pairs <= 2 };
  },
};

/**
 * Multiples of the generator, equal and opposite ones and infinity among them. Points off the curve are for the checks
 * alone: what their sums are, nobody has defined. A coordinate above the modulus is refused everywhere.
 */
function pointsFrom(
  draw: Draw,
  { curve }: KernelDoors,
  group: "G1" | "G2",
  count: number,
  forCheck = false,
): Uint8Array {
  const made = group === "G1" ? curve.fixedBaseG1(g1, draw.elements(count)) : undefined;
  const points = made ?? curve.fixedBaseG2(g2, draw.elements(count));
  const unit = group === "G1" ? g1Bytes : g2Bytes;
  if (count > 1 && draw.oneIn(3)) points.copyWithin(draw.below(count) * unit, 0, unit);
  if (draw.oneIn(12)) {
    const at = draw.below(count) * unit;
    points.fill(0x1f, at, at + 1).fill(0xff, at + 1, at + unit);
  }
  return draw.placed(forCheck ? spoiled(draw, points, unit) : points);
}

type SumName = "msm" | "scale";

const sums = (name: SumName, group: "G1" | "G2", most: number): Subject => ({
  name: `${name}${group}`,
  draw: (draw, best) => {
    const count = sizeOf(draw, most);
    const points = pointsFrom(draw, best, group, count);
    const scalars = draw.placed(spoiled(draw, draw.elements(count), elementBytes));
    return {
      ask: ({ curve }) => curve[`${name}${group}`](points, scalars),
      forReference: count <= 4 && draw.oneIn(4),
    };
  },
});

const fixedBase = (group: "G1" | "G2", most: number): Subject => ({
  name: `fixedBase${group}`,
  draw: (draw, best) => {
    const base = pointsFrom(draw, best, group, 1);
    const scalars = draw.placed(spoiled(draw, draw.elements(sizeOf(draw, most)), elementBytes));
    return {
      ask: ({ curve }) => curve[`fixedBase${group}`](base, scalars),
      forReference: scalars.length <= 2 * elementBytes,
    };
  },
});

const lagrange = (group: "G1" | "G2", mostLog: number): Subject => ({
  name: `lagrange${group}`,
  draw: (draw, best) => {
    const points = pointsFrom(draw, best, group, 2 ** draw.below(mostLog + 1));
    return { ask: ({ curve }) => curve[`lagrange${group}`](points), forReference: false };
  },
});

const firstBad = (group: "G1" | "G2", most: number): Subject => ({
  name: `firstBad${group}`,
  draw: (draw, best) => {
    const points = pointsFrom(draw, best, group, sizeOf(draw, most), true);
    return { ask: ({ curve }) => curve[`firstBad${group}`](points), forReference: draw.oneIn(8) };
  },
});

const fft: Subject = {
  name: "fft",
  draw: (draw) => {
    const log = draw.below(10);
    const values = draw.placed(spoiled(draw, draw.elements(2 ** log), elementBytes));
    const options = { inverse: draw.oneIn(2), coset: draw.oneIn(2) };
    return { ask: ({ curve }) => curve.fft(values, options), forReference: log <= 6 };
  },
};

const quotient: Subject = {
  name: "quotient",
  draw: (draw) => {
    const log = draw.below(9);
    const row = (): Uint8Array => draw.placed(spoiled(draw, draw.elements(2 ** log), elementBytes));
    const [a, b, c] = [row(), row(), row()];
    return { ask: ({ curve }) => curve.quotient(a, b, c), forReference: log <= 5 };
  },
};

interface LayerShape {
  readonly nodes: number;
  readonly degree: number;
  readonly descending: boolean;
  /** So many of a node's parents are of its own layer and have been done before it, or come after it. */
  readonly own: number;
  readonly ownAre: "before" | "after";
}

/** Runs of any length over a layer, in its order; now and then a parent is no node of it. */
function layerRuns(draw: Draw, { nodes, degree, descending, own, ownAre }: LayerShape) {
  const broken = draw.oneIn(12);
  const placeOf = (node: number): number => (descending ? nodes - 1 - node : node);
  const parentOf = (node: number, slot: number): number => {
    if (slot >= own) return draw.below(nodes);
    const place = placeOf(node);
    const others = ownAre === "before" ? place : nodes - 1 - place;
    if (others === 0) return node;
    const chosen = draw.below(others);
    return placeOf(ownAre === "before" ? chosen : place + 1 + chosen);
  };
  const parents = Uint32Array.from({ length: nodes * degree }, (_none, i) =>
    parentOf(Math.floor(i / degree), i % degree),
  );
  if (broken) parents[draw.below(parents.length)] = nodes + draw.below(2 ** 20);
  const isAlone = (node: number): boolean => placeOf(node) === (ownAre === "before" ? 0 : nodes - 1);
  const counts = Uint8Array.from({ length: nodes }, (_none, node) =>
    isAlone(node) ? 0 : draw.below(degree + 1),
  );
  const length = 1 + draw.below(nodes);
  const through = (pass: LayerPass | undefined): void => {
    for (let done = 0; done < nodes; done += length) {
      const count = Math.min(length, nodes - done);
      const low = descending ? nodes - done - count : done;
      const mine = parents.subarray(low * degree, (low + count) * degree);
      pass?.run({ low, count, descending, parents: mine, counts: counts.subarray(low, low + count) });
    }
    pass?.finish();
  };
  return { through, broken };
}

const zigzag = (keyDerivation: "blake2s" | "poseidon", most: number): Subject => ({
  name: `zigzag by ${keyDerivation}`,
  draw: (draw) => {
    const nodes = 1 + sizeOf(draw, most);
    const original = draw.elements(nodes);
    const mode = draw.pick<"encode" | "decode">(["encode", "decode"]);
    const layer = {
      replicaId: draw.placed(draw.elements(1)),
      number: 1 + draw.below(12),
      keyDerivation,
      mode,
    };
    const ownAre = mode === "encode" ? "before" : "after";
    const shape = { nodes, degree: 13, descending: draw.oneIn(2), own: 13, ownAre } as const;
    const { through, broken } = layerRuns(draw, shape);
    const apart = mode === "decode" && draw.oneIn(2);
    const ask = ({ layers }: KernelDoors): Uint8Array => {
      const bytes = apart ? new Uint8Array(original.length) : original.slice();
      const source = original.slice();
      through(layers.zigzag({ ...layer, bytes, ...(apart && { source }) }));
      return apart ? concatBytes(bytes, source) : bytes;
    };
    return { ask, forReference: !broken };
  },
});

const sdr: Subject = {
  name: "sdr",
  draw: (draw) => {
    const nodes = 1 + sizeOf(draw, 60);
    const previous = draw.placed(draw.elements(nodes));
    const layer = { replicaId: draw.elements(1), number: 1 + draw.below(11), previous };
    const shape = { nodes, degree: 14, descending: false, own: 6, ownAre: "before" } as const;
    const { through, broken } = layerRuns(draw, shape);
    const ask = ({ layers }: KernelDoors): Uint8Array => {
      const into = new Uint8Array(previous.length);
      through(layers.sdr({ ...layer, into }));
      return concatBytes(into);
    };
    return { ask, forReference: !broken };
  },
};

const sdrPair: Subject = {
  name: "sdrPair",
  draw: (draw) => {
    const nodes = 1 + sizeOf(draw, 60);
    const shape = { nodes, degree: 14, descending: false, own: 6, ownAre: "before" } as const;
    const { through, broken } = layerRuns(draw, shape);
    const layer = () => ({
      replicaId: draw.elements(1),
      number: 1 + draw.below(11),
      previous: draw.placed(draw.elements(nodes)),
    });
    const [one, two] = [layer(), layer()];
    const ask = ({ layers }: KernelDoors): Uint8Array | undefined => {
      const [first, second] = [new Uint8Array(32 * nodes), new Uint8Array(32 * nodes)];
      const pair = [
        { ...one, into: first },
        { ...two, number: one.number, into: second },
      ] as const;
      const pass = layers.sdrPair(pair);
      if (pass === undefined) return undefined;
      through(pass);
      return concatBytes(first, second);
    };
    return { ask, forReference: !broken };
  },
};

const idleParents: Subject = {
  name: "idleParents",
  draw: (draw) => {
    const nodes = 2 ** (1 + draw.below(26));
    const low = draw.below(nodes);
    const count = Math.min(sizeOf(draw, 100), nodes - low);
    const seed = draw.placed(draw.bytes(elementBytes));
    const ask = ({ space }: KernelDoors): Uint8Array => {
      const into = new Uint32Array(12 * count);
      space.idleParents(seed, nodes, low, into);
      return new Uint8Array(into.buffer);
    };
    return { ask, forReference: true };
  },
};

const idleLabels: Subject = {
  name: "idleLabels",
  draw: (draw, best) => {
    const nodes = 2 ** (2 + draw.below(5));
    const parents = new Uint32Array(12 * nodes);
    best.space.idleParents(draw.bytes(elementBytes), nodes, 0, parents);
    const broken = draw.oneIn(12);
    if (broken) parents[draw.below(parents.length)] = nodes + draw.below(2 ** 20);
    const stream = () => ({
      header: draw.bytes(64),
      firstFile: draw.below(2 ** 32),
      previous: draw.placed(draw.bytes(elementBytes * nodes)),
    });
    const [first, second] = [stream(), draw.oneIn(2) ? stream() : undefined];
    const [fileNodes, passes] = [2 ** (1 + draw.below(Math.log2(nodes))), 1 + draw.below(4)];
    const length = 1 + draw.below(nodes);
    const ask = ({ space }: KernelDoors): Uint8Array => {
      const into = [new Uint8Array(elementBytes * nodes), new Uint8Array(elementBytes * nodes)] as const;
      const own = { ...first, into: into[0] };
      const streams =
        second === undefined ? ([own] as const) : ([own, { ...second, into: into[1] }] as const);
      const pass = space.idleLabels({ fileNodes, passes, streams });
      for (let low = 0; low < nodes; low += length) {
        const count = Math.min(length, nodes - low);
        const mine = parents.slice(12 * low, 12 * (low + count));
        pass?.run({ low, count, descending: false, parents: mine, counts: new Uint8Array(0) });
      }
      pass?.finish();
      return concatBytes(...into);
    };
    return { ask, forReference: !broken };
  },
};

const cessLayer: Subject = {
  name: "cessLayer",
  draw: (draw) => {
    const log = draw.below(3);
    const layers = 1 + draw.below(9);
    const shape = { layers, nodes: 2 ** (8 + log + draw.below(3)), degree: 2 ** log };
    const rowsBytes = 64 * shape.nodes;
    const realLayer = draw.below(2 * layers);
    const head = cessHead({ minerId: draw.bytes(32), shape, cluster: 1 + draw.below(2 ** 32), realLayer });
    const start = draw.bytes(rowsBytes);
    const given = {
      head,
      ...(realLayer > 0 && { previous: draw.placed(draw.bytes(rowsBytes)) }),
      ...(draw.oneIn(2) && { elders: draw.placed(draw.bytes(rowsBytes)) }),
      ...(draw.oneIn(2) && { before: draw.placed(draw.bytes(rowsBytes)) }),
    };
    const [low, length] = [draw.below(shape.nodes), 1 + draw.below(60)];
    const ask = ({ cess }: KernelDoors): Uint8Array | undefined => {
      const into = start.slice();
      const pass = cess.cessLayer({ ...given, into });
      if (pass === undefined) return undefined;
      pass.run(0, length);
      pass.run(low, Math.min(length, shape.nodes - low));
      pass.finish();
      return into;
    };
    return { ask, forReference: true };
  },
};

const absorb: Subject = {
  name: "absorb",
  draw: (draw) => {
    const chains = sizeOf(draw, 60);
    const [leftStride, rightStride] = [draw.pick([32, 64, 96]), draw.pick([32, 64])];
    const halves = (stride: number): Uint8Array =>
      draw.placed(draw.bytes(stride * (chains - 1) + elementBytes));
    const start = draw.bytes(elementBytes * chains);
    const given = {
      left: halves(leftStride),
      leftStride,
      right: halves(rightStride),
      rightStride,
      trim: draw.oneIn(2),
    };
    const ask = ({ space }: KernelDoors): Uint8Array => {
      const states = start.slice();
      space.absorb({ ...given, states });
      return states;
    };
    return { ask, forReference: true };
  },
};

export const subjects: readonly Subject[] = [
  poseidon,
  pedersen,
  sums("msm", "G1", 400),
  sums("msm", "G2", 60),
  sums("scale", "G1", 20),
  sums("scale", "G2", 10),
  fixedBase("G1", 40),
  fixedBase("G2", 20),
  lagrange("G1", 4),
  lagrange("G2", 3),
  firstBad("G1", 12),
  firstBad("G2", 8),
  fft,
  quotient,
  zigzag("blake2s", 80),
  zigzag("poseidon", 40),
  sdr,
  sdrPair,
  idleParents,
  idleLabels,
  absorb,
  cessLayer,
];
