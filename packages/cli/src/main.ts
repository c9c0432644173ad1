/** Entry of the `holdfast` program: the real terminal, environment and signals around `runProgram`. */
import { readFile } from "node:fs/promises";
import { commandTable } from "./commands/index.ts";
import { runProgram } from "./program.ts";
import { standardInput } from "./standard-input.ts";
import { openTerminal, pipeClosed } from "./terminal.ts";

const stopSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Runs the command line and gives the exit code. A second signal ends the process at once. */
export async function main(argv: readonly string[]): Promise<number> {
  const { stdout, stderr, env } = process;
  const stop = new AbortController();
  const onSignal = (): void => {
    for (const name of stopSignals) process.off(name, onSignal);
    stop.abort(new DOMException("interrupted", "AbortError"));
  };
  for (const name of stopSignals) process.on(name, onSignal);
  // A closed pipe (`holdfast ls | head`) ends the program quietly, as everywhere on UNIX.
  stdout.on("error", () => stop.abort(pipeClosed));
  stderr.on("error", () => undefined);
  try {
    return await runProgram(commandTable, argv, {
      terminal: openTerminal(stdout, stderr, env),
      env,
      signal: stop.signal,
      version: await ownVersion(),
      stdin: standardInput(stop.signal), // whoever waits for input hears of a signal too
    });
  } finally {
    for (const name of stopSignals) process.off(name, onSignal);
  }
}

async function ownVersion(): Promise<string> {
  const text = await readFile(new URL("../package.json", import.meta.url), "utf8");
  const manifest: { version: string } = JSON.parse(text);
  return manifest.version;
}
