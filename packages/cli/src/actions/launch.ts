/**
 * The commands that become a node, or do its work on its repo: `up`, `demo`, `init`, `join`, `daemon`, `chain import`.
 * This file alone opens the node's door, and only when one of them runs, so that every other command starts quickly.
 */
import { isIP } from "node:net";
import { resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import { createClient } from "@holdfast/api";
import { concatBytes, HoldfastError } from "@holdfast/base";
import { pageFiles, pageLink } from "@holdfast/dashboard";
import type { InitNodeOptions } from "@holdfast/node/daemon";
import { z } from "zod";
import { action, type CommandContext, type CommandInput, type Environment } from "../command.ts";
import { demoResult, runDemo } from "../demo.ts";
import { cliErrors } from "../errors.ts";
import { plural, programWord, roughly, sizeText } from "../human-text.ts";
import {
  argument,
  optionBytes,
  optionChoice,
  optionDurationMs,
  optionFlag,
  optionList,
  optionNumber,
  optionText,
} from "../input.ts";
import { facts } from "../layout.ts";
import { sizeOfFile } from "../local-file.ts";
import { repoOf } from "../repo-option.ts";
import { nodeFetch } from "../transport.ts";
import { greeting, startedText } from "../up-greeting.ts";
import { leaveUpRecord, readUpRecord } from "../up-record.ts";

/** The door itself, for workers. */
export const openNodeDoor = () => import("@holdfast/node/daemon");

const upView = z.object({
  network: z.string(),
  roundMs: z.int(),
  state: z.string(),
  readyMs: z.int(),
  nodes: z.array(
    z.object({
      name: z.string(),
      role: z.string(),
      api: z.string(),
      address: z.string(),
      balanceFil: z.string(),
      peerId: z.string(),
      repo: z.string(),
    }),
  ),
});

/** The shortest round that a whole network on one machine keeps up with. */
const shortestRoundMs = 100;

/** What a network is made of: proofs, sealing, sector size, rounds. */
function networkOptions(input: CommandInput, vanillaSectorBytes: number) {
  const proofMode = optionChoice(input, "proofMode", ["vanilla", "groth16"]) ?? "vanilla";
  const porep = optionChoice(input, "porep", ["zigzag", "sdr"]) ?? "zigzag";
  const succinct = proofMode === "groth16";
  const usualBytes = succinct ? 2_048 : porep === "sdr" ? 262_144 : vanillaSectorBytes; // rows of the table
  if (succinct && porep === "sdr") {
    throw cliErrors.badValue({ problem: "--porep sdr goes with --proof-mode vanilla only" });
  }
  return {
    proofMode,
    porep,
    sectorBytes: optionBytes(input, "sector") ?? usualBytes,
    roundMs: roundOption(input, succinct ? 6_000 : 1_000),
  };
}

function roundOption(input: CommandInput, usualMs: number): number {
  const roundMs = optionDurationMs(input, "round") ?? usualMs;
  if (roundMs >= shortestRoundMs) return roundMs;
  throw cliErrors.badValue({ problem: `--round is at least ${shortestRoundMs}ms, not ${roundMs}ms` });
}

/** Undefined if it was called off before it had begun: that is how it was to end. */
async function unlessStopped<Started>(
  starting: Promise<Started>,
  signal: AbortSignal,
): Promise<Started | undefined> {
  try {
    return await starting;
  } catch (error) {
    if (signal.aborted && error === signal.reason) return undefined;
    throw error;
  }
}

/** Resolves when the signal aborts: Ctrl-C is how a node ends. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener("abort", () => done(), { once: true });
  });
}

/** Says what stops it, and that nobody has to wait. */
function stoppingText({ reason }: AbortSignal): string {
  const isKey = !(reason instanceof DOMException) || reason.message === "SIGINT";
  return isKey ? "stopping … (Ctrl-C again ends it at once)" : `${reason.message}: stopping …`;
}

export const up = action({
  result: upView,
  async *run(context, input) {
    const { terminal, signal } = context;
    const state = optionText(input, "state");
    const options = {
      ...(state === undefined ? {} : { state: resolve(state) }),
      ...networkOptions(input, 65_536),
      miners: optionNumber(input, "miners", { least: 1, most: 20 }) ?? 3,
      verifiers: optionNumber(input, "verifiers", { least: 0, most: 20 }) ?? 0,
      pinningNodes: optionNumber(input, "pinningNodes", { least: 0, most: 20 }) ?? 0,
      workerProcesses: optionNumber(input, "workers", { least: 0, most: 64 }) ?? 0,
      apiPort: optionNumber(input, "port", { least: 0, most: 65_535 }) ?? 3453,
      version: context.version,
      pages: pageFiles,
      signal,
    };
    terminal.live([`starting ${startedText(options)} …`]);
    // V8 would look through all objects every few seconds, to give back memory that the nodes take again at once: a
    // third of what a network costs that does nothing.
    setFlagsFromString("--no-memory-reducer");
    const { startDevnet } = await import("@holdfast/node/daemon");
    await using network = await unlessStopped(startDevnet(options), signal);
    if (network === undefined) return terminal.clear();
    const { nodes } = network;
    const earlier = await readUpRecord(context.env);
    if (earlier !== undefined) {
      terminal.hint(`process ${earlier.pid} runs a network too; commands find this one until it stops`);
    }
    await using _record = await leaveUpRecord(
      context.env,
      nodes.map(({ name, role, api, token, repo }) => ({ name, role, api, token, repo })),
    );
    yield {
      network: network.network,
      roundMs: network.roundMs,
      state: network.state,
      readyMs: network.readyMs,
      nodes: nodes.map(({ token: _, ...node }) => node),
    };
    const client = nodes.find(({ role }) => role === "client");
    if (client !== undefined && terminal.isLive && !context.json) await followHeads(context, client);
    await aborted(signal);
    terminal.clear();
    terminal.hint(stoppingText(signal));
  },
  render: async (view, { terminal, env }) =>
    greeting(view, { terminal, program: programWord(env), page: await clientPage(env) }),
});

/** Its link holds the token, so it is told to people and not to `--json`. */
async function clientPage(env: Environment): Promise<string> {
  const record = await readUpRecord(env);
  const client = record?.nodes.find(({ role }) => role === "client");
  return client === undefined ? "-" : pageLink(client.api, client.token);
}

/** One line that lives with the chain. Losing it does not end the network. */
async function followHeads(
  { terminal, signal }: CommandContext,
  client: { readonly api: string; readonly token: string },
): Promise<void> {
  const startedMs = performance.now();
  const node = createClient({ url: client.api, token: client.token, fetch: nodeFetch });
  try {
    for await (const head of node.stream("chain.watch", {}, signal)) {
      const counts = `${plural(head.cids.length, "block")}, ${plural(head.messages, "message")}`;
      const upFor = roughly(performance.now() - startedMs);
      terminal.live([[["dim", `height ${head.height}: ${counts}; up for ${upFor}`]]]);
    }
  } catch {
    terminal.clear();
  }
}

function passphraseOf({ env }: CommandContext): { readonly passphrase?: string } {
  const passphrase = env.HOLDFAST_PASSPHRASE ?? "";
  return passphrase === "" ? {} : { passphrase };
}

export const daemon = action({
  result: z.object({
    name: z.string(),
    api: z.string(),
    peerId: z.string(),
    addresses: z.array(z.string()),
  }),
  async *run(context, input) {
    const listen = optionText(input, "listen");
    if (listen !== undefined) checkListen(listen);
    const checkpoint = optionText(input, "checkpoint");
    const snapshot = optionText(input, "snapshot");
    const blob = optionText(input, "blob");
    if (snapshot !== undefined) await sizeOfFile(resolve(snapshot));
    const { startDaemon } = await import("@holdfast/node/daemon");
    const starting = startDaemon({
      repo: repoOf(context, input),
      version: context.version,
      offline: optionFlag(input, "offline"),
      faucet: optionFlag(input, "faucet"),
      verifier: optionFlag(input, "verifier"),
      soleMiner: optionFlag(input, "soleMiner"),
      pages: pageFiles,
      ...databaseOf(input),
      ...(listen === undefined ? {} : { listen }),
      ...(checkpoint === undefined ? {} : { checkpoint }),
      ...(blob === undefined ? {} : { blob }),
      ...(snapshot === undefined ? {} : { snapshot: resolve(snapshot) }),
      ...passphraseOf(context),
      signal: context.signal,
    });
    await using node = await unlessStopped(starting.catch(namePassphrase), context.signal);
    if (node === undefined) return;
    yield { name: node.name, api: node.api, peerId: node.peerId, addresses: [...node.addresses] };
    await aborted(context.signal);
    context.terminal.hint(stoppingText(context.signal));
  },
  render: (node) =>
    facts([
      ["node", node.name],
      ["API", node.api],
      ["page", `${node.api}/, with the token that lies in the node's folder`],
      ["peer id", node.peerId],
      ["listens on", node.addresses.length === 0 ? "-" : node.addresses],
    ]),
});

/** Of an error about the keystore: the command line's way to give a passphrase. */
function namePassphrase(cause: unknown): never {
  if (!(cause instanceof HoldfastError) || !cause.code.startsWith("keystore/")) throw cause;
  const { code, message, exit, data } = cause;
  const fix = "set HOLDFAST_PASSPHRASE to the passphrase with which the node was made";
  throw new HoldfastError({ code, message, fix, exit, data, cause });
}

function databaseOf(input: CommandInput): { readonly database?: string } {
  const database = optionText(input, "db");
  return database === undefined ? {} : { database };
}

function checkListen(listen: string): void {
  const [, host = "", port = ""] = /^(?:\[(?=.*\]))?([^\]]*?)\]?:(\d{1,5})$/.exec(listen) ?? [];
  const isLoopback = host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
  if (isLoopback && Number(port) <= 65_535) return;
  throw cliErrors.badValue({
    problem: `--listen is a loopback address such as 127.0.0.1:3453, not ${listen}`,
  });
}

