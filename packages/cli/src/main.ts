/** Entry of the `holdfast` program: the real terminal, environment and signals around `runProgram`. */
import { readFile } from "node:fs/promises";
import { exitCodes } from "@holdfast/base";
import { commands } from "./commands/index.ts";
import { runProgram } from "./program.ts";
import { openTerminal } from "./terminal.ts";

export async function main(argv: readonly string[]): Promise<number> {
  const terminal = openTerminal(process.stdout, process.stderr, process.env);
  const stop = new AbortController();
  const onSignal = (): void => stop.abort(new DOMException("interrupted", "AbortError"));
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  // A closed pipe (`holdfast ls | head`) ends the program quietly, as everywhere on UNIX.
  process.stdout.on("error", () => stop.abort(new DOMException("the pipe was closed", "AbortError")));
  try {
    return await runProgram(commands, argv, {
      terminal,
      env: process.env,
      signal: stop.signal,
      version: await ownVersion(),
    });
  } catch (error) {
    terminal.err(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return exitCodes.internal;
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

async function ownVersion(): Promise<string> {
  const text = await readFile(new URL("../package.json", import.meta.url), "utf8");
  const manifest: { version: string } = JSON.parse(text);
  return manifest.version;
}
