/**
 * Messages: sending, finding, waiting. A message that is in the chain and failed there is a failure of the
 * command, whoever sent it.
 */
import { type ApiClient, type MethodParams, type MethodResult, methods } from "@holdfast/api";
import { HoldfastError } from "@holdfast/base";
import { z } from "zod";
import { action, type CommandContext, type CommandInput } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { fil, plural, shortId } from "../human-text.ts";
import {
  addressArgument,
  amountArgument,
  anyNumber,
  cidArgument,
  optionAddress,
  optionAmount,
  optionDurationMs,
  optionFlag,
  optionHex,
  optionNumber,
  optionText,
} from "../input.ts";
import { facts, table } from "../layout.ts";

type MessageState = MethodResult<"message.show">;

const defaultWaitMs = 120_000;

/** Receipts that speak of missing money: the balance, the pledge of a miner, the pledge of a sector. */
const unfundedExitCodes: ReadonlySet<number> = new Set([3, 32, 72]);

function failureOf({ message, height, receipt }: MessageState): HoldfastError | undefined {
  if (receipt === null || receipt.exitCode === 0) return undefined;
  const { exitCode, meaning } = receipt;
  const data = { cid: message.cid, height: height ?? 0, exitCode, meaning };
  return unfundedExitCodes.has(exitCode) ? cliErrors.messageUnfunded(data) : cliErrors.messageFailed(data);
}

function messageFacts(state: MessageState): string {
  const { message, receipt, confirmations } = state;
  const mined = `in the chain at height ${state.height}, ${plural(confirmations, "round")} ago`;
  return facts([
    ["message", message.cid],
    ["state", state.state === "mined" ? mined : "waits for a block"],
    ["from", `${message.from} (nonce ${message.nonce})`],
    ["to", message.to],
    ["value", fil(message.valueFil)],
    ["method", message.method === "" ? "transfer" : message.method],
    ["result", receipt === null ? "-" : `${receipt.meaning} (exit code ${receipt.exitCode})`],
    ["gas", receipt === null ? `at most ${message.gasLimit}` : `${receipt.gasUsed} of ${message.gasLimit}`],
  ]);
}

export const messageList = action({
  result: methods["message.ls"].result,
  run: async ({ node, signal }) => (await node()).call("message.ls", {}, signal),
  render(messages, { terminal }) {
    if (messages.length === 0) {
      terminal.hint("no message waits");
      return "";
    }
    const rows = messages.map(({ cid, from, nonce, to, method, valueFil }) => [
      cid,
      `${shortId(from)} (${nonce})`,
      shortId(to),
      method === "" ? "transfer" : method,
      fil(valueFil),
    ]);
    return table(["MESSAGE", "FROM (NONCE)", "TO", "METHOD", "VALUE"], rows);
  },
});

export const messageShow = action({
  result: methods["message.show"].result,
  async run({ node, signal }, input) {
    const cid = cidArgument(input, 0, "the message's CID");
    return (await node()).call("message.show", { cid }, signal);
  },
  render: messageFacts,
});

export const messageWait = action({
  result: methods["message.wait"].result,
  async run(context, input) {
    const cid = cidArgument(input, 0, "the message's CID");
    const timeoutMs = optionDurationMs(input, "timeout") ?? defaultWaitMs;
    const confirmations = optionNumber(input, "confirmations", { least: 0, most: 10_000 }) ?? 0;
    return waitFor(context, await context.node(), { cid, timeoutMs, confirmations });
  },
  render: messageFacts,
});

async function waitFor(
  { terminal, signal }: CommandContext,
  node: ApiClient,
  wanted: MethodParams<"message.wait">,
): Promise<MessageState> {
  terminal.live([`${wanted.cid} waits for a block`]);
  try {
    const state = await node.call("message.wait", wanted, signal);
    const failure = failureOf(state);
    if (failure !== undefined) throw failure;
    return state;
  } finally {
    terminal.clear();
  }
}

