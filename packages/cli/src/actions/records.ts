/** What `storage migrate` does. */
import { methods } from "@holdfast/api";
import { action } from "../command.ts";
import { plural } from "../human-text.ts";
import { argument } from "../input.ts";
import { facts } from "../layout.ts";

export const recordsMigrate = action({
  result: methods["storage.migrate"].result,
  run: async ({ node, signal }, input) =>
    (await node()).call("storage.migrate", { to: argument(input, 0, "where to") }, signal),
  render: ({ from, to, rows, passes }) =>
    facts([
      ["from", from],
      ["to", to],
      ["compared", `${plural(rows, "row")}, all equal, after ${plural(passes, "pass", "passes")}`],
    ]),
});
