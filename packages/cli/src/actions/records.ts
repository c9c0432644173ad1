/** What `storage migrate` does. */
import { methods } from "@holdfast/api";
import { action } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { plural } from "../human-text.ts";
import { argument } from "../input.ts";
import { facts } from "../layout.ts";

export const recordsMigrate = action({
  result: methods["storage.migrate"].result,
  async run({ node, signal }, input) {
    const to = argument(input, 0, "where to");
    if (!/^(files$|postgres(ql)?:\/\/)/.test(to)) {
      const places = "the node's own folder, which is `files`, or a URL that begins with postgres://";
      throw cliErrors.badValue({ problem: `records go to ${places}, not to ${to}` });
    }
    const miner = await node();
    try {
      return await miner.call("storage.migrate", { to }, signal);
    } catch (cause) {
      throw signal.aborted ? cliErrors.leftToNode({}, cause) : cause;
    }
  },
  render: ({ from, to, rows, passes, wasThere }) =>
    wasThere
      ? `the records of sectors and jobs are in ${to} already`
      : facts([
          ["from", from],
          ["to", to],
          ["compared", `${plural(rows, "row")}, all equal, after ${plural(passes, "pass", "passes")}`],
        ]),
});
