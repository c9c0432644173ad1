/**
 * The accumulator of three levels: the additions, deletions, witnesses and files of the original; any sequence of
 * updates against the strict judges; and what made the original lose files, stop or fall over.
 */
import { createHash } from "node:crypto";
import { concatBytes, toBase64, toHex, utf8Bytes } from "@holdfast/base";
import {
  CessAccumulator,
  type CessBasis,
  type CessChain,
  type CessLevels,
  CessPrimes,
  type CessState,
  type CessTop,
  cessBasis,
  cessMembers,
  cessPrime,
  cessPrimeDistance,
  cessValueBytes,
  decodeCessDeletionProof,
  deleteCessElements,
  emptyCessLevels,
  encodeCessDeletionProof,
  insertCessElements,
  recoverCessLevels,
  savedCessLevels,
  verifyCessDelete,
  verifyCessInsert,
  verifyCessMembers,
} from "@holdfast/proofs";
import { sha512 } from "@noble/hashes/sha2.js";
import * as fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { installOddNumbers, installOpensslNumbers } from "./openssl-numbers.ts";
import { holds, readVectors } from "./vectors.ts";

type Hex<T> = { readonly [name in keyof T]: string };

interface LevelVectors {
  readonly modulus: string;
  readonly base: string;
  readonly distances: readonly number[];
  readonly steps: readonly {
    readonly op: "add" | "delete";
    readonly count: number;
    readonly before: Hex<CessChain>;
    readonly after: Hex<CessTop>;
    readonly mids: readonly {
      readonly value: string;
      readonly subs: readonly { readonly files: number; readonly value: string }[];
    }[];
    readonly root: string;
  }[];
  readonly members: readonly {
    readonly file: number;
    readonly element: string;
    readonly witness: string;
    readonly chain: Hex<CessChain>;
  }[];
  readonly files: { readonly [name: string]: { readonly bytes: number; readonly sha256: string } };
}

const vectors = readVectors<LevelVectors>("idle", "cess-levels");
const key = { modulus: BigInt(`0x${vectors.modulus}`), base: BigInt(`0x${vectors.base}`) };
const element = (i: number): Uint8Array => sha512(utf8Bytes(`ml-${i}`));
const elements = (low: number, high: number): Uint8Array[] =>
  Array.from({ length: high - low }, (_none, i) => element(low + i));

let restore = (): void => undefined;
afterEach(() => restore());

const hexOf = <T extends { readonly [name: string]: bigint }>(values: T): Hex<T> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, toHex(cessValueBytes(value))]),
  ) as Hex<T>;

const rootOf = ({ root, front, rear }: CessState): CessState => ({ root, front, rear });

/** As the original keeps a sub-accumulator. */
function goFile(values: readonly Uint8Array[], witnesses: readonly bigint[]): string {
  const list = (items: readonly Uint8Array[]): string =>
    `[${items.map((one) => `"${toBase64(one)}"`).join(",")}]`;
  return `{"values":${list(values)},"wits":${list(witnesses.map(cessValueBytes))}}`;
}

describe("the accumulator of the original", () => {
  const primes = new CessPrimes();
  for (const [i, distance] of vectors.distances.entries()) primes.learn(element(i), distance);
  const basis = cessBasis(key, primes);

  it("has its proofs and values after every update, which the judges take", () => {
    restore = installOpensslNumbers();
    let levels = emptyCessLevels(basis);
    for (const { op, count, before, after, mids, root } of vectors.steps) {
      const { front, rear } = levels;
      const own = op === "add" ? elements(rear, rear + count) : elements(front, front + count);
      const change = op === "add" ? insertCessElements(levels, own) : deleteCessElements(levels, count);
      expect([hexOf({ ...change.update.before }), hexOf({ ...change.update.after })]).toEqual([
        before,
        after,
      ]);
      const judge = op === "add" ? verifyCessInsert : verifyCessDelete;
      expect(judge(basis, rootOf(levels), own, change.update)).toEqual(rootOf(change.levels));
      levels = change.levels;
      expect(toHex(cessValueBytes(levels.root))).toBe(root);
      expect(
        levels.mids.map(({ subs }) =>
          subs.map((sub) => [sub.elements.length, toHex(cessValueBytes(sub.value))]),
        ),
      ).toEqual(mids.map(({ subs }) => subs.map(({ files, value }) => [files, value])));
    }
    expect([levels.front, levels.rear]).toEqual([266, 768]);
    expectWitnessesAndFiles(levels);
  });

  function expectWitnessesAndFiles(levels: CessLevels): void {
    for (const { file, element: hex, witness, chain } of vectors.members) {
      const [member] = cessMembers(levels, file, file + 1);
      expect(toHex(member?.element ?? new Uint8Array(0))).toBe(hex);
      expect([hexOf({ witness: member?.witness ?? 0n }), hexOf({ ...member?.chain })]).toEqual([
        { witness },
        chain,
      ]);
    }
    const recovered = recoverCessLevels(basis, savedCessLevels(levels));
    expect(recovered.root).toBe(levels.root);
    for (const [name, index] of [
      ["sub-acc-1", 0],
      ["sub-acc-2", 1],
    ] as const) {
      const sub = recovered.mids[0]?.subs[index];
      const bytes = goFile(sub?.elements ?? [], sub?.witnesses(0, sub.elements.length) ?? []);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      expect({ bytes: bytes.length, sha256 }).toEqual(vectors.files[name]);
    }
  }

  it("learns primes that were found before", () => {
    restore = installOpensslNumbers();
    for (const i of [0, 255, 767]) {
      expect(primes.of(element(i))).toBe(cessPrime(element(i)));
      expect(cessPrimeDistance(element(i), primes.of(element(i)))).toBe(vectors.distances[i]);
    }
  });
});

