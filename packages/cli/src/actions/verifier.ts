/** Verifiers of idle space: who they are, and messages of their authority and of themselves. */
import { type MethodResult, methods } from "@holdfast/api";
import { action, type CommandInput } from "../command.ts";
import { fil } from "../human-text.ts";
import { addressArgument, amountArgument, argument, optionNumber } from "../input.ts";
import { facts, table } from "../layout.ts";

type Sent = MethodResult<"verifier.remove">;

const sentText = ({ cid, isProposal }: Sent): string =>
  isProposal ? `proposed, for others to approve: message ${cid}` : `sent: message ${cid}`;

const named = (input: CommandInput, index: number): { readonly operator?: string } =>
  input.args[index] === undefined ? {} : { operator: addressArgument(input, index, "the verifier") };

type List = MethodResult<"verifier.list">;

const runs = (programHex: string | null, kind: string | null): string =>
  programHex === null ? "-" : `${programHex.slice(0, 16)}… (${kind})`;

function ownLines(own: List["own"]): readonly string[] {
  if (own === null) return [];
  const { operator, programHex, kind, reason, certified, judged, refused } = own;
  return [
    "",
    facts([
      ["this node", `verifier of ${operator}`],
      ["runs", runs(programHex, kind)],
      ["has said", `${certified} certified, ${judged} judged, ${refused} refused`],
      ...(reason === null ? [] : [["no voice", reason.message] as const]),
    ]),
  ];
}

function stateOf({ isInOffice, key }: List["verifiers"][number]): string {
  if (isInOffice) return "in office";
  return key === null ? "has not attested" : "not in office";
}

export const verifierLs = action({
  result: methods["verifier.list"].result,
  run: async ({ node, signal }) => (await node()).call("verifier.list", {}, signal),
  render(found) {
    const { profile, weightPercent, bondFil, seats, authority, verifiers, own } = found;
    if (profile === "") return facts([["idle space", "this network counts none"]]);
    const rules = facts([
      ["files", profile],
      ["a byte counts", `${weightPercent} % of a sector's`],
      ["bond", fil(bondFil)],
      ["seats in a matter", String(seats)],
      ["admitted by", authority ?? "nobody: those of the genesis stay"],
    ]);
    const rows = verifiers.map((one) => [
      one.operator + (one.isOurs ? " *" : ""),
      stateOf(one),
      fil(one.bondFil),
      String(Math.min(one.expires, one.key === null ? one.expires : one.validUntil)),
      runs(one.programHex, one.kind),
      one.peerId,
    ]);
    const shown = table(["VERIFIER", "STATE", "BOND", "UNTIL HEIGHT", "RUNS", "PEER"], rows);
    return [rules, "", shown, ...ownLines(own)].join("\n");
  },
});

export const verifierAdmit = action({
  result: methods["verifier.admit"].result,
  async run({ node, signal }, input) {
    const wanted = {
      operator: addressArgument(input, 0, "its operator"),
      peerId: argument(input, 1, "the peer id"),
      forEpochs: optionNumber(input, "for", { least: 1, most: 1_000_000_000 }) ?? 1_000_000,
    };
    return (await node()).call("verifier.admit", wanted, signal);
  },
  render: sentText,
});

export const verifierRemove = action({
  result: methods["verifier.remove"].result,
  run: async ({ node, signal }, input) => (await node()).call("verifier.remove", named(input, 0), signal),
  render: sentText,
});

export const verifierBond = action({
  result: methods["verifier.bond"].result,
  async run({ node, signal }, input) {
    const amount = amountArgument(input, 0, "the amount");
    return (await node()).call("verifier.bond", { amount, ...named(input, 1) }, signal);
  },
  render: sentText,
});

export const verifierWithdraw = action({
  result: methods["verifier.withdraw"].result,
  run: async ({ node, signal }, input) => (await node()).call("verifier.withdraw", named(input, 0), signal),
  render: sentText,
});
