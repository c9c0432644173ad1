/**
 * What a compliance suite needs of its runner. The suites take `describe`, `it` and `expect` from the caller,
 * so that `base` stays pure and every twin, wherever it lives, runs the same cases. `runSuite` runs a suite
 * by itself and tells which cases failed: the canaries prove with it that a suite catches a broken twin.
 */
import { HoldfastError } from "../../errors.ts";

export interface Expectation {
  toBe(expected: unknown): void;
  toEqual(expected: unknown): void;
}

/** The part of vitest that the suites use. */
export interface SuiteTools {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>): unknown;
  expect(actual: unknown, message?: string): Expectation;
}

export interface CaseResult {
  readonly name: string;
  readonly error: unknown;
}

/**
 * Runs every case, one after the other; `error` is undefined where a case passed. `giveUp` rejects when a
 * case has had enough time: a broken twin may never settle.
 */
export async function runSuite(
  expect: SuiteTools["expect"],
  suite: (tools: SuiteTools) => void,
  giveUp?: () => Promise<never>,
): Promise<CaseResult[]> {
  const cases: { readonly name: string; readonly body: () => Promise<void> }[] = [];
  suite({
    describe: (_name, body) => body(),
    it: (name, body) => cases.push({ name, body }),
    expect,
  });
  const results: CaseResult[] = [];
  for (const { name, body } of cases) {
    const run = giveUp === undefined ? body() : Promise.race([body(), giveUp()]);
    results.push({ name, error: await rejectionOf(run) });
  }
  return results;
}

/** The names of the cases that failed. */
export function failures(results: readonly CaseResult[]): string[] {
  return results.filter(({ error }) => error !== undefined).map(({ name }) => name);
}

/** What the promise rejects with, or undefined if it resolves. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return error ?? "rejected with nothing";
  }
}

/** The code of the error that the promise rejects with; words for everything else. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return describeError(await rejectionOf(promise));
}
/** The code of the error that the function throws; words for everything else. */
export function codeThrown(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return describeError(error);
  }
  return "no error";
}

function describeError(error: unknown): string {
  if (error === undefined) return "no error";
  if (error instanceof HoldfastError) return error.code;
  return `not an operating error: ${String(error)}`;
}
