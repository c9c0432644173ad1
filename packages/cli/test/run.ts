/** Runs a command line in this process with captured output, and compares with golden files. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { commandTable, type OutputStream, openTerminal, runProgram } from "holdfast";
import { expect } from "vitest";
import { type CannedNode, token } from "./canned-node.ts";

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly node?: CannedNode;
  readonly env?: { readonly [name: string]: string };
  readonly stdin?: string;
  readonly signal?: AbortSignal;
  /** A terminal of this size, on both streams. */
  readonly tty?: { readonly columns: number; readonly rows: number };
}

export interface Captured extends OutputStream {
  text(): string;
}

export function captured(tty?: RunOptions["tty"]): Captured {
  const chunks: Buffer[] = [];
  return {
    ...(tty === undefined ? {} : { isTTY: true, ...tty }),
    write(chunk) {
      chunks.push(Buffer.from(chunk));
      return true;
    },
    once: () => undefined,
    off: () => undefined,
    text: () => Buffer.concat(chunks).toString("utf8"),
  };
}

async function* bytesOf(text: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(text);
}

/** `runProgram`, by default with no home to find a node in. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const stdout = captured(options.tty);
  const stderr = captured(options.tty);
  const { node } = options;
  const env = {
    HOME: "/nowhere",
    ...(node === undefined ? {} : { HOLDFAST_API: node.url, HOLDFAST_TOKEN: token }),
    ...options.env,
  };
  const code = await runProgram(commandTable, argv, {
    terminal: openTerminal(stdout, stderr, env),
    env,
    signal: options.signal ?? new AbortController().signal,
    version: "0.0.0-test",
    stdin: bytesOf(options.stdin ?? ""),
  });
  return { code, out: stdout.text(), err: stderr.text() };
}

/** The error of a `--json` run. */
export function jsonError({ err }: Ended): { code: string; message: string; fix: string } {
  const parsed: unknown = JSON.parse(err);
  expect(parsed).toEqual({
    error: { code: expect.any(String), message: expect.any(String), fix: expect.any(String) },
  });
  return (parsed as { error: { code: string; message: string; fix: string } }).error;
}

export const goldenFolder = fileURLToPath(new URL("./golden", import.meta.url));

/** Equal to the file, which only UPDATE_GOLDEN=1 writes. */
export function expectGolden(name: string, text: string): void {
  const path = `${goldenFolder}/${name}`;
  if (process.env.UPDATE_GOLDEN === "1") {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  expect(existsSync(path), `${name} is missing: look at the change, then UPDATE_GOLDEN=1`).toBe(true);
  expect(text, `${name} differs: look at the change, then UPDATE_GOLDEN=1`).toBe(readFileSync(path, "utf8"));
}