/** Updates of an accumulator of sub-accumulators of three files: what to do, and with how many. */
const updates = fc.array(
  fc.record({
    op: fc.constantFrom("insert", "insert", "delete", "again", "recover"),
    count: fc.integer({ min: 1, max: 3 }),
  }),
  { minLength: 1, maxLength: 60 },
);

const smallBasis = (primes = new CessPrimes()): CessBasis => cessBasis(key, primes, 3);

/** As many as there is room or there are files for. */
function change(levels: CessLevels, op: string, count: number) {
  if (op === "delete") {
    const there = levels.mids[0]?.subs[0]?.elements.length ?? 0;
    return there === 0 ? undefined : deleteCessElements(levels, Math.min(count, there));
  }
  const room = 3 - (levels.rear % 3);
  return insertCessElements(levels, elements(levels.rear, levels.rear + Math.min(count, room)));
}

function expectAllThere(basis: CessBasis, levels: CessLevels): void {
  const { front, rear, root } = levels;
  if (front === rear) {
    expect(root).toBe(key.base);
    return;
  }
  const members = cessMembers(levels, front + 1, rear + 1);
  expect(members.map((member) => member.element)).toEqual(elements(front, rear));
  expect(verifyCessMembers(basis, root, members)).toBe(true);
  expect(() => cessMembers(levels, front, rear + 1)).toThrow(
    expect.objectContaining({ code: "cess/no-such-files" }),
  );
  expect(() => cessMembers(levels, front + 1, rear + 2)).toThrow(
    expect.objectContaining({ code: "cess/no-such-files" }),
  );
}

describe("any sequence of updates", () => {
  it("is what the judges take, keeps every file, and is recovered as it was", () => {
    restore = installOddNumbers();
    const basis = smallBasis();
    holds(
      fc.property(updates, (steps) => {
        const ledger = new CessAccumulator(emptyCessLevels(basis));
        for (const { op, count } of steps) {
          const { levels } = ledger;
          if (op === "recover") {
            expect(recoverCessLevels(basis, savedCessLevels(levels)).root).toBe(levels.root);
            continue;
          }
          const changed = change(levels, op, count);
          if (changed === undefined) continue;
          const added = changed.levels.rear - levels.rear;
          const own =
            added > 0
              ? elements(levels.rear, levels.rear + added)
              : elements(levels.front, changed.levels.front);
          const update = added > 0 ? ledger.prepareInsert(own) : ledger.prepareDelete(own.length);
          const judge = added > 0 ? verifyCessInsert : verifyCessDelete;
          expect(judge(basis, rootOf(levels), own, update)).toEqual(rootOf(changed.levels));
          if (op === "again") ledger.rollback();
          else ledger.confirm();
        }
        expectAllThere(basis, ledger.levels);
      }),
      { numRuns: 12 },
    );
  });
});

