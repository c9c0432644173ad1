/**
 * Idle files of the compatibility profile by the readable reference, against values of the original: parents, trees
 * and paths, whole sets. Columns and the graph alone give the same labels.
 */
import { createHash } from "node:crypto";
import { concatBytes, equalBytes, fromHex, toHex, utf8Bytes } from "@holdfast/base";
import {
  cessAuxNodes,
  cessFileNumber,
  cessHead,
  cessHotInGroup,
  cessHotPosition,
  cessHotRow,
  cessLabelBytes,
  cessParents,
  cessPathByAux,
  cessRootOfAux,
  cessRowOverLabels,
  checkCessShape,
  plainCessLayer,
  planCessSet,
  verifyCessPath,
} from "@holdfast/proofs";
import { sha512 } from "@noble/hashes/sha2.js";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CessSetVector, cessSets, madeSet, minerId, setOf } from "./cess-fixtures.ts";
import { flipBit, holds, readVectors } from "./vectors.ts";

interface GraphVectors {
  readonly sets: readonly {
    readonly n: number;
    readonly d: number;
    readonly cases: readonly {
      readonly cluster: number;
      readonly realLayer: number;
      readonly node: number;
      readonly parents: readonly number[];
    }[];
  }[];
}

describe("the graph", () => {
  it("gives the parents of the original, also where one is chosen twice", () => {
    for (const { n, d, cases } of readVectors<GraphVectors>("idle", "cess-graph").sets) {
      for (const { cluster, realLayer, node, parents } of cases) {
        const file = { minerId, nodes: n, degree: d, cluster, realLayer };
        expect(cessParents(file, node)).toEqual(parents);
      }
    }
  });

  it("has rows for hot positions, and for no others", () => {
    const shapes = fc.record({ log: fc.integer({ min: 8, max: 20 }), share: fc.integer({ min: 0, max: 7 }) });
    holds(
      fc.property(shapes, fc.nat(), ({ log, share }, any) => {
        const graph = { nodes: 2 ** log, degree: 2 ** Math.min(share, log - 8) };
        const row = any % (cessHotInGroup * graph.degree);
        const position = cessHotPosition(graph, row);
        expect(cessHotRow(graph, position)).toBe(row);
        const other = any % graph.nodes;
        const found = cessHotRow(graph, other);
        if (found !== undefined) expect(cessHotPosition(graph, found)).toBe(other);
      }),
    );
    const small = { nodes: 4096, degree: 4 };
    const hot = Array.from({ length: small.nodes }, (_none, at) => cessHotRow(small, at)).filter(
      (row) => row !== undefined,
    );
    expect(hot).toEqual(Array.from({ length: 1024 }, (_none, row) => row));
  });
});

interface TreeVectors {
  readonly leaves: number;
  readonly root: string;
  readonly aux: string;
  readonly paths: readonly {
    readonly index: number;
    readonly label: string;
    readonly locs: string;
    readonly siblings: readonly string[];
  }[];
}

describe("the tree", () => {
  const vectors = readVectors<TreeVectors>("idle", "cess-tree");
  const labels = concatBytes(
    ...Array.from({ length: vectors.leaves }, (_none, i) => {
      const number = new Uint8Array(8);
      number[6] = i >> 8;
      number[7] = i & 0xff;
      return sha512(concatBytes(utf8Bytes("mht"), number));
    }),
  );
  const aux = cessRowOverLabels(labels, cessAuxNodes);
  const root = cessRootOfAux(aux);

  it("has the root, the row of 64 and the paths of the original", () => {
    expect([toHex(aux), toHex(root)]).toEqual([vectors.aux, vectors.root]);
    const partBytes = labels.length / cessAuxNodes;
    for (const { index, label, locs, siblings } of vectors.paths) {
      const part = Math.floor((index * cessLabelBytes) / partBytes) * partBytes;
      const path = cessPathByAux(aux, labels.subarray(part, part + partBytes), index);
      expect(toHex(Uint8Array.from(path.locs))).toBe(locs);
      expect(path.siblings.map(toHex)).toEqual(siblings);
      expect(verifyCessPath(root, fromHex(label), index, path)).toBe(true);
    }
  });

  it("believes no changed path, and none for another position", () => {
    const part = labels.subarray(0, labels.length / cessAuxNodes);
    const path = cessPathByAux(aux, part, 1);
    const label = labels.subarray(cessLabelBytes, 2 * cessLabelBytes);
    expect(verifyCessPath(root, label, 1, path)).toBe(true);
    expect(verifyCessPath(root, flipBit(label, 5), 1, path)).toBe(false);
    expect(verifyCessPath(root, label, 0, path)).toBe(false);
    expect(verifyCessPath(root, label, 1 + vectors.leaves, path)).toBe(false);
    const siblings = path.siblings.map((one, height) => (height === 3 ? flipBit(one, 9) : one));
    expect(verifyCessPath(root, label, 1, { ...path, siblings })).toBe(false);
    expect(verifyCessPath(root, label, 1, { ...path, locs: path.locs.slice(1) })).toBe(false);
  });
});

