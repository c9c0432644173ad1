/** What the commands about the chain as files do: `chain export`, `prune`, `store`. */
import { resolve } from "node:path";
import { methods } from "@holdfast/api";
import { z } from "zod";
import { action, type CommandInput } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { plural, sizeText } from "../human-text.ts";
import { anyNumber, argument, optionNumber, optionText } from "../input.ts";
import { facts, table } from "../layout.ts";
import { statOf, streamToFile } from "../local-file.ts";

/** More is no count of epochs. */
const mostEpochs = { least: 1, most: Number.MAX_SAFE_INTEGER };

function messagesOption(input: CommandInput): number | "all" | undefined {
  return optionText(input, "messages") === "all" ? "all" : optionNumber(input, "messages", mostEpochs);
}

export const chainExport = action({
  result: z.object({
    path: z.string(),
    sizeBytes: z.int(),
    height: z.int(),
    cids: z.array(z.string()),
    messageEpochs: z.int(),
    isFinal: z.boolean(),
  }),
  async run({ node, signal, terminal }, input) {
    const path = resolve(argument(input, 0, "the file"));
    if ((await statOf(path)) !== undefined) throw cliErrors.inTheWay({ path });
    const height = optionNumber(input, "height", anyNumber);
    const messageEpochs = messagesOption(input);
    const client = await node();
    const plan = await client.call(
      "chain.snapshot",
      {
        ...(height === undefined ? {} : { height }),
        ...(messageEpochs === undefined ? {} : { messageEpochs }),
      },
      signal,
    );
    const bytes = await client.openSnapshot(plan, signal);
    const sizeBytes = await streamToFile(path, bytes, (written) =>
      terminal.live([`writing the snapshot: ${sizeText(written)}`]),
    );
    terminal.clear();
    return { path, sizeBytes, ...plan };
  },
  render(made, { terminal }) {
    if (!made.isFinal) terminal.hint("this tipset is not final: the network may still leave it");
    return facts([
      ["file", made.path],
      ["size", sizeText(made.sizeBytes)],
      ["height", String(made.height)],
      ["messages", `of ${plural(made.messageEpochs, "epoch")}`],
      ["checkpoint", `${made.cids.join(",")}@${made.height}`],
    ]);
  },
});

export const chainPrune = action({
  result: methods["chain.prune"].result,
  async run({ node, signal, terminal }, input) {
    const keepEpochs = optionNumber(input, "keep", mostEpochs);
    terminal.live(["pruning …"]);
    const result = await (await node()).call(
      "chain.prune",
      keepEpochs === undefined ? {} : { keepEpochs },
      signal,
    );
    terminal.clear();
    return result;
  },
  render(done, { terminal }) {
    if (!done.isComplete) terminal.hint("somebody reads or writes states: the rest goes with the next run");
    return facts([
      ["removed", plural(done.removedObjects, "object")],
      ["kept", plural(done.keptObjects, "object")],
      ["states from", `height ${done.statesFrom}`],
      ["messages from", `height ${done.bodiesFrom}`],
    ]);
  },
});

export const chainStore = action({
  result: methods["chain.store"].result,
  run: async ({ node, signal }) => (await node()).call("chain.store", {}, signal),
  render(held) {
    const rows = held.kinds.map(({ kind, entries, bytes }) => [kind, String(entries), sizeText(bytes)]);
    const quota = held.quotaBytes === 0 ? "" : ` of ${sizeText(held.quotaBytes)}`;
    return [
      table(["KIND", "ENTRIES", "SIZE"], rows),
      "",
      facts([
        ["together", sizeText(held.totalBytes)],
        ["files", `${sizeText(held.diskBytes)}${quota}, compressed`],
        ["states", `from height ${held.statesFrom} to ${held.height}`],
        ["messages", `from height ${held.bodiesFrom}`],
        [
          "pruning",
          held.pruneEpochs === 0 ? "off: an archive" : `keeps ${plural(held.pruneEpochs, "epoch")}`,
        ],
      ]),
    ].join("\n");
  },
});
