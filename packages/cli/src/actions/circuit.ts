/** `proof circuit`: what circuits cost, part by part, beside the originals. */
import type { CountedCircuit } from "@holdfast/node/offline";
import { z } from "zod";
import { action } from "../command.ts";
import { beginningAnew } from "../errors.ts";
import { sizeText } from "../human-text.ts";
import { oneOf, optionBytes, optionList, optionNumber, optionText } from "../input.ts";
import { progressBar, table } from "../layout.ts";
import { offline } from "../offline.ts";

const kinds = ["zigzag", "zigzag-blake2s", "sdr"] as const;
const uses = ["seal", "window", "winning"] as const;
/** Of one proof; Filecoin's largest has 18. */
const mostChallenges = 1000;

const counted: z.ZodType<CountedCircuit> = z.object({
  use: z.enum(uses),
  profile: z.string().describe("row of the table of sector sizes"),
  id: z.string(),
  constraints: z.int(),
  publicInputs: z.int(),
  variables: z.int().describe("with the one that is always 1"),
  domain: z.int().describe("the power of two that keys and proofs are made for"),
  parts: z.array(z.object({ part: z.string(), constraints: z.int() })),
  originals: z
    .array(z.object({ what: z.string(), constraints: z.int(), source: z.string() }))
    .describe("what other programs need for the same or a comparable statement"),
});

export const proofCircuit = action({
  result: z.array(counted),
  async run({ terminal, signal }, input) {
    const kind = oneOf(optionText(input, "kind") ?? "", kinds, "--kind");
    const sectorBytes = optionBytes(input, "sectorBytes") ?? 0;
    const given = optionList(input, "circuit").map((use) => oneOf(use, uses, "--circuit"));
    const wanted = uses.filter((use) => given.length === 0 || given.includes(use));
    const challenges = optionNumber(input, "challenges", { least: 1, most: mostChallenges });
    const draw = (doneRatio: number): void => {
      terminal.live([[["cyan", progressBar(doneRatio)], `  counting ${sizeText(sectorBytes)} by ${kind}`]]);
    };
    const { countCircuits } = await offline();
    const request = { kind, sectorBytes, uses: wanted, ...(challenges === undefined ? {} : { challenges }) };
    const circuits = await beginningAnew(signal, countCircuits(request, { signal, progress: draw }));
    terminal.clear();
    return [...circuits];
  },
  render: (circuits, { terminal }) =>
    circuits.map((circuit) => page(circuit, (text) => terminal.paint("bold", text))).join("\n\n"),
});

const grouped = (count: number): string => count.toLocaleString("en");

function page(
  { use, id, originals, parts, ...circuit }: CountedCircuit,
  bold: (text: string) => string,
): string {
  const { constraints, publicInputs, variables, domain } = circuit;
  const width = grouped(Math.max(constraints, ...originals.map((one) => one.constraints))).length;
  const count = (value: number): string => grouped(value).padStart(width);
  const ours = parts.map((part): string[] => [
    count(part.constraints),
    `${String(Math.round((100 * part.constraints) / constraints)).padStart(3)} %`,
    part.part,
  ]);
  return [
    `${bold(use)}  ${id}`,
    `${grouped(constraints)} constraints, ${grouped(publicInputs)} public inputs, ` +
      `${grouped(variables)} variables, domain 2^${Math.log2(domain)}`,
    table(["CONSTRAINTS", "SHARE", "PART"], ours),
    table(
      ["CONSTRAINTS", "ORIGINALS, FOR THE LIKE"],
      originals.map((one) => [count(one.constraints), `${one.what} (${one.source})`]),
    ),
  ].join("\n");
}
