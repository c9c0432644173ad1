/**
 * The circuits: honest assignments satisfy, every lie breaks exactly the constraint that is aimed at it, no
 * variable and no public input can be changed alone.
 */
import {
  type Circuit,
  frFromBytes,
  frModulus,
  frToBytes,
  isSatisfied,
  keyHeader,
  nodeKeys,
  partOf,
  postCircuit,
  postPublicInputs,
  type R1cs,
  type SealAssignment,
  type SealChallengeAssignment,
  sdrPublicInputs,
  sdrSealCircuit,
  sealPublicInputs,
  shapeOf,
  witnessOf,
  wordsOf,
  zigzagKeyPoseidon,
  zigzagSealCircuit,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  postAssignment,
  type SealCase,
  sdrAssignment,
  sealAssignment,
  sealReplicaId,
} from "./circuit-fixtures.ts";
import { looseVariables, violations, without } from "./constraint-tests.ts";
import { element, holds } from "./vectors.ts";

/** The witness of an assignment, with the public inputs of the verifier in place of the prover's. */
function witnessFor<Assignment>(
  circuit: Circuit<Assignment>,
  assignment: Assignment,
  publicInputs: readonly bigint[],
): readonly bigint[] {
  const witness = witnessOf(circuit, assignment);
  return [1n, ...publicInputs, ...witness.slice(1 + publicInputs.length)];
}

/** The parts in which constraints are broken, in order and once each. */
function brokenParts(r1cs: R1cs, witness: readonly bigint[]): string[] {
  return [...new Set(violations(r1cs, witness).map((constraint) => partOf(r1cs, constraint)))];
}

describe("the key by Poseidon", () => {
  it("is the key that the deriver over bytes makes", () => {
    holds(
      fc.property(
        fc.bigInt({ min: 0n, max: (1n << 254n) - 1n }),
        fc.array(element, { maxLength: 13 }),
        fc.nat({ max: 2 ** 27 }),
        fc.integer({ min: 1, max: 11 }),
        (replicaId, parents, node, layer) => {
          const deriver = nodeKeys({ keyDerivation: "poseidon" }, frToBytes(replicaId), layer);
          parents.forEach((value, slot) => {
            deriver.setParent(slot, wordsOf(frToBytes(value)), 0);
          });
          const key = new Uint8Array(deriver.derive(node, parents.length).slice().buffer);
          return (
            zigzagKeyPoseidon(replicaId, keyHeader(layer, node, parents.length), parents) === frFromBytes(key)
          );
        },
      ),
      { numRuns: 20 },
    );
  });
});

const sealShape = { nodes: 8, challengesPerProof: 1, keyDerivation: "poseidon" } as const;
const sealCircuit = zigzagSealCircuit(sealShape);
const sealR1cs = shapeOf(sealCircuit);
const honest: SealCase = { layer: 2, node: 2, parents: [3, 7, 5] };
const honestFirst: SealCase = { layer: 1, node: 6, parents: [5, 0, 1, 2, 4] };

/** What the verifier expects of an honest prover, and what the constraints say of another assignment. */
function judge(assignment: SealAssignment, expected: SealAssignment = assignment): string[] {
  const inputs = sealPublicInputs(sealShape, expected.replicaId, expected.challenges);
  return brokenParts(sealR1cs, witnessFor(sealCircuit, assignment, inputs));
}

const made = new Map<SealCase, SealAssignment>();

function sealOf(one: SealCase): SealAssignment {
  const assignment = made.get(one) ?? sealAssignment(sealShape, [one]);
  made.set(one, assignment);
  return assignment;
}

/** The assignment with its one challenge changed. */
function changed(one: SealCase, change: Partial<SealChallengeAssignment>): SealAssignment {
  const { replicaId, challenges } = sealOf(one);
  return { replicaId, challenges: challenges.map((challenge) => ({ ...challenge, ...change })) };
}

