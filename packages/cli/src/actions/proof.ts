/** Proofs without a node: verifying proof files of any kind. */
import type { CheckedProof } from "@holdfast/node/offline";
import { z } from "zod";
import { action, type CommandContext } from "../command.ts";
import { argument } from "../input.ts";
import { type Fact, facts } from "../layout.ts";
import { readWhole } from "../local-file.ts";
import { offline } from "../offline.ts";

/** What a proof that holds is about, and what was checked. */
export const verifiedProof = z.object({
  valid: z.literal(true).describe("a proof that does not hold is an error, exit code 5"),
  statement: z.looseObject({ kind: z.string() }).describe("the proof file without the proof"),
  checks: z.array(z.string()),
  notes: z.array(z.string()),
});
export type VerifiedProof = z.output<typeof verifiedProof>;

/** Errors `proof/bad-file`, `proof/invalid`, and those of reading. */
export async function checkedFile(path: string, context: CommandContext): Promise<CheckedProof> {
  const { checkProofFile, maxProofFileBytes } = await offline();
  return checkProofFile(await readWhole(path, context.stdin, maxProofFileBytes));
}

export function verdictOf({ file, checks, notes }: CheckedProof): VerifiedProof {
  const { proof: _proof, ...statement } = file;
  return { valid: true, statement, checks: [...checks], notes: [...notes] };
}

export function verdictLines({ statement, checks, notes }: VerifiedProof, context: CommandContext): string {
  const told = Object.entries(statement).map(([name, value]): Fact => [name, String(value)]);
  const mark = context.terminal.paint("green", "✓");
  return [
    `${mark} the proof holds`,
    ...checks.map((check) => `  ${mark} ${check}`),
    ...notes.map((note) => `  note: ${note}`),
    "",
    facts(told),
  ].join("\n");
}

export const proofVerify = action({
  result: verifiedProof,
  run: async (context, input) => verdictOf(await checkedFile(argument(input, 0, "the proof file"), context)),
  render: verdictLines,
});
