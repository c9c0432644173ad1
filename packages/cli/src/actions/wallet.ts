/** The node's keys: listing, making, choosing, taking out and in. */
import { readFile } from "node:fs/promises";
import { type MethodResult, methods } from "@holdfast/api";
import { z } from "zod";
import { action, type CommandContext } from "../command.ts";
import { cliErrors, systemDetail } from "../errors.ts";
import { fil } from "../human-text.ts";
import { addressArgument, argument, optionFlag } from "../input.ts";
import { table } from "../layout.ts";

/** A key file holds one key, or a few in the 2019 format. */
const keyFileBytes = 65_536;

const entries = (list: MethodResult<"wallet.ls">): string =>
  table(
    ["", "ADDRESS", "BALANCE", "IN ESCROW", "IN CHANNELS"],
    list.map(({ isDefault, address, balanceFil, escrowFil, channelsFil }) => [
      isDefault ? "*" : "",
      address,
      fil(balanceFil),
      fil(escrowFil),
      fil(channelsFil),
    ]),
  );

export const walletList = action({
  result: methods["wallet.ls"].result,
  run: async ({ node, signal }) => (await node()).call("wallet.ls", {}, signal),
  render(list, { terminal }) {
    if (list.length > 0) return entries(list);
    terminal.hint("no key; make one with `holdfast wallet new`");
    return "";
  },
});

export const walletNew = action({
  result: methods["wallet.new"].result,
  run: async ({ node, signal }) => (await node()).call("wallet.new", {}, signal),
  render: ({ address }) => address,
});

export const walletDefault = action({
  result: methods["wallet.default"].result,
  async run({ node, signal }, input) {
    const address = addressArgument(input, 0, "the address");
    return (await node()).call("wallet.default", { address }, signal);
  },
  render: ({ address }) => `the default address is ${address}`,
});

export const walletExport = action({
  result: z.union([methods["wallet.export"].result, methods["wallet.identity"].result]),
  async run(
    { node, signal },
    input,
  ): Promise<MethodResult<"wallet.export"> | MethodResult<"wallet.identity">> {
    const address = addressArgument(input, 0, "the address");
    const client = await node();
    if (optionFlag(input, "age")) return client.call("wallet.identity", { address }, signal);
    return client.call("wallet.export", { address }, signal);
  },
  render: (key) => ("identity" in key ? key.identity : key.keyHex),
});

export const walletRecipient = action({
  result: methods["wallet.recipient"].result,
  async run({ node, signal }, input) {
    const given = input.args[0] === undefined ? {} : { address: addressArgument(input, 0, "the address") };
    return (await node()).call("wallet.recipient", given, signal);
  },
  render: ({ recipient }) => recipient,
});

export const walletImport = action({
  result: methods["wallet.import"].result,
  async run(context, input) {
    const text = await readKeyText(argument(input, 0, "the key file"), context);
    return (await context.node()).call("wallet.import", { text }, context.signal);
  },
  render: entries,
});

async function readKeyText(path: string, { stdin }: CommandContext): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of path === "-" ? stdin : fileChunks(path)) {
    size += chunk.length;
    if (size > keyFileBytes) {
      throw cliErrors.badValue({ problem: `a key file has at most ${keyFileBytes} bytes` });
    }
    chunks.push(chunk.slice());
  }
  const text = Buffer.concat(chunks).toString("utf8").trim();
  if (text === "") throw cliErrors.badValue({ problem: "there is no key: the input is empty" });
  return text;
}

async function* fileChunks(path: string): AsyncIterable<Uint8Array> {
  try {
    yield await readFile(path);
  } catch (cause) {
    const detail = systemDetail(cause);
    if (detail === "ENOENT") throw cliErrors.fileMissing({ path }, cause);
    if (detail === "EISDIR") throw cliErrors.notAFile({ path }, cause);
    throw cliErrors.unreadable({ path, detail }, cause);
  }
}