export const sentMessage = z.object({
  cid: z.string(),
  nonce: z.int(),
  height: z.int().nullable(),
  gasUsed: z.int().nullable(),
});
export type SentMessage = z.output<typeof sentMessage>;

async function send(
  context: CommandContext,
  input: CommandInput,
  call: Pick<MethodParams<"message.send">, "method" | "paramsHex">,
): Promise<SentMessage> {
  const to = addressArgument(input, 0, "the receiving address");
  const value = amountArgument(input, 1, "the amount");
  const from = optionAddress(input, "from");
  const gasPrice = optionAmount(input, "gasPrice");
  const gasLimit = optionNumber(input, "gasLimit", anyNumber);
  const key = optionText(input, "key");
  const node = await context.node();
  const { cid, nonce } = await node.call(
    "message.send",
    {
      to,
      value,
      ...call,
      ...(from === undefined ? {} : { from }),
      ...(gasPrice === undefined ? {} : { gasPrice }),
      ...(gasLimit === undefined ? {} : { gasLimit }),
      ...(key === undefined ? {} : { key }),
    },
    context.signal,
  );
  return settled(context, input, node, { cid, nonce });
}

/** Waits for what was sent, unless the user does not want to. */
export async function settled(
  context: CommandContext,
  input: CommandInput,
  node: ApiClient,
  { cid, nonce }: { readonly cid: string; readonly nonce: number },
): Promise<SentMessage> {
  if (!optionFlag(input, "wait")) return { cid, nonce, height: null, gasUsed: null };
  try {
    const { height, receipt } = await waitFor(context, node, { cid, timeoutMs: defaultWaitMs });
    return { cid, nonce, height, gasUsed: receipt?.gasUsed ?? null };
  } catch (cause) {
    const lost = context.signal.aborted ? "interrupted" : lostContact(cause);
    throw lost === undefined ? cause : cliErrors.sentUnseen({ cid, detail: lost }, cause);
  }
}

/** The node is gone, which says nothing about the message. */
function lostContact(cause: unknown): string | undefined {
  return cause instanceof HoldfastError && cause.code.startsWith("api/") ? cause.message : undefined;
}

export const sentText = ({ cid, height }: SentMessage): string =>
  height === null ? `sent: message ${cid}` : `in the chain at height ${height}: message ${cid}`;

export const messageSend = action({
  result: sentMessage,
  run: (context, input) =>
    send(context, input, {
      method: optionText(input, "method") ?? "",
      paramsHex: optionHex(input, "params") ?? "",
    }),
  render: sentText,
});

const ownCid = (input: CommandInput): string => cidArgument(input, 0, "the message's CID");

export const messageReplace = action({
  result: methods["message.replace"].result,
  async run({ node, signal }, input) {
    const cid = ownCid(input);
    const gasPrice = optionAmount(input, "gasPrice");
    const params = gasPrice === undefined ? { cid } : { cid, gasPrice };
    return (await node()).call("message.replace", params, signal);
  },
  render: ({ cid }) => `message ${cid} waits in its place`,
});

export const messageCancel = action({
  result: methods["message.cancel"].result,
  run: async ({ node, signal }, input) =>
    (await node()).call("message.cancel", { cid: ownCid(input) }, signal),
  render: ({ cid }) => `message ${cid}, which does nothing, waits in its place`,
});

export const messageWhy = action({
  result: methods["message.why"].result,
  run: async ({ node, signal }, input) => (await node()).call("message.why", { cid: ownCid(input) }, signal),
  render: ({ state, reasons }) =>
    facts([
      ["state", state],
      ...reasons.flatMap(({ code, detail, fix }) => [
        [code, detail] as const,
        ...(fix === null ? [] : [["", `→ ${fix}`] as const]),
      ]),
    ]),
});

export const walletSend = action({
  result: sentMessage,
  run: (context, input) => send(context, input, {}),
  render: sentText,
});
