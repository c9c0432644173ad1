/** Test money: asking for it, and what a faucet gives. */
import { randomUUID } from "node:crypto";
import { methods } from "@holdfast/api";
import { formatDuration } from "@holdfast/base";
import { action } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { fil } from "../human-text.ts";
import { addressArgument, optionFlag, optionText } from "../input.ts";
import { facts } from "../layout.ts";

const waitMs = 120_000;

export const walletFaucet = action({
  result: methods["faucet.ask"].result,
  async run({ node, signal, terminal }, input) {
    const [given] = input.args;
    const address = given === undefined ? undefined : addressArgument(input, 0, "the address");
    const from = optionText(input, "from");
    const key = optionText(input, "key") ?? randomUUID();
    if (!/^[!-~]{1,64}$/.test(key)) {
      throw cliErrors.badValue({ problem: "--key is 1 to 64 visible ASCII characters" });
    }
    const api = await node();
    terminal.live(["asking a faucet …"]);
    try {
      return await api.call(
        "faucet.ask",
        {
          key,
          waitMs: optionFlag(input, "wait") ? waitMs : 0,
          ...(address === undefined ? {} : { address }),
          ...(from === undefined ? {} : { from }),
        },
        signal,
      );
    } finally {
      terminal.clear();
    }
  },
  render: ({ amountFil, address, cid, height, peerId }) =>
    height === null
      ? `${fil(amountFil)} for ${address} are on their way from ${peerId}: message ${cid}`
      : `${fil(amountFil)} for ${address} from ${peerId}, in the chain at height ${height}: message ${cid}`,
});

export const faucetShow = action({
  result: methods["faucet.show"].result,
  run: async ({ node, signal }) => (await node()).call("faucet.show", {}, signal),
  render(found) {
    const { network, amountFil, serving, windowMs } = found;
    if (amountFil === null) return facts([["network", `${network} has no faucet`]]);
    const { mostPerAddress, mostPerPeer, mostPerMachine, mostInAll, mostPerMinute } = found;
    return facts([
      ["network", network],
      ["gives", `${fil(amountFil)} for a request`],
      [
        `within ${formatDuration(windowMs)}`,
        [
          `${mostPerAddress} to one address`,
          `${mostPerPeer} to one peer`,
          `${mostPerMachine} to one machine`,
          `${mostInAll} in all, ${mostPerMinute} in a minute`,
        ],
      ],
      ...(serving === null
        ? [["this node", "serves no faucet"] as const]
        : [
            ["this node", `pays from ${serving.account}, which holds ${fil(serving.balanceFil)}`] as const,
            ["paid", `${serving.paid} of ${mostInAll}`] as const,
          ]),
    ]);
  },
});
