/** HAMT and AMT: the public Go implementations' roots, and a plain Map as the model of every history. */
import * as base from "@holdfast/base";
import { type Blockstore, type CID, MemoryBlockstore, toHex, utf8Bytes } from "@holdfast/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BaseModule, readVectors, withMutant } from "./support.ts";

interface Step {
  readonly op: "set" | "delete";
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly add?: number;
}
interface Checkpoint {
  readonly steps?: readonly Step[];
  readonly singles?: readonly { readonly key: number; readonly value?: number }[];
  readonly count: number;
  readonly root: string;
  readonly rootHex?: string;
}
interface Vectors {
  readonly cases: readonly { name: string; bitWidth: number; checkpoints: readonly Checkpoint[] }[];
}
interface Tree {
  set(key: number, value: number): void;
  delete(key: number): void;
  /** Writes the tree and reads it again. */
  reload(): CID;
  size(): number;
}

const keyOf = (key: number): Uint8Array => utf8Bytes(`key-${key}`);

function hamtTree(module: BaseModule, store: Blockstore): Tree {
  let tree = module.Hamt.empty(store, module.c.uint());
  return {
    set: (key, value) => tree.set(keyOf(key), value),
    delete: (key) => tree.delete(keyOf(key)),
    reload() {
      const root = tree.flush();
      tree = module.Hamt.load(store, module.c.uint(), root);
      return root;
    },
    size: () => [...tree.entries()].length,
  };
}

function amtTree(module: BaseModule, store: Blockstore, bitWidth: number): Tree {
  let tree = module.Amt.empty(store, module.c.uint(), bitWidth);
  return {
    set: (index, value) => tree.set(index, value),
    delete: (index) => tree.delete(index),
    reload() {
      const root = tree.flush();
      tree = module.Amt.load(store, module.c.uint(), root);
      return root;
    },
    size() {
      expect([...tree.entries()].length).toBe(tree.count);
      return tree.count;
    },
  };
}

function replay(tree: Tree, checkpoints: readonly Checkpoint[], store: Blockstore): void {
  for (const { steps = [], singles = [], count, root, rootHex } of checkpoints) {
    for (const { op, from, to, step, add = 0 } of steps) {
      for (let key = from; key < to; key += step) {
        if (op === "set") tree.set(key, key + add);
        else tree.delete(key);
      }
    }
    for (const { key, value } of singles) {
      if (value === undefined) tree.delete(key);
      else tree.set(key, value);
    }
    const cid = tree.reload();
    if (rootHex !== undefined) expect(toHex(store.get(cid) ?? new Uint8Array(0))).toBe(rootHex);
    expect(cid.toString()).toBe(root);
    expect(tree.size()).toBe(count);
  }
}

describe("roots of the Go implementations:", () => {
  it.each(readVectors<Vectors>("trees/hamt.json").cases)("HAMT, $name", ({ bitWidth, checkpoints }) => {
    expect(bitWidth).toBe(5);
    const store = new MemoryBlockstore();
    replay(hamtTree(base, store), checkpoints, store);
  });
  it.each(readVectors<Vectors>("trees/amt.json").cases)("AMT, $name", ({ bitWidth, checkpoints }) => {
    const store = new MemoryBlockstore();
    replay(amtTree(base, store, bitWidth), checkpoints, store);
  });
});

type Command =
  | { readonly kind: "set"; readonly key: number; readonly value: number }
  | { readonly kind: "delete"; readonly key: number }
  | { readonly kind: "flush" | "reload" };

const commands = (keys: fc.Arbitrary<number>) =>
  fc.array(
    fc.oneof(
      { weight: 5, arbitrary: fc.record({ kind: fc.constant("set" as const), key: keys, value: fc.nat() }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant("delete" as const), key: keys }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("flush" as const, "reload" as const) }) },
    ),
    { maxLength: 120, size: "max" },
  );

/**
 * A hash whose first 10 bits are poor, so that a few keys already make children of children, and children
 * that collapse; and the real one.
 */
function withPoorHash(module: BaseModule, run: () => void): void {
  const { sha256 } = module.nobleKernel;
  const restore = module.installCryptoKernel({
    sha256(bytes) {
      const digest = sha256(bytes);
      digest[0] = (digest[0] ?? 0) & 0x08;
      digest[1] = (digest[1] ?? 0) & 0x41;
      return digest;
    },
  });
  try {
    run();
  } finally {
    restore();
  }
}

function hamtIsAMap(module: BaseModule): void {
  const run = (list: readonly Command[]): void => {
    const store = new MemoryBlockstore();
    const codec = module.c.uint();
    let tree = module.Hamt.empty(store, codec);
    const model = new Map<number, number>();
    for (const command of list) {
      if (command.kind === "set") {
        tree.set(keyOf(command.key), command.value);
        model.set(command.key, command.value);
      } else if (command.kind === "delete") {
        expect(tree.delete(keyOf(command.key))).toBe(model.delete(command.key));
      } else {
        const root = tree.flush();
        if (command.kind === "reload") tree = module.Hamt.load(store, codec, root);
      }
    }
    for (let key = 0; key < 40; key++) {
      expect(tree.get(keyOf(key))).toBe(model.get(key));
      expect(tree.has(keyOf(key))).toBe(model.has(key));
    }
    const expected = [...model].map(([key, value]): [string, number] => [`key-${key}`, value]).sort();
    expect(
      [...tree.entries()].map(([key, value]): [string, number] => [base.utf8Text(key), value]).sort(),
    ).toEqual(expected);
    // The same content put in afresh, in another order, has the same root.
    const fresh = module.Hamt.empty(new MemoryBlockstore(), codec);
    for (const [key, value] of [...model].sort(([a], [b]) => b - a)) fresh.set(keyOf(key), value);
    const root = tree.flush();
    expect(root.toString()).toBe(fresh.flush().toString());
    // And what was written is complete and reads back.
    expect([...module.Hamt.load(store, codec, root).entries()]).toHaveLength(model.size);
  };
  const property = fc.property(commands(fc.nat(39)), run);
  fc.assert(property, runsOf(module, 60));
  withPoorHash(module, () => fc.assert(property, runsOf(module, 120)));
}

