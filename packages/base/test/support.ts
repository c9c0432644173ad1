/**
 * What the tests of this package share: vectors from disk, the error that a call fails with, and mutants:
 * copies of the package with one planted fault, to prove that a property would notice it.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type * as Base from "@holdfast/base";
import { HoldfastError } from "@holdfast/base";
import { expect } from "vitest";

export type BaseModule = typeof Base;

const repository = fileURLToPath(new URL("../../../", import.meta.url));

/** The content of a file below `vectors/`. */
export function readVectors<T>(path: string): T {
  return JSON.parse(readFileSync(join(repository, "vectors", path), "utf8")) as T;
}

/** The code of the error that `run` fails with; anything but an operating error fails the test. */
export function codeOf(run: () => unknown): string {
  let value: unknown;
  try {
    value = run();
  } catch (error) {
    if (error instanceof HoldfastError) return error.code;
    // A mutant has its own copy of the class.
    if (error instanceof Error && error.name === "HoldfastError" && "code" in error)
      return String(error.code);
    throw error;
  }
  return expect.fail(`no error but ${String(value)}`);
}

/** Whether `run` returns (true) or fails with an operating error (false). Any other failure goes through. */
export function accepts(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === "HoldfastError") return false;
    throw error;
  }
}

/**
 * Runs `use` with a copy of the package in which `from` (which must occur exactly once in `file`) is replaced
 * by `to`. The copy lies in the repository, so that it finds the same dependencies.
 */
export async function withMutant(
  file: string,
  from: string,
  to: string,
  use: (base: BaseModule) => void,
): Promise<void> {
  const scratch = join(repository, ".tmp");
  mkdirSync(scratch, { recursive: true });
  const folder = mkdtempSync(join(scratch, "mutant-"));
  try {
    cpSync(join(repository, "packages/base/src"), folder, { recursive: true });
    const source = readFileSync(join(folder, file), "utf8");
    expect(source.split(from).length, `the place for the fault in ${file}`).toBe(2);
    writeFileSync(
      join(folder, file),
      source.replace(from, () => to),
    );
    const url = pathToFileURL(join(folder, "index.ts")).href;
    use((await import(/* @vite-ignore */ url)) as BaseModule);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
