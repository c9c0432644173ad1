/** Multisigs: making, proposing, approving, changing. */
import { type MethodParams, type MethodResult, methods } from "@holdfast/api";
import { z } from "zod";
import { action, type CommandInput } from "../command.ts";
import { fil, plural, shortId } from "../human-text.ts";
import {
  addressArgument,
  amountArgument,
  anyNumber,
  argument,
  manyAddresses,
  optionAddress,
  optionAmount,
  optionDurationMs,
  optionFlag,
  optionHex,
  optionNumber,
  optionText,
  wholeNumber,
} from "../input.ts";
import { facts, table } from "../layout.ts";
import { type SentMessage, sentMessage, sentText, settled } from "./messages.ts";

const multisigArgument = (input: CommandInput): string => addressArgument(input, 0, "the multisig's address");

/** What the user has named of these. */
function signer(input: CommandInput) {
  const [from, key] = [optionAddress(input, "from"), optionText(input, "key")];
  return { ...(from === undefined ? {} : { from }), ...(key === undefined ? {} : { key }) };
}

const mostSigners = { least: 1, most: 256 };

export const multisigCreate = action({
  result: sentMessage.extend({ address: z.string() }),
  async run(context, input) {
    const unlockForMs = optionDurationMs(input, "unlockOver");
    const wanted = {
      signers: [...manyAddresses(input, 0, "a signer's address")],
      threshold: optionNumber(input, "threshold", mostSigners) ?? 1,
      amount: optionAmount(input, "amount") ?? "0FIL",
      ...(unlockForMs === undefined ? {} : { unlockForMs }),
      ...signer(input),
    };
    const node = await context.node();
    const { address, ...sent } = await node.call("multisig.create", wanted, context.signal);
    return { ...(await settled(context, input, node, sent)), address };
  },
  render: ({ address, ...sent }) =>
    facts([
      ["multisig", address],
      ["message", sentText(sent)],
    ]),
});

type Sending = "multisig.propose" | "multisig.approve" | "multisig.cancel" | "multisig.change";

function sending<Name extends Sending>(name: Name, wantedOf: (input: CommandInput) => MethodParams<Name>) {
  return action<SentMessage>({
    result: sentMessage,
    async run(context, input) {
      const wanted = wantedOf(input);
      const node = await context.node();
      const sent = (await node.call(name, wanted, context.signal)) as { cid: string; nonce: number };
      return settled(context, input, node, sent);
    },
    render: sentText,
  });
}

export const multisigPropose = sending("multisig.propose", (input) => ({
  multisig: multisigArgument(input),
  to: addressArgument(input, 1, "the recipient's address"),
  amount: amountArgument(input, 2, "the amount"),
  method: optionText(input, "method") ?? "",
  paramsHex: optionHex(input, "params") ?? "",
  ...signer(input),
}));

const openTransaction = (input: CommandInput) => ({
  multisig: multisigArgument(input),
  transactionId: wholeNumber(
    argument(input, 1, "the transaction's number"),
    "the transaction's number",
    anyNumber,
  ),
  ...signer(input),
});
export const multisigApprove = sending("multisig.approve", openTransaction);
export const multisigCancel = sending("multisig.cancel", openTransaction);

export const signersAdd = sending("multisig.change", (input) => ({
  multisig: multisigArgument(input),
  change: "add",
  signer: addressArgument(input, 1, "the signer's address"),
  moveThreshold: optionFlag(input, "raiseThreshold"),
  ...signer(input),
}));
export const signersRemove = sending("multisig.change", (input) => ({
  multisig: multisigArgument(input),
  change: "remove",
  signer: addressArgument(input, 1, "the signer's address"),
  moveThreshold: optionFlag(input, "lowerThreshold"),
  ...signer(input),
}));
export const signersSwap = sending("multisig.change", (input) => ({
  multisig: multisigArgument(input),
  change: "swap",
  signer: addressArgument(input, 1, "the signer's address"),
  newSigner: addressArgument(input, 2, "the new signer's address"),
  ...signer(input),
}));
export const signersThreshold = sending("multisig.change", (input) => ({
  multisig: multisigArgument(input),
  change: "threshold",
  threshold: wholeNumber(argument(input, 1, "the threshold"), "the threshold", mostSigners),
  ...signer(input),
}));

type MultisigView = MethodResult<"multisig.show">;

export const multisigList = action({
  result: methods["multisig.ls"].result,
  run: async ({ node, signal }) => (await node()).call("multisig.ls", {}, signal),
  render(multisigs, { terminal }) {
    if (multisigs.length === 0) {
      terminal.hint("no multisig; `holdfast multisig create` makes one");
      return "";
    }
    const rows = multisigs.map(({ address, signers, threshold, balanceFil, transactions }) => [
      address,
      `${threshold} of ${signers.length}`,
      fil(balanceFil),
      plural(transactions.length, "open transaction"),
    ]);
    return table(["MULTISIG", "APPROVALS", "BALANCE", "WAITING"], rows);
  },
});

function transactionText({
  transactionId,
  to,
  valueFil,
  method,
  missing,
}: MultisigView["transactions"][number]) {
  const what = method === "" ? fil(valueFil) : `${method}, ${fil(valueFil)},`;
  const waits = missing === 0 ? "failed for want of money: approve it to try again" : `${missing} to approve`;
  return `${transactionId}: ${what} to ${shortId(to)}, ${waits}`;
}

export const multisigShow = action({
  result: methods["multisig.show"].result,
  run: async ({ node, signal }, input) =>
    (await node()).call("multisig.show", { address: multisigArgument(input) }, signal),
  render: ({ address, signers, threshold, balanceFil, freeFil, transactions }) =>
    facts([
      ["multisig", address],
      ["signers", signers],
      ["approvals", `${threshold} of ${signers.length}`],
      ["balance", `${fil(balanceFil)}, ${fil(freeFil)} free`],
      ["open", transactions.length === 0 ? "-" : transactions.map(transactionText)],
    ]),
});
