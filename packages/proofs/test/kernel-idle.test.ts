/**
 * The compiled kernels of hardened idle space against the reference: any run of parents, any layer of one stream or
 * two, any chains; and a whole set gives the same roots. Canaries: a kernel that takes a wrong parent, a wrong
 * header, or the first stream twice is found.
 */
import { equalBytes } from "@holdfast/base";
import { type Absorption, type IdleLabels, installSpaceKernel, plainSpaceKernel } from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeIdle } from "./idle-fixtures.ts";
import { backends } from "./kernel-backends.ts";
import { holds } from "./vectors.ts";

type Kernel = typeof plainSpaceKernel;

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });

function sameParents(kernel: Kernel) {
  const runs = fc
    .integer({ min: 1, max: 26 })
    .chain((log) =>
      fc.tuple(
        fc.constant(2 ** log),
        fc.integer({ min: 0, max: 2 ** log - 1 }),
        fc.integer({ min: 1, max: 100 }),
      ),
    );
  return fc.property(seeds, runs, (seed, [nodes, low, wanted]) => {
    const count = Math.min(wanted, nodes - low);
    const parentsBy = ({ idleParents }: Kernel): string => {
      const into = new Uint32Array(12 * count);
      idleParents(seed, nodes, low, into);
      return into.join();
    };
    return parentsBy(kernel) === parentsBy(plainSpaceKernel);
  });
}

const nodes = 64;
const noise = fc.uint8Array({ minLength: 32 * nodes, maxLength: 32 * nodes });
const streams = fc.record({
  header: fc.uint8Array({ minLength: 64, maxLength: 64 }),
  firstFile: fc.integer({ min: 0, max: 2 ** 50 }),
  previous: noise,
});

/** What a kernel writes, in runs of `length` nodes. */
function labelsBy(
  kernel: Kernel["idleLabels"],
  task: IdleLabels,
  seed: Uint8Array,
  length: number,
): Uint8Array[] {
  const own = task.streams.map((stream) => ({ ...stream, into: new Uint8Array(32 * nodes) }));
  const pass = kernel({ ...task, streams: own as unknown as IdleLabels["streams"] });
  for (let low = 0; low < nodes; low += length) {
    const count = Math.min(length, nodes - low);
    const parents = new Uint32Array(12 * count);
    plainSpaceKernel.idleParents(seed, nodes, low, parents);
    pass?.run({ low, count, descending: false, parents, counts: new Uint8Array(0) });
  }
  pass?.finish();
  return own.map(({ into }) => into);
}

function sameLabels(kernel: Kernel["idleLabels"]) {
  const tasks = fc.record({
    fileNodes: fc.constantFrom(4, 16, nodes),
    passes: fc.integer({ min: 1, max: 5 }),
    streams: fc.oneof(fc.tuple(streams), fc.tuple(streams, streams)),
  }) as unknown as fc.Arbitrary<IdleLabels>;
  return fc.property(tasks, seeds, fc.integer({ min: 1, max: nodes }), (task, seed, length) => {
    const expected = labelsBy(plainSpaceKernel.idleLabels, task, seed, nodes);
    return labelsBy(kernel, task, seed, length).every((labels, i) =>
      equalBytes(labels, expected[i] ?? new Uint8Array(0)),
    );
  });
}

function sameChains(kernel: Pick<Kernel, "absorb">) {
  const halves = fc.record({
    stride: fc.constantFrom(0, 32, 96),
    bytes: fc.uint8Array({ minLength: 96 * 40, maxLength: 96 * 40 }),
  });
  const lengths = fc.integer({ min: 1, max: 40 });
  return fc.property(lengths, seeds, halves, halves, fc.boolean(), (count, seed, left, right, trim) => {
    const stateBy = ({ absorb }: Pick<Kernel, "absorb">): Uint8Array => {
      const states = new Uint8Array(32 * count).map((_none, i) => (seed[i % 32] as number) ^ i);
      const given: Absorption = {
        states,
        left: left.bytes,
        leftStride: left.stride,
        right: right.bytes,
        rightStride: right.stride,
        trim,
      };
      absorb(given);
      return states;
    };
    return equalBytes(stateBy(kernel), stateBy(plainSpaceKernel));
  });
}