describe("what made the original lose, stop or fall over", () => {
  const filled = (basis: CessBasis, count: number): CessLevels => {
    let levels = emptyCessLevels(basis);
    for (let at = 0; at < count; at += 3) levels = insertCessElements(levels, elements(at, at + 3)).levels;
    return levels;
  };

  it("a value that begins with a zero byte is one like any other", () => {
    restore = installOddNumbers();
    const basis = smallBasis();
    let levels = filled(basis, 3);
    let short = false;
    for (let round = 0; round < 2000 && !short; round += 1) {
      levels = insertCessElements(filled(basis, 3), elements(1000 + round, 1001 + round)).levels;
      short = levels.root < 1n << 504n;
    }
    expect(cessValueBytes(levels.root).length).toBeLessThan(64);
    const { update, levels: after } = deleteCessElements(levels, 2);
    const roots = [new Uint8Array(32), new Uint8Array(32)];
    const read = decodeCessDeletionProof(encodeCessDeletionProof({ roots, update }));
    expect(verifyCessDelete(basis, rootOf(levels), elements(0, 2), read.update)).toEqual(rootOf(after));
  });

  it("more sub-accumulators than one middle one takes, of which the first ends: recovered with the same value", () => {
    restore = installOddNumbers();
    const basis = smallBasis();
    let levels = filled(basis, 15);
    expect(levels.mids.map(({ subs }) => subs.length)).toEqual([3, 2]);
    levels = deleteCessElements(levels, 3).levels;
    const saved = savedCessLevels(levels);
    expect(recoverCessLevels(basis, saved).root).toBe(levels.root);
    // Packed anew, as the original does, it has another one, which is noticed.
    const { firstMid: _lost, ...packedAnew } = saved;
    expect(() => recoverCessLevels(basis, packedAnew)).toThrow(
      expect.objectContaining({ code: "cess/bad-recovery" }),
    );
    expectAllThere(basis, levels);
  });

  it("a deletion of a whole sub-accumulator that is taken back has lost nothing", () => {
    restore = installOddNumbers();
    const basis = smallBasis();
    const ledger = new CessAccumulator(filled(basis, 6));
    const before = ledger.levels;
    ledger.prepareDelete(3);
    ledger.rollback();
    expect(ledger.levels).toBe(before);
    expectAllThere(basis, ledger.levels);
    const again = ledger.prepareDelete(3);
    expect(verifyCessDelete(basis, rootOf(before), elements(0, 3), again)?.front).toBe(3);
  });

  it("an insertion into a part-filled sub-accumulator that is taken back and done again is the same", () => {
    restore = installOddNumbers();
    const basis = smallBasis();
    const ledger = new CessAccumulator(insertCessElements(emptyCessLevels(basis), elements(0, 1)).levels);
    const first = ledger.prepareInsert(elements(1, 3));
    ledger.rollback();
    expect(ledger.prepareInsert(elements(1, 3))).toEqual(first);
    ledger.confirm();
    expect(ledger.levels.root).toBe(recoverCessLevels(basis, ledger.saved()).root);
  });

  it("saved before an insertion was confirmed, and with more than there is, it is trimmed to front and rear", () => {
    restore = installOddNumbers();
    const basis = smallBasis();
    const levels = deleteCessElements(
      insertCessElements(emptyCessLevels(basis), elements(0, 2)).levels,
      1,
    ).levels;
    const subs = [{ first: 1, elements: elements(0, 3) }];
    expect(recoverCessLevels(basis, { front: 1, rear: 2, subs, root: levels.root }).root).toBe(levels.root);
    expect(() => recoverCessLevels(basis, { front: 0, rear: 5, subs })).toThrow(
      expect.objectContaining({ code: "cess/bad-recovery" }),
    );
  });

  it("all files are deleted, and others come", () => {
    restore = installOddNumbers();
    const basis = smallBasis();
    let levels = insertCessElements(emptyCessLevels(basis), elements(0, 2)).levels;
    const { update, levels: empty } = deleteCessElements(levels, 2);
    expect(verifyCessDelete(basis, rootOf(levels), elements(0, 2), update)).toEqual(rootOf(empty));
    expect([empty.root, empty.mids]).toEqual([key.base, []]);
    const next = insertCessElements(empty, elements(2, 3));
    expect(verifyCessInsert(basis, rootOf(empty), elements(2, 3), next.update)).toEqual(rootOf(next.levels));
    levels = next.levels;
    expectAllThere(basis, levels);
    expect(() => deleteCessElements(empty, 1)).toThrow(expect.objectContaining({ code: "cess/bad-count" }));
    expect(() => insertCessElements(levels, elements(3, 7))).toThrow(
      expect.objectContaining({ code: "cess/bad-count" }),
    );
  });

  it("a second update waits for the first, so that no proof is about another value than the one it changes", () => {
    restore = installOddNumbers();
    const basis = smallBasis();
    const ledger = new CessAccumulator(filled(basis, 3));
    expect(() => ledger.confirm()).toThrow(expect.objectContaining({ code: "cess/no-update" }));
    const { root } = ledger.levels;
    expect(ledger.prepareDelete(1).before.root).toBe(root);
    expect(ledger.isPending).toBe(true);
    expect(() => ledger.prepareInsert(elements(3, 4))).toThrow(
      expect.objectContaining({ code: "cess/update-pending" }),
    );
    ledger.confirm();
    expect(ledger.prepareInsert(elements(3, 4)).before.root).toBe(ledger.levels.root);
  });

  it("an element with zeros before it is no other element", () => {
    restore = installOddNumbers();
    const basis = smallBasis();
    const { update, levels } = insertCessElements(emptyCessLevels(basis), elements(0, 1));
    const state = { root: key.base, front: 0, rear: 0 };
    expect(verifyCessInsert(basis, state, elements(0, 1), update)).toEqual(rootOf(levels));
    const longer = [concatBytes(new Uint8Array(1), element(0))];
    expect(basis.primes.of(longer[0] as Uint8Array)).toBe(basis.primes.of(element(0)));
    expect(verifyCessInsert(basis, state, longer, update)).toBeUndefined();
  });
});
