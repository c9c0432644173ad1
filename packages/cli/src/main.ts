/** Entry of the `holdfast` program: the real terminal and environment around `runProgram`. */
import { readFile } from "node:fs/promises";
import { commandTable } from "./commands/index.ts";
import { cliErrors, systemDetail } from "./errors.ts";
import { runProgram } from "./program.ts";
import { standardInput } from "./standard-input.ts";
import { openTerminal, pipeClosed } from "./terminal.ts";

const neverAborted = new AbortController().signal;

/** Runs the command line and gives the exit code. `interrupted`: a signal has come to the process. */
export async function main(argv: readonly string[], interrupted: AbortSignal): Promise<number> {
  const { stdout, stderr, env } = process;
  const stop = new AbortController();
  const interrupt = (): void => stop.abort(interrupted.reason);
  if (interrupted.aborted) interrupt();
  else interrupted.addEventListener("abort", interrupt, { once: true });
  // A closed pipe (`holdfast ls | head`) ends the program quietly, as everywhere on UNIX; a full disk does not.
  let lost: unknown;
  stdout.on("error", (cause) => {
    if (systemDetail(cause) !== "EPIPE") lost ??= cause;
    stop.abort(pipeClosed);
  });
  stderr.on("error", () => undefined);
  try {
    const host = {
      terminal: openTerminal(stdout, stderr, env),
      env,
      version: await ownVersion(),
      stdin: standardInput(stop.signal), // whoever waits for input hears of a signal too
    };
    const code = await runProgram(commandTable, argv, { ...host, signal: stop.signal });
    // What was written last may fail after the command has ended.
    await new Promise<unknown>((done) => stdout.write("", done));
    if (lost === undefined) return code;
    const failure = cliErrors.unwritable({ path: "standard output", detail: systemDetail(lost) }, lost);
    const { reportFailure } = await import("./failure.ts");
    const failing = { table: commandTable, words: argv, host: { ...host, signal: neverAborted } };
    return reportFailure(failure, failing);
  } finally {
    interrupted.removeEventListener("abort", interrupt);
  }
}

async function ownVersion(): Promise<string> {
  const text = await readFile(new URL("../package.json", import.meta.url), "utf8");
  const manifest: { version: string } = JSON.parse(text);
  return manifest.version;
}