/** A canary ends at the first failure, so it may look far longer: one that is missed once in many runs is no canary. */
function runsOf(module: BaseModule, runs: number): fc.Parameters<unknown> {
  return module === base ? { numRuns: runs } : { numRuns: 20 * runs, endOnFailure: true };
}

function amtIsASparseList(module: BaseModule): void {
  const index = fc.oneof(
    fc.nat(20),
    fc.nat(600),
    fc.tuple(fc.nat(52), fc.integer({ min: -1, max: 1 })).map(([bits, off]) => Math.max(0, 2 ** bits + off)),
  );
  const run = (bitWidth: number, list: readonly Command[]): void => {
    const store = new MemoryBlockstore();
    const codec = module.c.nullable(module.c.uint());
    let tree = module.Amt.empty(store, codec, bitWidth);
    const model = new Map<number, number | null>();
    for (const command of list) {
      if (command.kind === "set") {
        const value = command.value % 3 === 0 ? null : command.value;
        tree.set(command.key, value);
        model.set(command.key, value);
      } else if (command.kind === "delete") {
        expect(tree.delete(command.key)).toBe(model.delete(command.key));
      } else {
        const root = tree.flush();
        if (command.kind === "reload") tree = module.Amt.load(store, codec, root);
      }
    }
    const sorted = [...model].sort(([a], [b]) => a - b);
    expect([...tree.entries()]).toEqual(sorted);
    expect(tree.count).toBe(model.size);
    for (const [from] of [...sorted.slice(0, 3), ...sorted.slice(-3)])
      for (const first of [from, from + 1])
        expect([...tree.entries(first)]).toEqual(sorted.filter(([key]) => key >= first));
    for (const command of list) {
      if ("key" in command) expect(tree.get(command.key)).toBe(model.get(command.key));
    }
    const fresh = module.Amt.empty(new MemoryBlockstore(), codec, bitWidth);
    for (const [key, value] of sorted.reverse()) fresh.set(key, value);
    const root = tree.flush();
    expect(root.toString()).toBe(fresh.flush().toString());
    expect([...module.Amt.load(store, codec, root).entries()]).toHaveLength(model.size);
    if ((sorted[0]?.[0] ?? 0) < Number.MAX_SAFE_INTEGER - 1)
      expect(tree.push(1)).toBe((sorted[0]?.[0] ?? -1) + 1);
  };
  fc.assert(fc.property(fc.integer({ min: 1, max: 8 }), commands(index), run), runsOf(module, 120));
}

describe("histories", () => {
  it("of a HAMT are those of a map", () => hamtIsAMap(base));
  it("of an AMT are those of a sparse list", () => amtIsASparseList(base));

  it.each([
    ["no collapse", "trees/hamt.ts", "if (bucket !== undefined) node.pointers[position] = bucket;", ""],
    [
      "collapse to an unsorted bucket",
      "trees/hamt-node.ts",
      "return entries.sort((a, b) => compareBytes(a.key, b.key));",
      "return entries;",
    ],
    [
      "a stale CID after a delete",
      "trees/hamt.ts",
      "pointer.cid = undefined;\n    const bucket",
      "const bucket",
    ],
    [
      "a stale CID after a set",
      "trees/hamt.ts",
      "level + 1, entry);\n    pointer.cid = undefined;",
      "level + 1, entry);",
    ],
    ["buckets in the order of arrival", "trees/hamt.ts", "if (order < 0) break;", ""],
    ["buckets of four", "trees/hamt-node.ts", "export const bucketSize = 3;", "export const bucketSize = 4;"],
  ])("a HAMT with a planted fault is noticed: %s", async (what, file, from, to) => {
    await withMutant(file, from, to, (mutant) => {
      if (what === "buckets of four") {
        // Consistent with itself: only the other implementation can tell.
        const { cases } = readVectors<Vectors>("trees/hamt.json");
        const store = new MemoryBlockstore();
        const churn = cases.find(({ name }) => name === "churn over 150 keys");
        expect(() => replay(hamtTree(mutant, store), churn?.checkpoints ?? [], store)).toThrow();
      } else {
        expect(() => hamtIsAMap(mutant)).toThrow();
      }
    });
  });

  it.each([
    ["the tree stays high", "trees/amt.ts", "    this.#shrink();\n    return true;", "    return true;"],
    ["empty nodes stay", "trees/amt.ts", "if (isEmptyNode(child)) node.slots[slot] = undefined;", ""],
    [
      "overwriting counts",
      "trees/amt.ts",
      "const isNew = node.slots[index] === undefined;",
      "const isNew = true;",
    ],
    [
      "a stale CID after a set",
      "trees/amt.ts",
      "    link.cid = undefined;\n    node.slots[slot] = link;",
      "    node.slots[slot] = link;",
    ],
    ["growing drops the old tree", "trees/amt.ts", "!isEmptyNode(this.#node)", "isEmptyNode(this.#node)"],
  ])("an AMT with a planted fault is noticed: %s", async (_what, file, from, to) => {
    await withMutant(file, from, to, (mutant) => expect(() => amtIsASparseList(mutant)).toThrow());
  });
});
