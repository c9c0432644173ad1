/** What the commands of the network do: peers, connections, scores, bans, invitations. */
import { type MethodResult, methods } from "@holdfast/api";
import { parseDurationMs } from "@holdfast/base";
import { z } from "zod";
import { action } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { plural, roughly, sizeText } from "../human-text.ts";
import { argument, optionDurationMs, optionFlag, optionList, optionText } from "../input.ts";
import { facts, table } from "../layout.ts";

type Reach = Pick<MethodResult<"net.status">, "reach" | "dialBacks">;

/** In one line, with the way to mend it. */
function reachText({ reach, dialBacks }: Reach): string {
  const reached = dialBacks.filter((found) => found.reached);
  const [first] = dialBacks;
  if (reach === "public")
    return reached.length === 0
      ? "yes: peers have come in"
      : `yes: ${plural(reached.length, "peer")} dialled it on port ${reached[0]?.port}`;
  if (reach === "unknown") return "unknown: nobody has come in, and no peer that could try has told yet";
  if (first === undefined) return "no: it listens nowhere, see [net] listen in config.toml";
  return (
    `no: ${plural(dialBacks.length, "peer")} could not dial it on port ${first.port}; forward that TCP port on the ` +
    "router, let the firewall pass it, and name the outer address in [net] announce of config.toml"
  );
}

export const netStatus = action({
  result: methods["net.status"].result,
  run: async ({ node, signal }) => (await node()).call("net.status", {}, signal),
  render: (found) =>
    facts([
      ["network", found.network],
      ["peer id", found.peerId],
      ["peers", `${found.outbound} dialled, ${found.inbound} came in, ${found.halfOpen} half open`],
      ["reachable", reachText(found)],
      ["addresses", found.addresses.length === 0 ? "-" : found.addresses],
      ["seen at", found.observed.length === 0 ? "-" : found.observed.map(seenAt)],
      ["traffic", `${sizeText(found.receivedBytes)} received, ${sizeText(found.sentBytes)} sent`],
      ["bans", String(found.bans)],
    ]),
});

const seenAt = ({ address, peers }: { readonly address: string; readonly peers: number }): string =>
  `${address}, by ${plural(peers, "peer")}`;

export const netPeers = action({
  result: methods["net.peers"].result,
  run: async ({ node, signal }) => (await node()).call("net.peers", {}, signal),
  render(peers, { terminal }) {
    if (peers.length === 0) {
      terminal.hint("no peers; connect to one with `holdfast net connect MULTIADDR`");
      return "";
    }
    const known = (value: number | null, text: (value: number) => string): string =>
      value === null ? "?" : text(value);
    const rows = peers.map((peer) => [
      peer.peerId,
      peer.direction,
      known(peer.score, String),
      known(peer.latencyMs, (ms) => `${Math.round(ms)} ms`),
      known(peer.headHeight, String),
      known(peer.connectedMs, roughly),
      known(peer.receivedBytes, sizeText),
      known(peer.sentBytes, sizeText),
      peer.agent === "" ? "?" : peer.agent,
      peer.addresses[0] ?? "-",
    ]);
    const head = [
      "PEER",
      "DIRECTION",
      "SCORE",
      "LATENCY",
      "HEAD IT TOLD",
      "FOR",
      "RECEIVED",
      "SENT",
      "AGENT",
    ];
    return table([...head, "ADDRESS"], rows);
  },
});

export const netId = action({
  result: z.object({ peerId: z.string() }),
  async run({ node, signal }) {
    const { peerId } = await (await node()).call("net.status", {}, signal);
    return { peerId };
  },
  render: ({ peerId }) => peerId,
});

export const netAddrs = action({
  result: methods["net.status"].result.pick({
    addresses: true,
    observed: true,
    reach: true,
    dialBacks: true,
  }),
  async run({ node, signal }) {
    const { addresses, observed, reach, dialBacks } = await (await node()).call("net.status", {}, signal);
    return { addresses, observed, reach, dialBacks };
  },
  render({ addresses, observed, ...reach }, { terminal }) {
    for (const one of observed) terminal.hint(`peers see this machine at ${seenAt(one)}`);
    if (reach.reach === "private") terminal.hint(`reachable: ${reachText(reach)}`);
    if (addresses.length === 0) terminal.hint("this node listens nowhere");
    return addresses.join("\n");
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

export const netDisconnect = action({
  result: methods["net.disconnect"].result,
  async run({ node, signal }, input) {
    const peerId = argument(input, 0, "the peer id");
    return (await node()).call("net.disconnect", { peerId }, signal);
  },
  render: ({ peerId }) => `the connection to ${peerId} has ended`,
});

export const netPing = action({
  result: methods["net.ping"].result,
  async run({ node, signal }, input) {
    const peerId = argument(input, 0, "the peer id");
    return (await node()).call("net.ping", { peerId }, signal);
  },
  render: ({ peerId, latencyMs }) => `${peerId} answers in ${latencyMs} ms`,
});

export const netScores = action({
  result: methods["net.scores"].result,
  run: async ({ node, signal }) => (await node()).call("net.scores", {}, signal),
  render(scores, { terminal }) {
    if (scores.length === 0) {
      terminal.hint("nobody has done anything of note");
      return "";
    }
    const rows = scores.map(({ peerId, score, deeds }) => [
      peerId,
      String(score),
      Object.entries(deeds)
        .map(([deed, count]) => `${deed} ${count}`)
        .join(", "),
    ]);
    return table(["PEER", "SCORE", "DEEDS"], rows);
  },
});

type BanView = MethodResult<"net.ban">;

const endOf = ({ untilMs }: BanView): string =>
  untilMs === null ? "lifted by hand" : new Date(untilMs).toISOString();

export const netBans = action({
  result: methods["net.bans"].result,
  run: async ({ node, signal }) => (await node()).call("net.bans", {}, signal),
  render(bans, { terminal }) {
    if (bans.length === 0) {
      terminal.hint("nobody is banned");
      return "";
    }
    const rows = bans.map((ban) => [ban.subject, ban.kind, ban.by, endOf(ban), ban.reason]);
    return table(["SUBJECT", "KIND", "BY", "UNTIL", "REASON"], rows);
  },
});

export const netBan = action({
  result: methods["net.ban"].result,
  async run({ node, signal }, input) {
    const subject = argument(input, 0, "who is to be banned");
    const forMs = optionDurationMs(input, "for") ?? null;
    const reason = optionText(input, "reason") ?? "by hand";
    return (await node()).call("net.ban", { subject, reason, forMs }, signal);
  },
  render: (ban) => `${ban.subject} is banned until ${endOf(ban)}`,
});

export const netUnban = action({
  result: methods["net.unban"].result,
  async run({ node, signal }, input) {
    const subject = argument(input, 0, "whose ban is to be lifted");
    return (await node()).call("net.unban", { subject }, signal);
  },
  render: ({ subject }) => `${subject} may come back`,
});

export const netLimits = action({
  result: methods["net.limits"].result,
  run: async ({ node, signal }) => (await node()).call("net.limits", {}, signal),
  render: (rows) =>
    table(
      ["LIMIT", "AT MOST", "USED"],
      rows.map(({ name, limit, used }) => [name, String(limit), used === null ? "" : String(used)]),
    ),
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
