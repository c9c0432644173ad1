/** The money that the market holds: what there is, putting it there, taking it out. */
import { type MethodResult, methods } from "@holdfast/api";
import { z } from "zod";
import { action, type CommandContext, type CommandInput } from "../command.ts";
import { fil } from "../human-text.ts";
import { addressArgument, amountArgument, optionAddress, optionText } from "../input.ts";
import { facts, table } from "../layout.ts";
import { sentMessage, sentText, settled } from "./messages.ts";

type EscrowView = MethodResult<"market.balance">[number];

export const marketBalance = action({
  result: methods["market.balance"].result,
  async run({ node, signal }, input) {
    const wanted = input.args[0] === undefined ? {} : { address: addressArgument(input, 0, "the address") };
    return (await node()).call("market.balance", wanted, signal);
  },
  render: (list: readonly EscrowView[]) =>
    table(
      ["ADDRESS", "ROLE", "IN ESCROW", "LOCKED", "FREE"],
      list.map(({ address, role, escrowFil, lockedFil, freeFil }) => [
        address,
        role,
        fil(escrowFil),
        fil(lockedFil),
        fil(freeFil),
      ]),
    ),
});

/** What the user has named of these. */
function given(input: CommandInput) {
  const [from, ofMiner] = [optionAddress(input, "from"), optionAddress(input, "miner")];
  const key = optionText(input, "key");
  return {
    ...(from === undefined ? {} : { from }),
    ...(ofMiner === undefined ? {} : { ofMiner }),
    ...(key === undefined ? {} : { key }),
  };
}

const marketCall = sentMessage.extend({ isProposal: z.boolean(), amountFil: z.string() });

async function answered(
  context: CommandContext,
  input: CommandInput,
  method: "market.add" | "market.withdraw",
  wanted: { readonly amount?: string },
): Promise<z.output<typeof marketCall>> {
  const node = await context.node();
  const { amount } = wanted;
  const { cid, nonce, ...rest } =
    method === "market.add"
      ? await node.call(method, { amount: amount ?? "0FIL", ...given(input) }, context.signal)
      : await node.call(method, { ...wanted, ...given(input) }, context.signal);
  return { ...rest, ...(await settled(context, input, node, { cid, nonce })) };
}

const rendered =
  (what: string) =>
  ({ amountFil, isProposal, ...sent }: z.output<typeof marketCall>): string =>
    facts([
      [what, fil(amountFil)],
      ["message", isProposal ? `${sentText(sent)}, which proposes it to the multisig` : sentText(sent)],
    ]);

export const marketAdd = action({
  result: marketCall,
  run: (context, input) =>
    answered(context, input, "market.add", { amount: amountArgument(input, 0, "the amount") }),
  render: rendered("added"),
});

export const marketWithdraw = action({
  result: marketCall,
  run(context, input) {
    const wanted = input.args[0] === undefined ? {} : { amount: amountArgument(input, 0, "the amount") };
    return answered(context, input, "market.withdraw", wanted);
  },
  render: rendered("taken out"),
});
