/** Keys, money and addresses. */
import { readFile } from "node:fs/promises";
import { type MethodResult, methods } from "@holdfast/api";
import { inspectAddress } from "@holdfast/base";
import { z } from "zod";
import { type CommandSpec, command } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { fil } from "../human-text.ts";
import { argument, optionFlag, optionText, wholeNumber } from "../input.ts";
import { facts, table } from "../terminal.ts";

/** A key file holds one key, or a few in the 2019 format. */
const keyFileBytes = 65_536;

const entryRow = (entry: MethodResult<"wallet.ls">[number]): string[] => [
  entry.isDefault ? "*" : "",
  entry.address,
  entry.f1,
  fil(entry.balanceFil),
];
const entries = (list: MethodResult<"wallet.ls">): string => table(["", "ADDRESS", "F1", "BALANCE"], list.map(entryRow));

const addressFacts = z.object({
  network: z.int(),
  version: z.int(),
  hash: z.string().regex(/^[0-9a-f]{40}$/),
  text: z.string(),
  f1: z.string(),
});

export const walletCommands: readonly CommandSpec[] = [
  command({
    path: ["wallet", "ls"],
    summary: "List this node's keys and balances",
    about: "The default address, marked with *, pays where a command names no other.",
    examples: ["holdfast wallet ls"],
    result: methods["wallet.ls"].result,
    run: async ({ node, signal }) => (await node()).call("wallet.ls", {}, signal),
    render: entries,
  }),
  command({
    path: ["wallet", "new"],
    summary: "Make a new key",
    examples: ["holdfast wallet new"],
    result: methods["wallet.new"].result,
    run: async ({ node, signal }) => (await node()).call("wallet.new", {}, signal),
    render: (entry) => entry.address,
  }),
  command({
    path: ["wallet", "default"],
    summary: "Choose the default address",
    examples: ["holdfast wallet default tf…"],
    args: [{ name: "address", summary: "one of this node's addresses" }],
    result: methods["wallet.default"].result,
    run: async ({ node, signal }, input) =>
      (await node()).call("wallet.default", { address: argument(input, 0, "the address") }, signal),
    render: (entry) => `the default address is ${entry.address}`,
  }),
  command({
    path: ["wallet", "send"],
    summary: "Send money, and wait until it has arrived",
    examples: ["holdfast wallet send tf… 1.5FIL", "holdfast wallet send tf… 0.1FIL --from tf… --no-wait"],
    args: [
      { name: "to", summary: "receiving address (fc…, tf…, f1… or t1…)" },
      { name: "amount", summary: "amount with its unit, such as 0.5FIL" },
    ],
    options: [
      { flags: "--from <address>", summary: "paying address (default: the default address)" },
      { flags: "--gas-price <amount>", summary: "price of a unit of gas, such as 1attoFIL" },
      { flags: "--gas-limit <units>", summary: "most gas to use (default: measured by a dry run)" },
      { flags: "--no-wait", summary: "do not wait for the chain" },
    ],
    result: z.object({ cid: z.string(), height: z.int().nullable(), exitCode: z.int().nullable() }),
    run: async ({ node, signal }, input) => {
      const api = await node();
      const from = optionText(input, "from");
      const gasPrice = optionText(input, "gasPrice");
      const gasLimit = optionText(input, "gasLimit");
      const sent = await api.call(
        "message.send",
        {
          to: argument(input, 0, "the receiving address"),
          value: argument(input, 1, "the amount"),
          ...(from === undefined ? {} : { from }),
          ...(gasPrice === undefined ? {} : { gasPrice }),
          ...(gasLimit === undefined
            ? {}
            : { gasLimit: wholeNumber(gasLimit, "--gas-limit", 0, Number.MAX_SAFE_INTEGER) }),
        },
        signal,
      );
      if (!optionFlag(input, "wait")) return { cid: sent.cid, height: null, exitCode: null };
      const mined = await api.call("message.wait", { cid: sent.cid }, signal);
      return { cid: sent.cid, height: mined.height, exitCode: mined.receipt?.exitCode ?? null };
    },
    render: (sent) =>
      sent.height === null ? `sent, message ${sent.cid}` : `sent, in the chain at height ${sent.height}, message ${sent.cid}`,
  }),
  command({
    path: ["wallet", "export"],
    summary: "Print a private key",
    about: "Whoever has the printed text owns the money: keep it secret. The text can be given to `wallet import`.",
    examples: ["holdfast wallet export tf… > my.key"],
    args: [{ name: "address", summary: "one of this node's addresses" }],
    result: methods["wallet.export"].result,
    run: async ({ node, signal }, input) =>
      (await node()).call("wallet.export", { address: argument(input, 0, "the address") }, signal),
    render: (key) => key.keyHex,
  }),
  command({
    path: ["wallet", "import"],
    summary: "Take in a private key",
    about: "Reads the text that `wallet export` prints, or a wallet file of 2019 (JSON with KeyInfo).",
    examples: ["holdfast wallet import my.key"],
    args: [{ name: "file", summary: "file with the key; - reads standard input" }],
    result: methods["wallet.import"].result,
    run: async ({ node, signal }, input) => {
      const text = await readKeyText(argument(input, 0, "the key file"));
      return (await node()).call("wallet.import", { text }, signal);
    },
    render: entries,
  }),
  command({
    path: ["address", "inspect"],
    summary: "Take an address apart",
    about: "Works without a node. Reads the network's own spelling (fc…, tf…) and f1…/t1….",
    examples: ["holdfast address inspect fcqguttqgahl6ztde7umgcrc0t4fvdgluhus0sz4w --json"],
    args: [{ name: "address", summary: "the address as text" }],
    result: addressFacts,
    run: async (_context, input) => inspectAddress(argument(input, 0, "the address")),
    render: (address) =>
      facts([
        ["address", address.text],
        ["f1", address.f1],
        ["network", address.network === 0 ? "0 (main)" : "1 (test)"],
        ["version", String(address.version)],
        ["hash", address.hash],
      ]),
  }),
];

async function readKeyText(path: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const take = (chunk: Uint8Array): void => {
    size += chunk.length;
    if (size > keyFileBytes) throw cliErrors.usage({ problem: `a key file has at most ${keyFileBytes} bytes` });
    chunks.push(chunk);
  };
  if (path === "-") {
    for await (const chunk of process.stdin) take(chunk);
  } else {
    try {
      take(await readFile(path));
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") throw cliErrors.fileMissing({ path }, cause);
      throw cause;
    }
  }
  return Buffer.concat(chunks).toString("utf8");
}
