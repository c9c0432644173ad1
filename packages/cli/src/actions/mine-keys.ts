/** Who holds this node's miner, and how long its sectors live. */
import { type ApiClient, type MethodResult, methods } from "@holdfast/api";
import { z } from "zod";
import { chainTime } from "../chain-time.ts";
import { action, type CommandContext, type CommandInput } from "../command.ts";
import { confirm } from "../confirm.ts";
import { cliErrors } from "../errors.ts";
import { fil, plural, sizeText } from "../human-text.ts";
import {
  addressArgument,
  amountArgument,
  anyNumber,
  optionAddress,
  optionDurationMs,
  optionFlag,
  optionHexOf,
  optionNumber,
  optionText,
  wholeNumber,
} from "../input.ts";
import { facts } from "../layout.ts";
import { sentMessage, sentText, settled } from "./messages.ts";

const ownerCall = sentMessage.extend({ isProposal: z.boolean() });
type OwnerCall = z.output<typeof ownerCall>;

const ownerText = ({ isProposal, ...sent }: OwnerCall): string =>
  isProposal ? `${sentText(sent)}, which proposes it to the multisig that owns the miner` : sentText(sent);

/** Waits for the message and keeps what else the answer says. */
async function waited<Answer extends { readonly cid: string; readonly nonce: number }>(
  context: CommandContext,
  input: CommandInput,
  node: ApiClient,
  answer: Answer,
) {
  const { cid, nonce, ...rest } = answer;
  return { ...rest, ...(await settled(context, input, node, { cid, nonce })) };
}

type WorkerView = MethodResult<"mine.worker">;
const keysText = ({
  worker,
  workerKeyHex,
  hasKeys,
}: Pick<WorkerView, "worker" | "workerKeyHex" | "hasKeys">) => [
  worker,
  workerKeyHex,
  hasKeys ? "this node has both keys" : "this node lacks a key of it",
];

export const workerShow = action({
  result: methods["mine.worker"].result,
  run: async ({ node, signal }) => (await node()).call("mine.worker", {}, signal),
  async render({ owner, pendingOwner, pending, ...worker }, context) {
    const time = await chainTime(context);
    return facts([
      ["worker", keysText(worker)],
      [
        "announced",
        pending === null ? "-" : [...keysText(pending), `counts from ${time.at(pending.effectiveAt)}`],
      ],
      ["owner", owner],
      ["next owner", pendingOwner ?? "-"],
    ]);
  },
});

function repeat(input: CommandInput) {
  const key = optionText(input, "key");
  return key === undefined ? {} : { key };
}

export const workerSet = action({
  result: ownerCall.extend({ worker: z.string(), workerKeyHex: z.string() }),
  async run(context, input) {
    const worker = optionAddress(input, "worker");
    const workerKeyHex = optionHexOf(input, "workerKey", [48]);
    if ((worker === undefined) !== (workerKeyHex === undefined)) {
      throw cliErrors.badValue({ problem: "--worker and --worker-key go together" });
    }
    const wanted = worker === undefined || workerKeyHex === undefined ? {} : { worker, workerKeyHex };
    const named = { ...wanted, ...repeat(input) };
    const node = await context.node();
    return waited(context, input, node, await node.call("mine.workerSet", named, context.signal));
  },
  render: ({ worker, workerKeyHex, ...sent }) =>
    facts([
      ["new worker", worker],
      ["its key", workerKeyHex],
      ["message", ownerText(sent)],
    ]),
});

export const workerConfirm = action({
  result: sentMessage,
  async run(context, input) {
    const node = await context.node();
    return waited(context, input, node, await node.call("mine.workerConfirm", {}, context.signal));
  },
  render: sentText,
});

export const ownerPropose = action({
  result: ownerCall,
  async run(context, input) {
    const owner = addressArgument(input, 0, "the next owner's address");
    const node = await context.node();
    return waited(context, input, node, await node.call("mine.ownerPropose", { owner }, context.signal));
  },
  render: ownerText,
});

export const ownerAccept = action({
  result: ownerCall,
  async run(context, input) {
    const miner = addressArgument(input, 0, "the miner's address");
    const from = optionAddress(input, "from");
    const wanted = from === undefined ? { miner } : { miner, from };
    const node = await context.node();
    return waited(context, input, node, await node.call("mine.ownerAccept", wanted, context.signal));
  },
  render: ownerText,
});

const sectorNumbers = (input: CommandInput): number[] =>
  input.args.map((text) => wholeNumber(text ?? "", "a sector's number", anyNumber));

export const sectorsExtend = action({
  result: sentMessage.extend({ expiration: z.int() }),
  async run(context, input) {
    const sectorIds = sectorNumbers(input);
    const forMs = optionDurationMs(input, "for");
    const untilHeight = optionNumber(input, "until", anyNumber);
    if ((forMs === undefined) === (untilHeight === undefined)) {
      throw cliErrors.badValue({ problem: "the new end is named by --until or by --for" });
    }
    const term = {
      ...(forMs === undefined ? {} : { forMs }),
      ...(untilHeight === undefined ? {} : { untilHeight }),
    };
    const node = await context.node();
    const sent = await node.call("mine.extend", { sectorIds, ...term }, context.signal);
    return waited(context, input, node, sent);
  },
  render: async ({ expiration, ...sent }, context) =>
    facts([
      ["they live until", (await chainTime(context)).at(expiration)],
      ["message", sentText(sent)],
    ]),
});

type Quote = MethodResult<"mine.terminateQuote">;

function costText({ feeFil, freedFil, powerBytes, pieces, sectors, deals, collateralFil }: Quote): string {
  const lost = `${sizeText(powerBytes)} of power and ${plural(pieces, "piece")} of deals are lost`;
  const collateral =
    deals === 0 ? "" : `, and with ${plural(deals, "deal")} the collateral of ${fil(collateralFil)}`;
  const burnt = `burns ${fil(feeFil)} and frees ${fil(freedFil)}`;
  return `ending ${plural(sectors.length, "sector")} ${burnt}; ${lost}${collateral}`;
}

export const sectorsTerminate = action({
  result: sentMessage.extend({ feeFil: z.string(), freedFil: z.string() }),
  async run(context, input) {
    const sectorIds = sectorNumbers(input);
    const node = await context.node();
    const cost = await node.call("mine.terminateQuote", { sectorIds }, context.signal);
    if (!optionFlag(input, "yes")) await confirm(context, costText(cost));
    const sent = await node.call("mine.terminate", { sectorIds, ...repeat(input) }, context.signal);
    return waited(context, input, node, { ...sent, feeFil: cost.feeFil, freedFil: cost.freedFil });
  },
  render: ({ feeFil, freedFil, ...sent }) =>
    facts([
      ["burnt", fil(feeFil)],
      ["freed", fil(freedFil)],
      ["message", sentText(sent)],
    ]),
});

export const minerWithdraw = action({
  result: ownerCall.extend({ amountFil: z.string() }),
  async run(context, input) {
    const amount = input.args[0] === undefined ? {} : { amount: amountArgument(input, 0, "the amount") };
    const wanted = { ...amount, ...repeat(input) };
    const node = await context.node();
    return waited(context, input, node, await node.call("mine.withdraw", wanted, context.signal));
  },
  render: ({ amountFil, ...sent }) =>
    facts([
      ["to the owner", fil(amountFil)],
      ["message", ownerText(sent)],
    ]),
});
