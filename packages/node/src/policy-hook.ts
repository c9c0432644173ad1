/**
 * The operator's program for deals: started for each question, given one JSON object on its input, killed when it takes
 * too long or prints too much. It is named in the node's own configuration only, never by anyone over the API.
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
    const stop = new AbortController();
    const onAbort = (): void => stop.abort();
    signal.addEventListener("abort", onAbort, { once: true });
    const late = clock.sleep(limits.policyHookMs, stop.signal).then(
      (): HookResult => ({ failure: `it has not answered in ${limits.policyHookMs} ms` }),
      (): HookResult => ({ failure: "the node stopped it" }),
    );
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], shell: false });
    try {
      return await Promise.race([late, resultOf(child, wish)]);
    } finally {
      child.kill("SIGKILL");
      signal.removeEventListener("abort", onAbort);
      stop.abort();
    }
  };
}

function resultOf(child: ReturnType<typeof spawn>, wish: JsonObject): Promise<HookResult> {
  const { promise, resolve } = Promise.withResolvers<HookResult>();
  let output = "";
  child.on("error", (error) => resolve({ failure: `it could not be started: ${error.message}` }));
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    if (output.length > limits.policyHookBytes) resolve({ failure: "it printed too much" });
  });
  child.on("close", (code) =>
    resolve(code === 0 ? { output } : { failure: `it ended with code ${code ?? "none, by a signal"}` }),
  );
  // A program that does not read its input is none of our errors.
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(`${JSON.stringify(wish)}\n`);
  return promise;
}
