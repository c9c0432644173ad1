/**
 * The operator's program for deals: started for each question, given one JSON object on its input, killed when it takes
 * too long or prints too much, and with it all that it has started. It is named in the node's own configuration only,
 * never by anyone over the API.
 */
import { spawn } from "node:child_process";
import type { Clock, JsonObject } from "@holdfast/base";
import { limits } from "./limits.ts";

export type HookResult = { readonly output: string } | { readonly failure: string };
export type PolicyHook = (wish: JsonObject, signal: AbortSignal) => Promise<HookResult>;

/** `command`: a program and its arguments, parted by spaces; no shell looks at it. */
export function policyHook(command: string, clock: Clock): PolicyHook {
  const [program = "", ...args] = command.split(" ").filter((word) => word !== "");
  return async (wish, signal) => {
    signal.throwIfAborted();
    const stop = new AbortController();
    const onAbort = (): void => stop.abort();
    // A group of its own, so that what it has started itself ends with it.
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], shell: false, detached: true });
    signal.addEventListener("abort", onAbort, { once: true });
    const late = clock.sleep(limits.policyHookMs, stop.signal).then(
      (): HookResult => ({ failure: `it has not answered in ${limits.policyHookMs} ms` }),
      (): HookResult => ({ failure: "the node stopped it" }),
    );
    try {
      return await Promise.race([late, resultOf(child, wish)]);
    } finally {
      endGroup(child);
      signal.removeEventListener("abort", onAbort);
      stop.abort();
    }
  };
}

/** Whoever is left of it has nobody to print to either: nothing of it is held or read any more. */
function endGroup(child: ReturnType<typeof spawn>): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  } catch {
    // Nobody is left.
  }
  child.stdin?.destroy();
  child.stdout?.destroy();
}

function resultOf(child: ReturnType<typeof spawn>, wish: JsonObject): Promise<HookResult> {
  const { promise, resolve } = Promise.withResolvers<HookResult>();
  let output = "";
  child.on("error", (error) => resolve({ failure: `it could not be started: ${error.message}` }));
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    if (output.length <= limits.policyHookBytes) return;
    child.stdout?.destroy();
    resolve({ failure: "it printed too much" });
  });
  child.on("close", (code) =>
    resolve(code === 0 ? { output } : { failure: `it ended with code ${code ?? "none, by a signal"}` }),
  );
  // A program that does not read its input is none of our errors.
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(`${JSON.stringify(wish)}\n`);
  return promise;
}
