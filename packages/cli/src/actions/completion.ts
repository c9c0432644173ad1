/** `completion`: the script of one shell. */
import { z } from "zod";
import { action } from "../command.ts";
import { commandTable } from "../commands/index.ts";
import { completionScript, type Shell, shells } from "../completion.ts";
import { cliErrors } from "../errors.ts";
import { argument } from "../input.ts";

export const completion = action({
  result: z.object({ shell: z.enum(shells), script: z.string() }),
  async run(_context, input) {
    const name = argument(input, 0, "the shell");
    const isShell = (text: string): text is Shell => shells.some((shell) => shell === text);
    if (!isShell(name)) throw cliErrors.badValue({ problem: `${name} is none of ${shells.join(", ")}` });
    return { shell: name, script: completionScript(commandTable, name) };
  },
  // Made anew, since the lines of a result are escaped before it is shown.
  render: ({ shell }) => completionScript(commandTable, shell),
});
