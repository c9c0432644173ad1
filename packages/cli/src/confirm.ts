/** What costs more than its asker may think is done after a typed "yes", or with `--yes`. */
import type { CommandContext } from "./command.ts";
import { cliErrors } from "./errors.ts";

/** Throws cli/not-confirmed. `cost`: what comes of it, in words. */
export async function confirm(context: CommandContext, cost: string): Promise<void> {
  context.terminal.hint(`${cost}. Type yes to do it.`);
  if (!(await isConfirmed(context))) throw cliErrors.notConfirmed({ cost });
}

async function isConfirmed({ stdin }: CommandContext): Promise<boolean> {
  let text = "";
  for await (const chunk of stdin) {
    text += Buffer.from(chunk).toString("utf8");
    if (text.includes("\n") || text.length > 100) break;
  }
  return text.trim() === "yes";
}
