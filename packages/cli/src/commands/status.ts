/** `status` and `why`: how the node does, and the cause of anything that does not. */
import { type MethodResult, methods } from "@holdfast/api";
import { formatDuration } from "@holdfast/base";
import { type CommandSpec, command } from "../command.ts";
import { age, fil } from "../human-text.ts";
import { argument } from "../input.ts";
import { facts, type Style } from "../terminal.ts";

const healthStyle: { readonly [Light in MethodResult<"node.status">["health"]["light"]]: Style } = {
  ok: "green",
  warning: "yellow",
  failing: "red",
};
const whyStyle: { readonly [Light in MethodResult<"why">["light"]]: Style } = {
  ok: "green",
  waiting: "yellow",
  failing: "red",
};

export const statusCommands: readonly CommandSpec[] = [
  command({
    path: ["status"],
    summary: "Show how this node does",
    about: "Every line is derived from the chain and the connections as they are now.",
    examples: ["holdfast status", "holdfast status --node miner-2 --json"],
    result: methods["node.status"].result,
    run: async ({ node, signal }) => (await node()).call("node.status", {}, signal),
    render: (status, { terminal }) =>
      facts([
        ["node", `${status.name} (${status.roles.join(", ")}), up ${formatDuration(status.uptimeMs)}`],
        ["health", `${terminal.paint(healthStyle[status.health.light], status.health.light)}, ${status.health.reason}`],
        ...(status.health.fix === null ? [] : [["fix", status.health.fix] as const]),
        ["network", `${status.network}, a round every ${formatDuration(status.roundMs)}`],
        ["head", `${status.head.height}, ${age(status.head.timestampMs)} old, ${status.syncState}`],
        ["peers", String(status.peers)],
        ["wallet", status.defaultAddress ?? "no key"],
        ["balance", status.balanceFil === null ? "-" : fil(status.balanceFil)],
        ["messages", `${status.pendingMessages} wait for a block`],
        ["peer id", status.peerId],
        ["listens on", status.addresses.join("\n            ")],
      ]),
  }),
  command({
    path: ["why"],
    summary: "Explain a deal, message, sector or put",
    about: "Says what state it is in, what caused that, and the one command that fixes it.",
    examples: ["holdfast why bafy2bza…", "holdfast why 3 --node miner-1"],
    args: [{ name: "subject", summary: "id of a deal, message or put, or the number of a sector" }],
    result: methods.why.result,
    run: async ({ node, signal }, input) =>
      (await node()).call("why", { subject: argument(input, 0, "the subject") }, signal),
    render: (answer, { terminal }) =>
      [
        `${answer.kind} ${answer.subject}`,
        `${terminal.paint(whyStyle[answer.light], answer.state)}: ${answer.summary}`,
        ...answer.causes.map((cause) => `  because ${cause}`),
        ...(answer.fix === null ? [] : [`fix: ${answer.fix}`]),
      ].join("\n"),
  }),
];