const madeNode = z.object({
  repo: z.string(),
  network: z.string(),
  address: z.string(),
  peerId: z.string(),
});

export const init = action({
  result: madeNode,
  async run(context, input) {
    const [file, invitation] = [optionText(input, "genesis"), optionText(input, "join")];
    const network = optionText(input, "network");
    if ([file, invitation, network].filter((given) => given !== undefined).length !== 1) {
      throw cliErrors.usage({
        problem: "give one of --network, --genesis and --join: each names the network to join",
        help: "see `holdfast init --help`",
      });
    }
    if (network !== undefined) {
      await sizeOfFile(resolve(network));
      return makeNode(context, input, { file: resolve(network) });
    }
    if (invitation !== undefined) return makeNode(context, input, { invitation });
    const genesis = resolve(file ?? "");
    await sizeOfFile(genesis);
    return makeNode(context, input, { genesis });
  },
  render: showNode,
});

export const join = action({
  result: madeNode,
  async run(context, input) {
    const given = argument(input, 0, "the invitation");
    const invitation = given === "-" ? await readInvitation(context.stdin) : given;
    return makeNode(context, input, { invitation });
  },
  render: showNode,
});

/** No invitation is longer; the node says so of what is. */
const invitationBytesMax = 65_536;

async function readInvitation(stdin: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let lengthBytes = 0;
  for await (const chunk of stdin) {
    chunks.push(chunk.slice()); // its buffer is used again
    lengthBytes += chunk.length;
    if (lengthBytes > invitationBytesMax) break;
  }
  return new TextDecoder().decode(concatBytes(...chunks)).trim();
}

