/**
 * The vanilla seal proof of 2019. Honest proofs verify. For each check that the era left out, a forger who
 * did not do the work makes a proof that passes every check the era made, and fails exactly the one that it
 * lacked. So each added check is needed, and the era's verifier is shown to be fooled.
 */
import { concatBytes } from "@holdfast/base";
import {
  buildEraTree,
  type EraChallengeParams,
  type EraPartitionProof,
  type EraReplication,
  type EraSealCheck,
  type EraSealStatement,
  type EraTree,
  eraChallengeParams,
  eraGraph,
  eraKdf,
  eraReplication,
  eraSealOmissions,
  eraSealStatement,
  eraSectorData,
  failedEraSealChecks,
  frFromBytes,
  frModulus,
  frsFromBytes,
  frsToBytes,
  frToBytes,
  proveEraSeal,
  replicateEra,
  sealZigzag2019,
  sha256EraHasher,
  slothEncode,
  verifyEraSeal,
  zigzag2019Statement,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { flipBit, holds, leavesOf, readVectors } from "./vectors.ts";

const nodes = 32;
const graph = eraGraph(nodes);
const replication: EraReplication = { ...eraReplication(graph, 4), hasher: sha256EraHasher };
const replicaId = frToBytes(7n);
const data = leavesOf(nodes, 3n);
const honest = replicateEra(replication, replicaId, data);
const statement = eraSealStatement(replication, eraChallengeParams, replicaId, honest);
const proof = proveEraSeal(statement, honest.trees);
const proofsOf = () => structuredClone(proof) as EraPartitionProof[];

const tree = (leaves: Uint8Array): EraTree => buildEraTree(sha256EraHasher, leaves);
const garbage = (seed: bigint): EraTree => tree(leavesOf(nodes, seed));
const statementOf = (trees: readonly EraTree[]): EraSealStatement =>
  eraSealStatement(replication, eraChallengeParams, replicaId, { roots: trees.map(({ root }) => root) });

interface Forgery {
  readonly statement: EraSealStatement;
  readonly proofs: readonly EraPartitionProof[];
}

type Changed<T> = { -readonly [K in keyof T]: T[K] };

/** Changes every challenge's entry of every layer of a proof. */
function edit(
  proofs: readonly EraPartitionProof[],
  change: (layer: Changed<EraPartitionProof["layers"][number]>, index: number) => void,
): EraPartitionProof[] {
  return proofs.map(({ layers, taus }) => ({
    taus,
    layers: layers.map((layer, index) => {
      const copy = { ...layer };
      change(copy, index);
      return copy;
    }),
  }));
}

/** Nothing is stored and nothing encoded: each value after is made up to decode to what the tree before has. */
function madeUpValues(): Forgery {
  const trees = [tree(data), ...[11n, 12n, 13n, 14n].map(garbage)];
  const forged = statementOf(trees);
  const proofs = edit(proveEraSeal(forged, trees), (layer) => {
    layer.nodes = layer.nodes.map(({ proof: opening }) => ({ proof: opening, value: opening.leaf }));
    layer.replicaNodes = layer.replicaNodes.map(({ proof: opening }, i) => {
      const parents = (layer.replicaParents[i] ?? []).map(({ value }) => value);
      const key = frFromBytes(eraKdf(concatBytes(replicaId, ...parents)));
      const value = frToBytes(slothEncode(key, frFromBytes(layer.nodes[i]?.value ?? data), 0));
      return { proof: opening, value };
    });
  });
  return { statement: forged, proofs };
}

/**
 * Every node is encoded under one key, as if each parent had the value `claimed`: no work that depends on
 * other nodes.
 */
function constantParents(claimed: Uint8Array): Forgery {
  const parents = new Array<Uint8Array>(graph.totalDegree).fill(claimed);
  const key = frFromBytes(eraKdf(concatBytes(replicaId, ...parents)));
  const encode = (leaves: Uint8Array): Uint8Array =>
    frsToBytes(frsFromBytes(leaves).map((value) => slothEncode(key, value, 0)));
  const layers = [data];
  for (let layer = 0; layer < 4; layer += 1) layers.push(encode(layers[layer] ?? data));
  const trees = layers.map(tree);
  const forged = statementOf(trees);
  const proofs = edit(proveEraSeal(forged, trees), (layer) => {
    layer.nodes = layer.nodes.map(({ proof: opening }) => ({ proof: opening, value: opening.leaf }));
    layer.replicaParents = layer.replicaParents.map((list) =>
      list.map((one) => ({ ...one, value: claimed })),
    );
  });
  return { statement: forged, proofs };
}

/** The commitments are of something else altogether; the openings are of an honest replica. */
function otherRoots(): Forgery {
  const claimed = [garbage(21n), garbage(22n), garbage(23n), garbage(24n), garbage(25n)];
  const forged = statementOf(claimed);
  const opened = proveEraSeal(forged, honest.trees);
  const taus = proveEraSeal(forged, claimed)[0]?.taus ?? [];
  return { statement: forged, proofs: opened.map(({ layers }) => ({ layers, taus })) };
}

/** Layers 1 to 3 encode zeros; only the first layer ever saw the data. */
function brokenChain(): Forgery {
  const others = replicateEra({ ...replication, layers: 5 }, replicaId, new Uint8Array(nodes * 32));
  const before = [honest.trees[0], others.trees[1], others.trees[2], others.trees[3]] as EraTree[];
  const after = [honest.trees[1], others.trees[2], others.trees[3], others.trees[4]] as EraTree[];
  const last = after[3] as EraTree;
  const forged = statementOf([before[0] as EraTree, ...after]);
  const first = proveEraSeal(forged, honest.trees);
  const rest = proveEraSeal(forged, [...others.trees.slice(0, 4), last]);
  const taus = before.map(({ root }, i) => ({ commD: root, commR: after[i]?.root ?? root }));
  const proofs = rest.map(({ layers }, i) => ({
    layers: [first[i]?.layers[0], ...layers.slice(1)] as EraPartitionProof["layers"],
    taus,
  }));
  return { statement: forged, proofs };
}

/** An honest proof of a seal of zeros, handed in for other data. */
function otherData(): Forgery {
  const zeros = replicateEra(replication, replicaId, new Uint8Array(nodes * 32));
  const own = statementOf(zeros.trees);
  return { statement: { ...own, commD: statement.commD }, proofs: proveEraSeal(own, zeros.trees) };
}

/** As `otherData`, at the other end: comm_r is of a replica that comm_r* does not know. */
function otherReplica(): Forgery {
  return { statement: { ...statement, commR: garbage(31n).root }, proofs: proof };
}

/** Trees of twice the size: the sector is one half, the other half is free for whatever. */
function longerPaths(): Forgery {
  const trees = honest.trees.map(({ rows }) => tree(concatBytes(rows[0] ?? data, leavesOf(nodes, 41n))));
  const forged = statementOf(trees);
  return { statement: forged, proofs: proveEraSeal(forged, trees) };
}

describe("the seal proof of 2019", () => {
  it("verifies what its own API sealed, with Pedersen trees", () => {
    interface Seals {
      seals: { userByte: number; proverIdByte: number }[];
    }
    const { userByte, proverIdByte } = readVectors<Seals>("proofs", "zigzag-2019").seals[1] ?? {};
    const user = new Uint8Array(1016).fill(userByte ?? 0);
    const request = { sectorBytes: 1024, data: user, proverId: new Uint8Array(31).fill(proverIdByte ?? 0) };
    const seal = sealZigzag2019({ ...request, sectorId: 0 });
    const own = zigzag2019Statement(1024, eraChallengeParams, seal);
    const { trees } = replicateEra(eraReplication(graph, 4), seal.replicaId, eraSectorData(1024, user));
    const proofs = proveEraSeal(own, trees);
    expect(proofs.map(({ layers }) => layers.map((layer) => layer.nodes.length))).toEqual([
      [1, 1, 2, 2],
      [1, 1, 2, 2],
    ]);
    expect([...failedEraSealChecks(own, proofs)]).toEqual([]);
    expect(verifyEraSeal({ ...own, replicaId: flipBit(own.replicaId, 0) }, proofs)).toBe(false);
  });

  it("verifies honest proofs of any partitions and layers", () => {
    const shapes = fc.record({
      layers: fc.integer({ min: 1, max: 5 }),
      partitions: fc.integer({ min: 1, max: 3 }),
      slothRounds: fc.constantFrom(0, 1),
      seed: fc.bigInt({ min: 0n, max: 2n ** 64n }),
    });
    holds(
      fc.property(shapes, ({ layers, partitions, slothRounds, seed }) => {
        const params: EraChallengeParams = {
          ...eraChallengeParams,
          layers,
          partitions,
          minimumChallenges: 4,
        };
        const own = { ...replication, layers, slothRounds };
        const made = replicateEra(own, replicaId, leavesOf(nodes, seed));
        const about = eraSealStatement(own, params, replicaId, made);
        expect([...failedEraSealChecks(about, proveEraSeal(about, made.trees))]).toEqual([]);
      }),
      { numRuns: 6 },
    );
  });

  const forgeries: [EraSealCheck, string, () => Forgery][] = [
    ["replica-leaf", "values that no replica holds", madeUpValues],
    ["parent-leaf", "parents that are zero", () => constantParents(new Uint8Array(32))],
    ["roots", "openings of another replica", otherRoots],
    ["chain", "layers that do not follow on each other", brokenChain],
    ["commitments", "other data", otherData],
    ["commitments", "another replica's commitment", otherReplica],
    ["path-length", "trees of twice the size", longerPaths],
    ["form", "parents that are the modulus, another zero", () => constantParents(frToBytes(frModulus))],
  ];

  it.each(forgeries)("refuses what the era took, by %s: %s", (check, _what, forge) => {
    const forgery = forge();
    expect([...failedEraSealChecks(forgery.statement, forgery.proofs)]).toEqual([check]);
    expect(verifyEraSeal(forgery.statement, forgery.proofs)).toBe(false);
  });

  it("has a forgery for each check that the era lacked", () => {
    expect(new Set(forgeries.map(([check]) => check))).toEqual(eraSealOmissions);
  });

  const spoil = (path: (string | number)[], change: (value: never) => unknown): EraPartitionProof[] => {
    const copy = proofsOf();
    const holder = path.slice(0, -1).reduce<unknown>((at, key) => Reflect.get(at as object, key), copy);
    const key = path.at(-1) ?? 0;
    Reflect.set(holder as object, key, change(Reflect.get(holder as object, key) as never));
    return copy;
  };
  const flip = (bytes: Uint8Array): Uint8Array => flipBit(bytes, 9);
  const era: [EraSealCheck, EraPartitionProof[]][] = [
    ["counts", proofsOf().slice(1)],
    ["counts", spoil([0, "layers"], (layers: unknown[]) => layers.slice(1))],
    ["position", spoil([1, "layers", 2, "nodes", 0, "proof", "path", 0, "isRight"], (is: boolean) => !is)],
    ["parents", spoil([0, "layers", 3, "replicaParents", 0, 4, "node"], (node: number) => node ^ 1)],
    ["paths", spoil([0, "layers", 0, "nodes", 0, "proof", "path", 2, "sibling"], flip)],
    ["encoding", spoil([0, "layers", 3, "replicaNodes", 1, "value"], flip)],
    ["data-leaf", spoil([1, "layers", 1, "nodes", 0, "value"], flip)],
    ["comm-r-star", spoil([1, "taus", 1, "commR"], flip)],
  ];

  it.each(era)("keeps the era's own check: %s", (check, proofs) => {
    expect(failedEraSealChecks(statement, proofs)).toContain(check);
  });

  it("answers whatever a peer sends", () => {
    const junk: unknown[] = [undefined, null, 3, "x", {}, [], [null], [{}], [[], []], { length: 2 }];
    for (const one of junk) {
      expect(verifyEraSeal(statement, one as EraPartitionProof[])).toBe(false);
      for (const path of [
        [0, "layers"],
        [0, "taus"],
        [1, "layers", 0],
        [0, "layers", 2, "nodes"],
        [0, "layers", 2, "replicaParents", 0],
        [0, "layers", 2, "replicaNodes", 0, "proof"],
        [0, "layers", 2, "replicaNodes", 0, "proof", "path"],
        [0, "taus", 0, "commD"],
      ]) {
        expect(
          verifyEraSeal(
            statement,
            spoil(path, () => one),
          ),
        ).toBe(false);
      }
    }
    expect(verifyEraSeal({ ...statement, commRStar: new Uint8Array(31) }, proof)).toBe(false);
  });

  it("refuses any change of any byte", () => {
    const bytes: (string | number)[][] = [];
    const walk = (value: unknown, path: (string | number)[]): void => {
      if (value instanceof Uint8Array) bytes.push(path);
      else if (Array.isArray(value))
        value.forEach((one, i) => {
          walk(one, [...path, i]);
        });
      else if (typeof value === "object" && value !== null) {
        for (const [key, one] of Object.entries(value)) walk(one, [...path, key]);
      }
    };
    walk(proof, []);
    holds(
      fc.property(fc.nat(), fc.nat({ max: 255 }), (pick, bit) => {
        const path = bytes[pick % bytes.length] ?? [];
        return !verifyEraSeal(
          statement,
          spoil(path, (value: Uint8Array) => flipBit(value, bit)),
        );
      }),
      { numRuns: 40 },
    );
  });
});
