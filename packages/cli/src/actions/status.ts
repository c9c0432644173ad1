/** `status` and `why`: how the node does, and the cause of anything that does not. */
import { type MethodResult, methods } from "@holdfast/api";
import { formatDuration } from "@holdfast/base";
import { action } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { fil, plural, roughly, sizeText, withoutEllipsis } from "../human-text.ts";
import { argument } from "../input.ts";
import { type Fact, facts, type Style } from "../layout.ts";
import { upgradeText } from "./network.ts";

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

export const status = action({
  result: methods["node.status"].result,
  run: async ({ node, signal }) => (await node()).call("node.status", {}, signal),
  render(found, { terminal }) {
    const { health, head } = found;
    const fix: Fact[] = health.fix === null ? [] : [["fix", health.fix]];
    return facts([
      ["node", `${found.name} (${found.roles.join(", ")}), up ${roughly(found.uptimeMs)}`],
      ["health", `${terminal.paint(healthStyle[health.light], health.light)}, ${health.reason}`],
      ...fix,
      ["network", `${found.network}, a round every ${formatDuration(found.roundMs)}`],
      ...(found.protocol.next === null ? [] : [["upgrade", upgradeText(found.protocol.next)] as const]),
      ["sectors", sectorLines(found.sectors)],
      ["head", `${head.height}, ${roughly(found.headAgeMs)} old, ${found.syncState}`],
      ...(found.believedFrom === null
        ? []
        : [
            [
              "history",
              `believed from height ${found.believedFrom} on; see \`holdfast sync status\``,
            ] as const,
          ]),
      ["peers", String(found.peers)],
      ["wallet", found.defaultAddress ?? "no key"],
      ["balance", found.balanceFil === null ? "-" : fil(found.balanceFil)],
      [
        "messages",
        found.pendingMessages === 0 ? "none waits" : `${found.pendingMessages} waiting for a block`,
      ],
      ["version", found.version],
      ["peer id", found.peerId],
      ["listens on", found.addresses.length === 0 ? "-" : found.addresses],
    ]);
  },
});

/** The largest first: a network of this machine has small ones for its genesis beside those that it is for. */
function sectorLines(classes: MethodResult<"node.status">["sectors"]): string[] {
  return classes
    .toSorted((a, b) => b.sectorBytes - a.sectorBytes)
    .map(({ sectorBytes, profile, proofMode }, index) => {
      const line = `${sizeText(sectorBytes)}: ${profile}, ${proofMode} proofs`;
      return index === 0 ? line : `also allowed, ${line}`;
    });
}

export const syncStatus = action({
  result: methods["sync.status"].result,
  run: async ({ node, signal }) => (await node()).call("sync.status", {}, signal),
  render(found) {
    const { beginning, checkpoint, warning, warningFix, toldHeight } = found;
    const told = toldHeight === null ? "" : `; peers have told of ${toldHeight}`;
    const fixes = [found.fix, warningFix].filter((fix) => fix !== null);
    return facts([
      ["state", `${found.state}: ${found.reason}`],
      ["head", `${found.height}, ${roughly(found.headAgeMs)} old${told}`],
      ...(beginning === null ? [] : [["beginning", beginningText(beginning)] as const]),
      ["checkpoint", checkpoint ?? "none"],
      ["final", found.final ?? "nothing yet"],
      ["history", warning ?? (checkpoint === null ? "watched as it came" : "vouched for by the checkpoint")],
      ...fixes.map((fix) => ["fix", fix] as const),
    ]);
  },
});

function beginningText(at: NonNullable<MethodResult<"sync.status">["beginning"]>): string {
  const { checkpoint, stage, headers, objects, bytes } = at;
  const have = `${plural(headers, "header")}, ${plural(objects, "object")} of its state (${sizeText(bytes)})`;
  return `at the checkpoint of height ${checkpoint}, fetching ${stage}; here are ${have}`;
}

export const why = action({
  result: methods.why.result,
  async run({ node, signal }, input) {
    const subject = withoutEllipsis(argument(input, 0, "the subject"));
    const answer = await (await node()).call("why", { subject }, signal);
    if (answer.kind !== "unknown") return answer;
    throw cliErrors.unknownSubject({ subject, summary: answer.summary });
  },
  render: (answer, { terminal }) => {
    const because = answer.kind === "deal" ? "" : "because "; // a deal's causes are its history
    return [
      answer.kind === answer.subject ? answer.kind : `${answer.kind} ${answer.subject}`,
      `${terminal.paint(whyStyle[answer.light], answer.state)}: ${answer.summary}`,
      ...answer.causes.filter((cause) => cause !== "").map((cause) => `  ${because}${cause}`),
      ...(answer.fix === null ? [] : [`fix: ${answer.fix}`]),
    ].join("\n");
  },
});