describe("the seal circuit", () => {
  it("is satisfied by honest challenges of any layer, node and number of parents", () => {
    const parents = (node: number) => fc.subarray([0, 1, 2, 3, 4, 5, 6, 7].filter((other) => other !== node));
    const cases = fc
      .record({ layer: fc.integer({ min: 1, max: 5 }), node: fc.nat({ max: 7 }), seed: fc.nat({ max: 99 }) })
      .chain((base) => parents(base.node).map((own) => ({ ...base, parents: own })));
    holds(
      fc.property(cases, (one) => judge(sealOf(one)).length === 0),
      { numRuns: 15 },
    );
    const thirteen = { layer: 3, node: 9, parents: [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13] };
    const wide = { ...sealShape, nodes: 16, challengesPerProof: 2 } as const;
    const circuit = zigzagSealCircuit(wide);
    const two = sealAssignment(wide, [thirteen, { layer: 1, node: 0, parents: [] }]);
    expect(isSatisfied(shapeOf(circuit), witnessOf(circuit, two))).toEqual({ ok: true });
  });

  it("lets no variable and no public input be changed alone", () => {
    for (const one of [honest, honestFirst]) {
      expect(looseVariables(sealR1cs, witnessOf(sealCircuit, sealOf(one)))).toEqual([]);
    }
  });

  it("has public inputs that the verifier makes from its own numbers", () => {
    const { replicaId, challenges } = sealOf(honest);
    const [challenge] = challenges;
    const inputs = sealPublicInputs(sealShape, replicaId, challenges);
    // first, 13 × used, then 3 bits for the node and each of 13 slots.
    const indices = [2, 3, 7, 5].reduce((bits, index, i) => bits + (BigInt(index) << BigInt(3 * i)), 0n);
    const packed = (0b111n << 1n) | (indices << 14n);
    expect(inputs).toEqual([
      sealReplicaId,
      challenge?.rootBefore,
      challenge?.rootAfter,
      0n,
      (2n << 48n) | (2n << 8n) | 3n,
      packed,
    ]);
    expect(witnessOf(sealCircuit, sealOf(honest)).slice(1, 7)).toEqual(inputs);
    const large = { nodes: 2 ** 23, challengesPerProof: 1, keyDerivation: "poseidon" } as const;
    expect(sealPublicInputs(large, 1n, challenges)).toHaveLength(5 + 2);
  });

  const lies: [what: string, broken: string[], assignment: SealAssignment, expected?: SealAssignment][] = [
    ["another encoding", ["encoding"], sealOf({ ...honest, encode: (before, key) => before + key + 1n })],
    ["no encoding", ["encoding"], sealOf({ ...honest, encode: (before) => before })],
    [
      "a subtracted key",
      ["encoding"],
      sealOf({ ...honest, encode: (a, b) => (a - b + frModulus) % frModulus }),
    ],
    ["a wrong parent's value", ["encoding"], sealOf({ ...honest, keyParents: (own) => own.with(1, 5n) })],
    ["exchanged parents", ["encoding"], sealOf({ ...honest, keyParents: (own) => own.toReversed() })],
    ["a parent left out", ["encoding"], sealOf({ ...honest, keyParents: (own) => own.slice(0, 2) })],
    ["a slot too many", ["encoding"], sealOf({ ...honest, keyParents: (own) => [...own, 1n] })],
    ["another layer's header", ["encoding"], sealOf({ ...honest, keyHeader: keyHeader(3, 2, 3) })],
    ["another node's header", ["encoding"], sealOf({ ...honest, keyHeader: keyHeader(2, 3, 3) })],
    ["a wrong data node", ["encoding"], changed(honestFirst, { plainNode: 4n })],
    ["a root before in the first layer", ["encoding"], changed(honestFirst, { rootBefore: 4n })],
    ["a plain node in another layer", ["encoding"], changed(honest, { plainNode: 4n })],
    ["another root before", ["encoding"], changed(honest, { rootBefore: 4n })],
    ["another root after", ["Merkle paths"], changed(honest, { rootAfter: 4n })],
    [
      "first, but it is not: the plain node is the prover's",
      ["packing"],
      changed(honest, { first: true, rootBefore: 0n, plainNode: sealOf(honest).challenges[0]?.before ?? 0n }),
      changed(honest, { rootBefore: 0n, plainNode: sealOf(honest).challenges[0]?.before ?? 0n }),
    ],
    [
      "not first, but it is",
      ["packing"],
      changed(honestFirst, { ...onTree(honestFirst), first: false }),
      changed(honestFirst, onTree(honestFirst)),
    ],
    [
      "a parent at another node, with the key that belongs to it",
      ["packing"],
      sealOf({ ...honest, parents: [3, 7, 4] }),
      changed({ ...honest, parents: [3, 7, 4] }, { parents: [3, 7, 5] }),
    ],
    [
      "a parent declared unused",
      ["packing"],
      changed({ ...honest, parents: [3, 7] }, { header: keyHeader(2, 2, 2) }),
      changed({ ...honest, parents: [3, 7] }, { parents: [3, 7, 0] }),
    ],
    ["another replica id", ["key derivation"], sealOf(honest), { ...sealOf(honest), replicaId: 8n }],
  ];

  /** As if the first layer had a tree before: what a prover would show who denies that it is the first. */
  function onTree(one: SealCase): Partial<SealChallengeAssignment> {
    const { rootBefore, pathBefore, plainNode } = sealOf({ ...one, layer: 2 }).challenges[0] ?? {};
    return { rootBefore: rootBefore ?? 0n, pathBefore: pathBefore ?? [], plainNode: plainNode ?? 0n };
  }

  it.each(lies)("refuses %s", (_what, broken, assignment, expected) => {
    expect(judge(assignment, expected ?? assignment)).toEqual(broken);
  });

  it("refuses every path with any sibling changed, and every value", () => {
    const base = sealOf(honest);
    const [challenge] = base.challenges;
    if (challenge === undefined) return;
    const nudge = (path: readonly (readonly bigint[])[], at: number) => [(path[0] ?? []).with(at, 1n)];
    const others: Partial<SealChallengeAssignment>[] = [{ before: 1n }, { after: 1n }];
    for (let slot = 0; slot < 13; slot += 1) {
      others.push({ parentValues: challenge.parentValues.with(slot, 1n) });
      const path = nudge(challenge.parentPaths[slot] ?? [], slot % 7);
      others.push({ parentPaths: challenge.parentPaths.with(slot, path) });
    }
    for (let at = 0; at < 7; at += 1) {
      others.push({ pathBefore: nudge(challenge.pathBefore, at) });
      others.push({ pathAfter: nudge(challenge.pathAfter, at) });
    }
    const lonely = new Set<number>();
    for (const other of others) {
      const broken = violations(sealR1cs, witnessOf(sealCircuit, changed(honest, other)));
      expect(broken.length).toBeGreaterThan(0);
      if (broken.length === 1) lonely.add(broken[0] ?? 0);
    }
    // Each path ends in a comparison of its own: before, after, 13 parents. Without it, the path would pass.
    expect(lonely.size).toBe(15);
  });

  it("canaries: without the constraint that a lie breaks, the lie is accepted", () => {
    const tried = new Set<number>();
    let lonely = 0;
    for (const [, , assignment, expected = assignment] of lies) {
      const inputs = sealPublicInputs(sealShape, expected.replicaId, expected.challenges);
      const witness = witnessFor(sealCircuit, assignment, inputs);
      const broken = violations(sealR1cs, witness);
      if (broken.length !== 1) continue;
      tried.add(broken[0] ?? 0);
      if (tried.size < 4) expect(isSatisfied(without(sealR1cs, broken[0] ?? 0), witness).ok).toBe(true);
      lonely += 1;
    }
    // The key's equation, the two of the first layer, the packing: each is the only one in some lie's way.
    expect([lonely, tried.size]).toEqual([17, 4]);
  });

  it("canary: an unused constraint leaves a variable loose", () => {
    const witness = witnessOf(sealCircuit, sealOf(honest));
    const packing = sealR1cs.parts?.filter(({ part }) => part === "packing").at(0)?.first ?? 0;
    const last = packing + 14 + 14 * 3; // behind the booleans: the comparison with the public element
    expect(looseVariables(without(sealR1cs, last), witness)).toContain(6);
  });

  it("says which value is missing", () => {
    for (const lacking of [
      { pathAfter: [] },
      { parentValues: [] },
      { parentPaths: [] },
      { pathBefore: [] },
    ]) {
      expect(() => witnessOf(sealCircuit, changed(honest, lacking))).toThrow(
        expect.objectContaining({ code: "r1cs/missing-value" }),
      );
    }
  });
});