const sha256Hex = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe("sets by the reference", () => {
  const vectors = cessSets.filter(({ files }) => files !== undefined);

  it.each(vectors.map((set): [string, CessSetVector] => [`k ${set.k}, n ${set.n}, d ${set.d}`, set]))(
    "%s: every file, its tree, and the commit hash",
    (_name, vector) => {
      const { files, roots } = madeSet(vector);
      expect(toHex(roots.commitHash)).toBe(vector.commitHash);
      vector.files?.forEach((one, index) => {
        const bytes = files[index] ?? new Uint8Array(0);
        expect(sha256Hex(bytes)).toBe(one.sha256);
        expect(toHex(roots.roots.subarray(32 * index, 32 * index + 32))).toBe(one.root);
        expect(sha256Hex(roots.aux.subarray(2048 * index, 2048 * index + 2048))).toBe(one.auxSha256);
        for (const [position, label] of Object.entries(one.labels)) {
          const at = cessLabelBytes * Number(position);
          expect(toHex(bytes.subarray(at, at + cessLabelBytes))).toBe(label);
        }
      });
    },
  );

  it("are the same in blocks of any size, and by the graph alone", () => {
    const vector = cessSets[0] as CessSetVector;
    const { files, roots } = madeSet(vector);
    for (const blockNodes of [64, 512]) expect(madeSet(vector, blockNodes)).toEqual({ files, roots });
    const { shape, startCluster, clusters } = setOf(vector);
    // The second file that stays of the second cluster: its layer before is 1, its elder 1, and all files are there.
    const realLayer = 3;
    const cluster = startCluster + 1;
    const file = (layer: number, offset: number): Uint8Array =>
      files[layer * clusters + offset] as Uint8Array;
    const into = new Uint8Array(shape.nodes * cessLabelBytes);
    const head = cessHead({ minerId, shape, cluster, realLayer });
    const pass = plainCessLayer({
      head,
      into,
      previous: file(1, 1),
      elders: file(1, 1),
      before: file(3, 0),
    });
    pass.run(0, shape.nodes);
    expect(equalBytes(into, file(realLayer, 1))).toBe(true);
  });
});

describe("what does not exist is refused", () => {
  it("shapes, sets, miners", () => {
    const good = { layers: 8, nodes: 1024, degree: 4 };
    expect(() => checkCessShape(good)).not.toThrow();
    for (const wrong of [
      { layers: 0 },
      { layers: 65 },
      { nodes: 1000 },
      { nodes: 512 },
      { degree: 3 },
      { degree: 256 },
      { nodes: 2 ** 28, layers: 8 },
    ])
      expect(() => checkCessShape({ ...good, ...wrong })).toThrow(
        expect.objectContaining({ code: "cess/bad-shape" }),
      );
    const set = { minerId, shape: good, startCluster: 1, clusters: 32 };
    expect(() => planCessSet({ ...set, clusters: 0 })).toThrow(
      expect.objectContaining({ code: "cess/bad-set" }),
    );
    expect(() => planCessSet({ ...set, startCluster: 0 })).toThrow(
      expect.objectContaining({ code: "cess/bad-set" }),
    );
    expect(() => planCessSet(set, 100)).toThrow(expect.objectContaining({ code: "cess/bad-set" }));
    expect(() => planCessSet({ ...set, minerId: new Uint8Array(31) })).toThrow(
      expect.objectContaining({ code: "cess/bad-miner" }),
    );
  });

  it("numbers files from 1, cluster after cluster", () => {
    const shape = { layers: 8, nodes: 1024, degree: 4 };
    expect([7, 8, 15].map((layer) => cessFileNumber(shape, 3, layer))).toEqual([0, 17, 24]);
  });
});
