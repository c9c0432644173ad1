/** What the commands of the network do: peers, connections, invitations. */
import { methods } from "@holdfast/api";
import { parseDurationMs } from "@holdfast/base";
import { action } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { argument, optionFlag, optionList, optionText } from "../input.ts";
import { table } from "../layout.ts";

export const netPeers = action({
  result: methods["net.peers"].result,
  run: async ({ node, signal }) => (await node()).call("net.peers", {}, signal),
  render(peers, { terminal }) {
    if (peers.length === 0) {
      terminal.hint("no peers; connect to one with `holdfast net connect MULTIADDR`");
      return "";
    }
    const rows = peers.map(({ peerId, direction, headHeight, addresses }) => [
      peerId,
      direction,
      headHeight === null ? "?" : String(headHeight),
      addresses[0] ?? "-",
    ]);
    return table(["PEER", "DIRECTION", "HEAD IT TOLD", "ADDRESS"], rows);
  },
});

export const netConnect = action({
  result: methods["net.connect"].result,
  async run({ node, signal }, input) {
    const address = argument(input, 0, "the multiaddr");
    if (!address.startsWith("/")) {
      throw cliErrors.badValue({
        problem: `${address} is not a multiaddr such as /ip4/127.0.0.1/tcp/6000/p2p/…`,
      });
    }
    return (await node()).call("net.connect", { address }, signal);
  },
  render: ({ peerId }) => `connected to ${peerId}`,
});

export const netInvite = action({
  result: methods["net.invite"].result,
  async run({ node, signal }, input) {
    const lifetime = optionText(input, "for") ?? "30d";
    const forMs = lifetime === "ever" ? null : parseDurationMs(lifetime);
    const addresses = [...optionList(input, "address")];
    const checkpoint = optionFlag(input, "checkpoint");
    return (await node()).call("net.invite", { forMs, addresses, checkpoint }, signal);
  },
  render(made, { terminal }) {
    const ends = made.expiresAtMs === null ? "never" : new Date(made.expiresAtMs).toISOString();
    terminal.hint(`to ${made.network} (genesis ${made.genesis}) through ${made.addresses.join(" and ")}`);
    terminal.hint(`it ends: ${ends}; use it with \`holdfast join\``);
    return made.invitation;
  },
});
