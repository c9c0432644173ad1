/** What `ipfs status` and `ipfs pull` do. */
import { type MethodResult, methods } from "@holdfast/api";
import { action } from "../command.ts";
import { plural, programWord, sizeText } from "../human-text.ts";
import { cidArgument, optionList } from "../input.ts";
import { facts } from "../layout.ts";

type Pull = MethodResult<"ipfs.pull">;

export const ipfsStatus = action({
  result: methods["ipfs.status"].result,
  run: async ({ node, signal }) => (await node()).call("ipfs.status", {}, signal),
  render({ addresses, gateway, swap }) {
    const gives =
      gateway === null
        ? ""
        : `${gateway.plain ? "files, pages and blocks" : "blocks and CAR streams"}, ` +
          `${gateway.fetch ? "fetched where they are not here" : "of this node alone"}`;
    return facts([
      ...addresses.map((address): [string, string] => ["for `ipfs swarm connect`", address]),
      ["gateway", gateway === null ? "none (gateway.listen in config.toml)" : `${gateway.url}/ipfs/CID`],
      ...(gateway === null
        ? []
        : ([
            ["it gives", gives],
            ["requests", `${gateway.requests}, ${sizeText(gateway.sentBytes)}`],
          ] as [string, string][])),
      ["given by bitswap", `${plural(swap.servedBlocks, "block")}, ${sizeText(swap.servedBytes)}`],
      ["taken by bitswap", `${plural(swap.receivedBlocks, "block")}, ${sizeText(swap.receivedBytes)}`],
    ]);
  },
});

export const ipfsPull = action({
  result: methods["ipfs.pull"].result,
  async *run({ node, signal, terminal, json }, input): AsyncIterable<Pull> {
    const cid = cidArgument(input, 0, "the CID");
    const from = [...optionList(input, "from")];
    for await (const line of (await node()).stream("ipfs.pull", { cid, from }, signal)) {
      const { fetchedBlocks, fetchedBytes, totalBytes, made } = line;
      const all = totalBytes === null ? "" : ` of ${sizeText(totalBytes)}`;
      if (made === null)
        terminal.live([`fetched ${plural(fetchedBlocks, "block")}, ${sizeText(fetchedBytes)}${all}`]);
      else terminal.clear();
      if (json || made !== null) yield line;
    }
  },
  render: ({ cid, fetchedBlocks, fetchedBytes, made }, { env }) =>
    made === null
      ? ""
      : facts([
          ["kept", cid],
          ["size", sizeText(made.sizeBytes)],
          ["fetched", `${plural(fetchedBlocks, "block")}, ${sizeText(fetchedBytes)}`],
          ["read it", `${programWord(env)} get ${cid} -o FILE`],
        ]),
});
