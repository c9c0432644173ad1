/** What `find`, `retrieval show` and `retrieval set` do. */
import { type MethodResult, methods } from "@holdfast/api";
import { action } from "../command.ts";
import { fil, plural, sizeText } from "../human-text.ts";
import { cidArgument, optionAmount, optionChoice } from "../input.ts";
import { facts, table } from "../layout.ts";

type Service = MethodResult<"retrieval.show">;

export const find = action({
  result: methods["file.find"].result,
  async run({ node, signal }, input) {
    return (await node()).call("file.find", { cid: cidArgument(input, 0, "the CID") }, signal);
  },
  render(list, { terminal }) {
    if (list.length === 0) {
      terminal.hint("nobody that this node reaches has it; `holdfast net peers` lists whom it reaches");
      return "";
    }
    const row = (one: (typeof list)[number]): string[] => [
      one.peerId,
      one.miner ?? "-",
      one.priceFilPerGiB === "0" ? "free" : `${fil(one.priceFilPerGiB)} for a GiB`,
      one.priceFil === null ? "-" : fil(one.priceFil),
      one.from === "here" ? "here" : `${Math.round(one.answerMs)} ms`,
    ];
    return table(["PEER", "MINER", "PRICE", "ALL OF IT", "ANSWERS IN"], list.map(row));
  },
});

export const retrievalShow = action({
  result: methods["retrieval.show"].result,
  run: async ({ node, signal }) => (await node()).call("retrieval.show", {}, signal),
  render: serviceText,
});

export const retrievalSet = action({
  result: methods["retrieval.set"].result,
  async run({ node, signal }, input) {
    const [price, most] = [optionAmount(input, "price"), optionAmount(input, "payAtMost")];
    const cache = optionChoice(input, "cache", ["on", "off"]);
    const change = {
      ...(price === undefined ? {} : { pricePerGiB: price }),
      ...(cache === undefined ? {} : { caches: cache === "on" }),
      ...(most === undefined ? {} : { mostPerGiB: most }),
    };
    return (await node()).call("retrieval.set", change, signal);
  },
  render: serviceText,
});

function serviceText(service: Service): string {
  const { priceFilPerGiB, payee, caches, mostFilPerGiB, indexedPayloads, indexedBlocks } = service;
  const isFree = priceFilPerGiB === "0";
  return facts([
    ["gives", isFree ? "for nothing" : `for ${fil(priceFilPerGiB)} a GiB`],
    ["paid to", payee ?? "nobody: this node has no account, so it takes nothing"],
    ["pieces", `${plural(indexedBlocks, "block")} of ${plural(indexedPayloads, "deal")} in the index`],
    ["caches", caches ? `yes, and pays at most ${fil(mostFilPerGiB)} a GiB for it` : "no"],
    ["cached", sizeText(service.cachedBytes)],
    ["earned", fil(service.earnedFil)],
  ]);
}