const reference = makeIdle();

describe.each(backends)("idle space by $name kernels", ({ loaded }) => {
  const kernel: Kernel = { ...plainSpaceKernel, ...loaded.space };

  it("parents", () => holds(sameParents(kernel), { numRuns: 60 }));
  it("labels", () => holds(sameLabels(kernel.idleLabels), { numRuns: 40 }));
  it("chains", () => holds(sameChains(kernel), { numRuns: 60 }));

  it("a whole set", () => {
    const restore = installSpaceKernel(loaded.space);
    try {
      expect(makeIdle().kept).toEqual(reference.kept);
    } finally {
      restore();
    }
  });

  it("more chains than one call takes, and labels in shared memory", () => {
    const chains = 5000;
    const states = new Uint8Array(32 * chains);
    const expected = states.slice();
    const given = {
      left: states.slice(0, 32),
      leftStride: 0,
      right: states.slice(),
      rightStride: 32,
      trim: true,
    };
    kernel.absorb({ ...given, states });
    plainSpaceKernel.absorb({ ...given, states: expected });
    expect(equalBytes(states, expected)).toBe(true);
    const shared = (): Uint8Array => new Uint8Array(new SharedArrayBuffer(32 * nodes));
    const stream = { header: new Uint8Array(64), firstFile: 1, previous: shared(), into: shared() };
    const parents = new Uint32Array(12 * nodes);
    const pass = kernel.idleLabels({ fileNodes: nodes, passes: 1, streams: [stream] });
    pass?.run({ low: 0, count: nodes, descending: false, parents, counts: new Uint8Array(0) });
    pass?.finish();
    expect(stream.into.subarray(32 * (nodes - 1)).some((byte) => byte !== 0)).toBe(true);
  });

  it("a parent that is no node is refused", () => {
    if (loaded.space.idleLabels === undefined) return;
    const bytes = new Uint8Array(32 * nodes);
    const stream = { header: new Uint8Array(64), firstFile: 0, previous: bytes, into: bytes.slice() };
    const pass = loaded.space.idleLabels({ fileNodes: nodes, passes: 1, streams: [stream] });
    const parents = new Uint32Array(12).fill(nodes);
    expect(() =>
      pass?.run({ low: 9, count: 1, descending: false, parents, counts: new Uint8Array(0) }),
    ).toThrow();
  });
});

it("canaries: a wrong parent, a wrong header and a stream taken for the other are found", () => {
  const { idleParents, idleLabels, absorb } = plainSpaceKernel;
  const fails = <Ts>(property: fc.IProperty<Ts>): boolean =>
    (
      fc.check(property as fc.IRawProperty<Ts>, {
        numRuns: 30,
        seed: 7,
        endOnFailure: true,
      }) as fc.RunDetails<Ts>
    ).failed;
  expect(fails(sameLabels(idleLabels))).toBe(false);
  const rounded: Kernel["idleParents"] = (seed, all, low, into) => {
    idleParents(seed, all, low, into);
    into[into.length - 1] = (into[into.length - 1] as number) & ~1;
  };
  expect(fails(sameParents({ ...plainSpaceKernel, idleParents: rounded }))).toBe(true);
  const sameStream = ({ streams: [first, second = first], ...task }: IdleLabels) =>
    idleLabels({ ...task, streams: [first, { ...second, previous: first.previous }] });
  expect(fails(sameLabels(sameStream))).toBe(true);
  const header = (task: IdleLabels) =>
    idleLabels({
      ...task,
      streams: task.streams.map((stream) => ({
        ...stream,
        header: stream.header.map((byte) => byte & 0xfe),
      })) as unknown as IdleLabels["streams"],
    });
  expect(fails(sameLabels(header))).toBe(true);
  expect(fails(sameChains({ absorb: (given) => absorb({ ...given, trim: true }) }))).toBe(true);
});