async function makeNode(
  context: CommandContext,
  input: CommandInput,
  network: InitNodeOptions["network"],
): Promise<z.output<typeof madeNode>> {
  const { initNode } = await import("@holdfast/node/daemon");
  const [listen, announce] = [optionList(input, "listen"), optionList(input, "announce")];
  return initNode({
    repo: repoOf(context, input),
    network,
    name: optionText(input, "name") ?? "holdfast",
    bootstrap: optionList(input, "bootstrap"),
    ...(listen.length === 0 ? {} : { listen }),
    ...(announce.length === 0 ? {} : { announce }),
    ...passphraseOf(context),
    signal: context.signal,
  });
}

function showNode(made: z.output<typeof madeNode>): string {
  return facts([
    ["folder", made.repo],
    ["network", made.network],
    ["address", made.address],
    ["peer id", made.peerId],
    ["start it", `holdfast daemon --repo ${made.repo}`],
  ]);
}

export const chainImport = action({
  result: z.object({
    height: z.int(),
    cids: z.array(z.string()),
    messageEpochs: z.int(),
    objects: z.int(),
    bytes: z.int(),
  }),
  async run(context, input) {
    const file = resolve(argument(input, 0, "the file"));
    const sizeBytes = await sizeOfFile(file);
    const checkpoint = optionText(input, "checkpoint");
    const { importChain } = await import("@holdfast/node/daemon");
    const imported = await importChain({
      repo: repoOf(context, input),
      file,
      ...(checkpoint === undefined ? {} : { checkpoint }),
      onProgress: (read) => context.terminal.live([`checked ${sizeText(read)} of ${sizeText(sizeBytes)}`]),
      signal: context.signal,
    });
    context.terminal.clear();
    return { ...imported, cids: [...imported.cids] };
  },
  render: (imported) =>
    facts([
      ["height", String(imported.height)],
      ["head", imported.cids],
      ["messages", `of ${plural(imported.messageEpochs, "epoch")}`],
      ["objects", `${imported.objects}, ${sizeText(imported.bytes)}`],
    ]),
});

export const demo = action({
  result: demoResult,
  async run(context, input) {
    const [file] = input.args;
    const request = {
      ...(file === undefined ? {} : { file: resolve(file) }),
      copies: optionNumber(input, "copies", { least: 1, most: 3 }) ?? 2,
      ...networkOptions(input, 262_144),
    };
    if (request.file !== undefined) await sizeOfFile(request.file);
    const { startDevnet } = await import("@holdfast/node/daemon");
    return runDemo(context, startDevnet, request);
  },
  render: ({ summary }) => summary,
});
