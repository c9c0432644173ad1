/** The repo that a command means which does not talk to its node. */
import { resolve } from "node:path";
import type { CommandContext, CommandInput } from "./command.ts";
import { optionText } from "./input.ts";
import { defaultRepo } from "./up-record.ts";

export function repoOf(context: CommandContext, input: CommandInput): string {
  return resolve(optionText(input, "repo") ?? context.env.HOLDFAST_REPO ?? defaultRepo(context.env));
}