describe("the seal circuit with BLAKE2s", () => {
  const shape = { nodes: 8, challengesPerProof: 1, keyDerivation: "blake2s" } as const;
  const circuit = zigzagSealCircuit(shape);
  const r1cs = shapeOf(circuit);

  it("has the keys of the native derivation, and refuses any other", () => {
    const check = (one: SealCase) => violations(r1cs, witnessOf(circuit, sealAssignment(shape, [one])));
    expect(check(honest)).toEqual([]);
    expect(check(honestFirst)).toEqual([]);
    for (const lie of [
      { keyHeader: keyHeader(3, 2, 3) },
      { keyParents: (own: readonly bigint[]) => own.with(1, 5n) },
    ]) {
      expect(check({ ...honest, ...lie })).toHaveLength(1);
    }
  });

  it("lets no variable and no public input be changed alone", () => {
    expect(looseVariables(r1cs, witnessOf(circuit, sealAssignment(shape, [honest])))).toEqual([]);
  });
});

describe("the circuit of spacetime", () => {
  const shape = { nodes: 8, sectorsPerProof: 2, challengesPerSector: 2 };
  const circuit = postCircuit(shape);
  const r1cs = shapeOf(circuit);
  const indices = [
    [1, 6],
    [0, 7],
  ] as const;
  const assignment = postAssignment(shape, indices);

  it("is satisfied by openings, and lets nothing be changed alone", () => {
    const witness = witnessOf(circuit, assignment);
    expect(violations(r1cs, witness)).toEqual([]);
    expect(looseVariables(r1cs, witness)).toEqual([]);
    const { root: first } = assignment.sectors[0] ?? {};
    const { root: second } = assignment.sectors[1] ?? {};
    expect(postPublicInputs(shape, assignment.sectors)).toEqual([first, 1n + 6n * 8n, second, 7n * 8n]);
    expect(witness.slice(1, 5)).toEqual(postPublicInputs(shape, assignment.sectors));
  });

  it("refuses other leaves, paths, indices and sectors", () => {
    const [a, b] = assignment.sectors;
    if (a === undefined || b === undefined) return;
    const inputs = postPublicInputs(shape, assignment.sectors);
    for (const sectors of [
      [{ ...a, leaves: a.leaves.toReversed() }, b],
      [{ ...a, paths: a.paths.toReversed() }, b],
      [a, a],
      [b, a],
      [a, { ...b, indices: [1, 7] }],
      postAssignment(shape, [indices[0], [2, 7]]).sectors, // an opening of another node
      [a, { ...b, leaves: b.leaves.with(0, 5n) }],
    ]) {
      expect(violations(r1cs, witnessFor(circuit, { sectors }, inputs)).length).toBeGreaterThan(0);
    }
  });

  it("packs many indices into several elements", () => {
    const many = { nodes: 64, sectorsPerProof: 1, challengesPerSector: 43 };
    const [root, low = 0n, high = 0n] = postPublicInputs(many, [
      { root: 9n, indices: Array.from({ length: 43 }, (_none, i) => i) },
    ]);
    expect(root).toBe(9n);
    const whole = low + (high << 253n);
    for (let i = 0; i < 43; i += 1) expect((whole >> BigInt(6 * i)) & 63n).toBe(BigInt(i));
    expect(low < 1n << 253n).toBe(true);
  });
});

