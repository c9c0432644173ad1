/** `idle labels`, `idle prime`, `idle accumulate`: idle space of the compatibility profile by hand. */
import { utf8Text } from "@holdfast/base";
import type { AccumulatedReport, IdleLabelsReport } from "@holdfast/node/offline";
import { z } from "zod";
import { action, type CommandContext } from "../command.ts";
import { beginningAnew, cliErrors } from "../errors.ts";
import { oneOf, optionHexOf, optionNumber, optionText } from "../input.ts";
import { facts, progressBar } from "../layout.ts";
import { readWhole } from "../local-file.ts";
import { offline } from "../offline.ts";

const hex = z.string().regex(/^([0-9a-f]{2})*$/);
const mostElements = 4096;
/** Elements of the profile have 64 bytes; the vectors of the original go to 256. */
const mostElementBytes = 1024;
const mostFileBytes = 2 * mostElements * (mostElementBytes + 1);
const largest = { least: 1, most: Number.MAX_SAFE_INTEGER };

const drawn =
  ({ terminal }: CommandContext, what: string) =>
  (doneRatio: number): void =>
    terminal.live([[["cyan", progressBar(doneRatio)], `  ${what}`]]);

const made: z.ZodType<IdleLabelsReport> = z.object({
  roots: z.array(hex).describe("layer after layer, in each cluster after cluster"),
  commitHash: hex.describe("SHA-256 of the roots"),
});

export const idleLabels = action({
  result: made,
  async run(context, input) {
    oneOf(optionText(input, "profile") ?? "", ["cess"] as const, "--profile");
    const number = (name: string): number => optionNumber(input, name, largest) ?? 0;
    const folder = optionText(input, "keep");
    const request = {
      minerId: optionHexOf(input, "minerId", [32]) ?? "",
      layers: number("k"),
      nodes: number("n"),
      degree: number("d"),
      clusters: number("setClusters"),
      startCluster: number("startCluster"),
      ...(folder === undefined ? {} : { folder }),
    };
    const progress = drawn(context, `making ${request.clusters} clusters of idle files`);
    progress(0);
    const { idleLabels: make } = await offline();
    const report = await beginningAnew(context.signal, make(request, { signal: context.signal, progress }));
    context.terminal.clear();
    return report;
  },
  render: ({ roots, commitHash }) =>
    facts([
      ["files", String(roots.length)],
      ["roots", [...roots]],
      ["commit hash", commitHash],
    ]),
});

/** Bytes in hex, as people and other programs write them. */
function elementHex(text: string): string {
  const digits = text.trim().replace(/^0x/, "").toLowerCase();
  if (/^([0-9a-f]{2})*$/.test(digits) && digits.length <= 2 * mostElementBytes) return digits;
  throw cliErrors.badValue({
    problem: `an element is up to ${mostElementBytes} bytes in hex, two digits each: not ${text.slice(0, 40)}`,
  });
}

const primes = z.object({ primes: z.array(z.string().regex(/^[0-9a-f]+$/)).describe("numbers in hex") });

export const idlePrime = action({
  result: primes,
  async run(context, input) {
    const elements = input.args.flatMap((text) => (text === undefined ? [] : [elementHex(text)]));
    if (elements.length > mostElements)
      throw cliErrors.badValue({ problem: `at most ${mostElements} elements at once` });
    const progress = drawn(context, `hashing ${elements.length} elements to primes`);
    const { idlePrimes } = await offline();
    const hashing = idlePrimes(elements, { signal: context.signal, progress });
    const primes = await beginningAnew(context.signal, hashing);
    context.terminal.clear();
    return { primes: [...primes] };
  },
  render: (found) => found.primes.join("\n"),
});

const accumulated: z.ZodType<AccumulatedReport> = z.object({
  values: z.array(hex).describe("of the empty accumulator, then after each element"),
});

export const idleAccumulate = action({
  result: accumulated,
  async run(context, input) {
    const [modulus = "", base = "", ...more] = (optionText(input, "key") ?? "").split(",");
    if (more.length > 0 || ![modulus, base].every((text) => /^[0-9a-fA-F]{1,2048}$/.test(text)))
      throw cliErrors.badValue({ problem: "--key is N,G: two numbers in hex with a comma between them" });
    const text = utf8Text(await readWhole(input.args[0] ?? "", context.stdin, mostFileBytes));
    const elements = text.split("\n").flatMap((line) => (line.trim() === "" ? [] : [elementHex(line)]));
    if (elements.length > mostElements)
      throw cliErrors.badValue({ problem: `at most ${mostElements} elements at once` });
    const progress = drawn(context, `adding ${elements.length} elements`);
    const { idleAccumulate: add } = await offline();
    const request = { modulus, base, elements };
    const report = await beginningAnew(context.signal, add(request, { signal: context.signal, progress }));
    context.terminal.clear();
    return report;
  },
  render: ({ values }) => values.join("\n"),
});
