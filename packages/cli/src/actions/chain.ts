/** What the commands of the chain do: tipsets, blocks, actors. */
import { type MethodResult, methods } from "@holdfast/api";
import { chainTime } from "../chain-time.ts";
import { action } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { fil, plural, shortId } from "../human-text.ts";
import { addressArgument, anyNumber, cidArgument, optionNumber } from "../input.ts";
import { facts, table } from "../layout.ts";

type TipsetSummary = MethodResult<"chain.head">;

const listLimit = { least: 1, most: 1000 };

export const chainHead = action({
  result: methods["chain.head"].result,
  run: async ({ node, signal }) => (await node()).call("chain.head", {}, signal),
  async render(tipset, context) {
    const time = await chainTime(context);
    return facts([
      ["height", String(tipset.height)],
      ["age", time.age(tipset.timestampMs)],
      ["blocks", tipset.cids],
      ["miners", tipset.miners],
      ["messages", String(tipset.messages)],
      ["weight", tipset.parentWeight],
    ]);
  },
});

export const chainList = action({
  result: methods["chain.ls"].result,
  async run({ node, signal }, input) {
    const from = optionNumber(input, "from", anyNumber);
    const limit = optionNumber(input, "limit", listLimit) ?? 20;
    return (await node()).call("chain.ls", { limit, ...(from === undefined ? {} : { from }) }, signal);
  },
  async render(tipsets, context) {
    const time = await chainTime(context);
    const row = (tipset: TipsetSummary): string[] => [
      String(tipset.height),
      time.age(tipset.timestampMs),
      String(tipset.cids.length),
      String(tipset.messages),
      tipset.cids[0] ?? "-",
    ];
    return table(["HEIGHT", "AGE", "BLOCKS", "MESSAGES", "FIRST BLOCK"], tipsets.map(row));
  },
});

export const chainShow = action({
  result: methods["chain.show"].result,
  async run({ node, signal }, input) {
    const cid = cidArgument(input, 0, "the block's CID");
    return (await node()).call("chain.show", { cid }, signal);
  },
  async render(block, context) {
    const time = await chainTime(context);
    const head = facts([
      ["block", block.cid],
      ["height", String(block.height)],
      ["miner", block.miner],
      ["age", time.age(block.timestampMs)],
      ["parents", block.parents],
      ["weight", block.parentWeight],
      ["state", block.stateRoot],
      ["messages", String(block.messages.length)],
    ]);
    if (block.messages.length === 0) return head;
    const rows = block.messages.map(({ cid, from, method, valueFil }) => [
      cid,
      shortId(from),
      method === "" ? "transfer" : method,
      fil(valueFil),
    ]);
    return `${head}\n\n${table(["MESSAGE", "FROM", "METHOD", "VALUE"], rows)}`;
  },
});

export const chainWatch = action({
  result: methods["chain.watch"].result,
  async *run({ node, signal }) {
    try {
      yield* (await node()).stream("chain.watch", {}, signal);
    } catch (cause) {
      if (!signal.aborted) throw cause; // Ctrl-C is how watching ends
    }
  },
  render: (tipset) =>
    `${tipset.height}  ${plural(tipset.cids.length, "block")}, ${plural(tipset.messages, "message")}  ` +
    `${tipset.cids[0] ?? "-"}`,
});

export const chainMoney = action({
  result: methods["chain.money"].result,
  async run({ node, signal }) {
    const money = await (await node()).call("chain.money", {}, signal);
    if (money.exact) return money;
    const { totalFil, genesisTotalFil, height } = money;
    throw cliErrors.moneyDiffers({ totalFil, genesisTotalFil, height });
  },
  render: (money, { terminal }) =>
    facts([
      ["height", String(money.height)],
      ["balances", fil(money.balancesFil)],
      ["escrow", fil(money.escrowFil)],
      ["pledges", fil(money.pledgeFil)],
      ["burnt", fil(money.burntFil)],
      ["sum", fil(money.totalFil)],
      ["genesis", fil(money.genesisTotalFil)],
      ["exact", terminal.paint("green", "yes: not one attoFIL is missing")],
    ]),
});

export const chainBadList = action({
  result: methods["chain.bad"].result,
  run: async ({ node, signal }) => (await node()).call("chain.bad", {}, signal),
  render(entries, { terminal }) {
    if (entries.length === 0) {
      terminal.hint("no block was found invalid");
      return "";
    }
    const rows = entries.map(({ height, key, root, code, reason }) => [
      String(height),
      key,
      root === key ? reason : `stands on ${root}`,
      code,
    ]);
    return table(["HEIGHT", "BLOCK", "WHY", "RULE"], rows);
  },
});

export const chainBadClear = action({
  result: methods["chain.clearBad"].result,
  async run({ node, signal }, input) {
    const key = input.args[0];
    return (await node()).call("chain.clearBad", key === undefined ? {} : { key }, signal);
  },
  render: ({ cleared }) => `${plural(cleared, "entry", "entries")} cleared; the node looks again`,
});

export const actorList = action({
  result: methods["actor.ls"].result,
  async run({ node, signal }, input) {
    const limit = optionNumber(input, "limit", listLimit) ?? 100;
    return (await node()).call("actor.ls", { limit }, signal);
  },
  render: (actors) =>
    table(
      ["ADDRESS", "KIND", "BALANCE", "NONCE"],
      actors.map(({ address, kind, balanceFil, nonce }) => [address, kind, fil(balanceFil), String(nonce)]),
    ),
});

export const actorShow = action({
  result: methods["actor.show"].result,
  async run({ node, signal }, input) {
    const address = addressArgument(input, 0, "the address");
    return (await node()).call("actor.show", { address }, signal);
  },
  render: (actor) =>
    [
      facts([
        ["address", actor.address],
        ["kind", actor.kind],
        ["balance", fil(actor.balanceFil)],
        ["nonce", String(actor.nonce)],
        ["head", actor.head ?? "-"],
      ]),
      ...(actor.state === null ? [] : ["", JSON.stringify(actor.state, null, 2)]),
    ].join("\n"),
});
