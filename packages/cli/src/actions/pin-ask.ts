/** Asking nodes on the chain to show an order of pinning. */
import { z } from "zod";
import { action } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { fil } from "../human-text.ts";
import { optionText } from "../input.ts";
import { facts } from "../layout.ts";
import { settled } from "./messages.ts";
import { nodeArgument, orderArgument, sentCall, sentLine } from "./pin-orders.ts";

const askCall = sentCall.extend({ node: z.int(), depositFil: z.string() });

/** One node, or all that hold the order and are not being asked; who was asked before another failed is told. */
export const pinAsk = action({
  result: askCall,
  async *run(context, input) {
    const pin = orderArgument(input);
    const key = optionText(input, "key");
    const only = input.args[1] === undefined ? undefined : nodeArgument(input, 1);
    const node = await context.node();
    const { holders } = await node.call("pinOrder.show", { pin }, context.signal);
    const held = holders.filter(({ state }) => state !== "assigned");
    if (only !== undefined && !held.some((one) => one.node === only))
      throw cliErrors.holdsNoOrder({ pin, node: only });
    const free = held.filter(({ ask }) => ask === null).map((one) => one.node);
    if (only === undefined && free.length === 0) throw cliErrors.nobodyToAsk({ pin, asked: held.length });
    const nodes = only === undefined ? free : [only];
    for (const of of nodes) {
      const wanted = { pin, node: of, ...(key === undefined ? {} : { key: `${key}:${of}` }) };
      const { depositFil, isProposal, ...sent } = await node.call("pinOrder.ask", wanted, context.signal);
      yield { node: of, depositFil, isProposal, ...(await settled(context, input, node, sent)) };
    }
    context.terminal.hint(`what came of it: \`holdfast pin status ${pin}\``);
  },
  render: ({ node, depositFil, ...sent }) =>
    facts([[`node ${node}`, `asked with ${fil(depositFil)}: ${sentLine(sent)}`]]),
});
