/**
 * Costly proofs are checked on worker threads although the state transition is synchronous: a trial run
 * collects the statements that it would have verified and goes on as if they held; the pool verifies
 * them; the run is repeated with the verdicts at hand until it asks nothing new. Only that last run
 * counts. Which statements a run meets depends on the verdicts before them, so trials suppose in turn that
 * what is unknown holds and that it does not: many wrong proofs of one thing are all met by the second trial.
 * Invariants: a verdict that reaches the state was computed by a real verifier; the number of runs is bounded,
 * whatever the messages are.
 */
import { type Statement, statementKey, type Verifier, verifyStatement } from "@holdfast/proofs/verify";
import { Bounded } from "./bounded.ts";
import type { Held } from "./held.ts";
import { limits } from "./limits.ts";

/** The real thing, off the main thread. */
export interface ProofChecker {
  verify(statement: Statement): Promise<boolean>;
}

export interface ProofPass {
  /**
   * Runs `work` with a verifier that never blocks. `work` may run several times and must keep its
   * effects to itself until it returns.
   */
  run<Result>(work: (verifier: Verifier) => Result): Promise<Result>;
  /** Verifies one statement, remembered like all others. */
  check(statement: Statement): Promise<boolean>;
  /** Answers from memory, else computes in this thread. For read-only questions. */
  readonly inline: Verifier;
  held(): readonly Held[];
}

export function createProofPass(checker: ProofChecker, inner: Verifier): ProofPass {
  const verdicts = new Bounded<boolean>(limits.verdicts);
  const underWay = new Map<string, Promise<boolean>>();

  const check = async (statement: Statement, key = statementKey(statement)): Promise<boolean> => {
    const known = verdicts.get(key);
    if (known !== undefined) return known;
    const running = underWay.get(key);
    if (running !== undefined) return running;
    const job = checker.verify(statement);
    underWay.set(key, job);
    try {
      const verdict = await job;
      verdicts.set(key, verdict);
      return verdict;
    } finally {
      underWay.delete(key);
    }
  };

  const inline = verifierOf((statement) => {
    const key = statementKey(statement);
    const known = verdicts.get(key);
    if (known !== undefined) return known;
    const verdict = verifyStatement(inner, statement);
    verdicts.set(key, verdict);
    return verdict;
  });

  return {
    check: (statement) => check(statement),
    inline,
    held: () => [{ what: "verdicts on proofs", count: verdicts.size, most: limits.verdicts }],
    async run(work) {
      for (let trial = 0; trial < limits.trialRuns; trial += 1) {
        const asked = new Map<string, Statement>();
        const supposed = trial % 2 === 0;
        const verifier = verifierOf((statement) => {
          const key = statementKey(statement);
          const known = verdicts.get(key);
          if (known === undefined) asked.set(key, statement);
          return known ?? supposed;
        });
        const outcome = attempt(() => work(verifier));
        if (asked.size === 0) {
          if ("error" in outcome) throw outcome.error;
          return outcome.result;
        }
        await Promise.all([...asked].map(([key, statement]) => check(statement, key)));
      }
      // Somebody has made proofs that hang on one another: whoever pays for them pays for this thread's time.
      return work(inline);
    },
  };
}

/** For several nodes in one process: what one of them has had verified, the others need not. */
export function shareVerdicts(checker: ProofChecker): ProofChecker {
  const answers = new Bounded<Promise<boolean>>(limits.verdicts);
  return {
    verify(statement) {
      const key = statementKey(statement);
      const known = answers.get(key);
      if (known !== undefined) return known;
      const answer = checker.verify(statement);
      answers.set(key, answer);
      answer.catch(() => answers.delete(key));
      return answer;
    },
  };
}

function attempt<Result>(work: () => Result): { readonly result: Result } | { readonly error: unknown } {
  try {
    return { result: work() };
  } catch (error) {
    return { error };
  }
}

function verifierOf(answer: (statement: Statement) => boolean): Verifier {
  return {
    verifySeal: (statement) => answer({ check: "seal", statement }),
    verifyPost: (statement) => answer({ check: "post", statement }),
    verifyPieceInclusion: (statement) => answer({ check: "pieceInclusion", statement }),
  };
}