describe("the circuit of SDR", () => {
  const shape = {
    nodes: 2,
    layers: 2,
    challengesPerProof: 1,
    baseDegree: 1,
    expansionDegree: 1,
    labelParents: 2,
  };
  const circuit = sdrSealCircuit(shape);
  const r1cs = shapeOf(circuit);
  const assignment = sdrAssignment(shape, 1, [0, 1]);
  const broken = (other: typeof assignment, expected = assignment) => {
    const inputs = sdrPublicInputs(shape, expected, expected.challenges);
    return brokenParts(r1cs, witnessFor(circuit, other, inputs));
  };

  it("is satisfied by the labels of the specification, and lets nothing be changed alone", () => {
    const witness = witnessOf(circuit, assignment);
    expect(violations(r1cs, witness)).toEqual([]);
    expect(looseVariables(r1cs, witness)).toEqual([]);
    const { replicaId, commD, commR } = assignment;
    expect(witness.slice(1, 5)).toEqual([replicaId, commD, commR, 0b101n]);
  });

  it("refuses false labels, data and replicas", () => {
    const forged = (falsify: Parameters<typeof sdrAssignment>[3]) => {
      const other = sdrAssignment(shape, 1, [0, 1], falsify);
      return broken(other, other);
    };
    const bumped = (values: bigint[], at: number): void => {
      values[at] = (values[at] ?? 0n) + 1n;
    };
    // The labels are the hashes' bits: a false column is one that its path does not lead to.
    expect(forged(({ labels }) => bumped(labels, 0))).toEqual(["Merkle paths"]);
    expect(forged(({ labels }) => bumped(labels, 1))).toEqual(["Merkle paths"]);
    expect(forged(({ replica }) => bumped(replica, 1))).toEqual(["Merkle paths"]);
    const [challenge] = assignment.challenges;
    if (challenge === undefined) return;
    const other = { ...assignment, challenges: [{ ...challenge, data: challenge.data ^ 1n }] };
    expect(broken(other)).toEqual(["data path", "Merkle paths"]);
    expect(broken({ ...assignment, commC: 1n })).toEqual(["commR", "Merkle paths"]);
    expect(broken(assignment, { ...assignment, replicaId: 1n })).toEqual(["labels"]);
    expect(broken(assignment, { ...assignment, commD: 1n })).toEqual(["data path"]);
    expect(broken(assignment, { ...assignment, commR: 1n })).toEqual(["commR"]);
  });
});
