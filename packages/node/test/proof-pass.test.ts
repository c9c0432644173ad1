/**
 * What one block can make its validators run. Which proofs a block wants verified depends on the verdicts
 * before them, and a sender chooses them: the result is that of a plain verifier, after a bounded number of runs.
 */
import type { Verifier } from "@holdfast/proofs/verify";
import { verifyStatement } from "@holdfast/proofs/verify";
import { describe, expect, it } from "vitest";
import { limits } from "../src/limits.ts";
import { createProofPass } from "../src/proof-pass.ts";

const deep = 200;

/** Statement number n. */
const inclusion = (n: number) => ({
  commD: new Uint8Array(32),
  sectorBytes: 2_048,
  commP: new Uint8Array(32),
  paddedBytes: 128,
  proof: Uint8Array.of(n),
});

/** A verifier of statements that hold by `holds`, and a pass over it that counts its runs. */
function passWith(holds: (n: number) => boolean) {
  const inner: Verifier = {
    verifySeal: () => false,
    verifyPost: () => false,
    verifyPieceInclusion: ({ proof }) => holds(proof[0] ?? 0),
  };
  const pass = createProofPass({ verify: async (statement) => verifyStatement(inner, statement) }, inner);
  let runs = 0;
  const run = (work: (verifier: Verifier) => unknown): Promise<unknown> =>
    pass.run((verifier) => {
      runs += 1;
      return work(verifier);
    });
  return { inner, run, runs: () => runs };
}

describe("a pass over proofs", () => {
  it("takes two runs when every proof holds", async () => {
    const { run, runs } = passWith(() => true);
    const all = (verifier: Verifier): boolean[] =>
      Array.from({ length: deep }, (_, n) => verifier.verifyPieceInclusion(inclusion(n)));
    expect(await run(all)).toEqual(Array.from({ length: deep }, () => true));
    expect(runs()).toBe(2);
  });

  it("meets many wrong proofs of one thing in its second run, not in a run for each", async () => {
    const { run, runs } = passWith(() => false);
    const firstThatHolds = (verifier: Verifier): number => {
      for (let n = 0; n < deep; n += 1) if (verifier.verifyPieceInclusion(inclusion(n))) return n;
      return -1;
    };
    expect(await run(firstThatHolds)).toBe(-1);
    expect(runs()).toBe(3);
  });

  it("runs a bounded number of times when each proof hangs on the one before", async () => {
    const holds = (n: number): boolean => n % 3 === 0;
    const { inner, run, runs } = passWith(holds);
    const chained = (verifier: Verifier): number => {
      let n = 0;
      while (n < deep && verifier.verifyPieceInclusion(inclusion(n)) === holds(n)) n += 1;
      return n;
    };
    expect(await run(chained)).toBe(chained(inner));
    expect(runs()).toBe(limits.trialRuns + 1);
  });
});
