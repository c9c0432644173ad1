/** Verifiers of idle space: who they are, and messages of their authority and of themselves. */
import { type MethodResult, methods } from "@holdfast/api";
import { action, type CommandInput } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { fil } from "../human-text.ts";
import { addressArgument, amountArgument, argument, optionNumber, optionText } from "../input.ts";
import { facts, table } from "../layout.ts";

type Sent = MethodResult<"verifier.remove">;

const sentText = ({ cid, isProposal }: Sent): string =>
  isProposal ? `proposed, for others to approve: message ${cid}` : `sent: message ${cid}`;

const named = (input: CommandInput, index: number): { readonly address?: string } =>
  input.args[index] === undefined ? {} : { address: addressArgument(input, index, "the verifier") };

function digest(input: CommandInput, name: string): string | undefined {
  const text = optionText(input, name)?.toLowerCase();
  if (text === undefined || /^[0-9a-f]{64}$/.test(text)) return text;
  throw cliErrors.badValue({ problem: `--${name} is 64 hexadecimal digits` });
}

export const verifierLs = action({
  result: methods["verifier.list"].result,
  run: async ({ node, signal }) => (await node()).call("verifier.list", {}, signal),
  render(found) {
    const { profile, weightPercent, bondFil, seats, authority, verifiers } = found;
    if (profile === "") return facts([["idle space", "this network counts none"]]);
    const rules = facts([
      ["files", profile],
      ["a byte counts", `${weightPercent} % of a sector's`],
      ["bond", fil(bondFil)],
      ["seats in a matter", String(seats)],
      ["admitted by", authority ?? "nobody: those of the genesis stay"],
    ]);
    const rows = verifiers.map((one) => [
      one.address + (one.isOurs ? " *" : ""),
      one.isInOffice ? "in office" : "not in office",
      fil(one.bondFil),
      String(one.expires),
      one.peerId,
    ]);
    return [rules, "", table(["VERIFIER", "STATE", "BOND", "UNTIL HEIGHT", "PEER"], rows)].join("\n");
  },
});

export const verifierAdmit = action({
  result: methods["verifier.admit"].result,
  async run({ node, signal }, input) {
    const [measurementHex, evidenceHex] = [digest(input, "measurement"), digest(input, "evidence")];
    const wanted = {
      address: addressArgument(input, 0, "the verifier"),
      peerId: argument(input, 1, "the peer id"),
      forEpochs: optionNumber(input, "for", { least: 1, most: 1_000_000_000 }) ?? 1_000_000,
      ...(measurementHex === undefined ? {} : { measurementHex }),
      ...(evidenceHex === undefined ? {} : { evidenceHex }),
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
