/**
 * The commands that become a node: `up`, `daemon`, `init`, `demo`. This file alone opens the node's
 * door, and only when one of them runs, so that every other command starts quickly.
 */
import { rm, writeFile } from "node:fs/promises";
import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { formatDuration, parseBytes, parseDurationMs } from "@holdfast/base";
import { z } from "zod";
import { type CommandContext, type CommandSpec, command } from "../command.ts";
import { demoResult, runDemo } from "../demo.ts";
import { fil } from "../human-text.ts";
import { argument, optionFlag, optionNumber, optionText } from "../input.ts";
import { defaultRepo, upRecordPath, type UpRecord } from "../session.ts";
import { facts, table } from "../terminal.ts";

const nodeView = z.object({
  name: z.string(),
  role: z.string(),
  api: z.string(),
  address: z.string(),
  balanceFil: z.string(),
  peerId: z.string(),
  repo: z.string(),
});

const upView = z.object({
  network: z.string(),
  roundMs: z.int(),
  state: z.string(),
  readyMs: z.int(),
  nodes: z.array(nodeView),
});

const daemonView = z.object({ name: z.string(), api: z.string(), peerId: z.string(), addresses: z.array(z.string()) });

const upOptions = [
  { flags: "--state <dir>", summary: "keep the network in this folder, or continue the one that is there" },
  { flags: "--round <time>", summary: "time between blocks", initial: "1s" },
  { flags: "--miners <count>", summary: "how many storage miners", initial: "3" },
  { flags: "--sector <size>", summary: "size of the miners' sectors", initial: "64KiB" },
  { flags: "--port <number>", summary: "port of the client's API; 0 takes any free one", initial: "3453" },
];

/** Resolves when the signal aborts: Ctrl-C is how a node ends. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener("abort", () => done(), { once: true });
  });
}

async function openUp(context: CommandContext, input: Parameters<CommandSpec["run"]>[1]) {
  const { startDevnet } = await import("@holdfast/node/daemon");
  const state = optionText(input, "state");
  return startDevnet({
    ...(state === undefined ? {} : { state: resolve(state) }),
    roundMs: parseDurationMs(optionText(input, "round") ?? "1s"),
    miners: optionNumber(input, "miners", { least: 1, most: 20 }) ?? 3,
    sectorBytes: parseBytes(optionText(input, "sector") ?? "64KiB"),
    apiPort: optionNumber(input, "port", { least: 0, most: 65_535 }) ?? 3453,
    version: "0.1.0",
    signal: context.signal,
  });
}

async function leaveRecord(context: CommandContext, nodes: UpRecord["nodes"]): Promise<AsyncDisposable> {
  const path = upRecordPath(context.env);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const record: UpRecord = { pid: process.pid, nodes };
  await writeFile(path, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}

async function* up(context: CommandContext, input: Parameters<CommandSpec["run"]>[1]) {
  await using network = await openUp(context, input);
  await using _record = await leaveRecord(
    context,
    network.nodes.map(({ name, role, api, token, repo }) => ({ name, role, api, token, repo })),
  );
  yield {
    network: network.network,
    roundMs: network.roundMs,
    state: network.state,
    readyMs: network.readyMs,
    nodes: network.nodes.map(({ token: _, ...node }) => node),
  };
  await aborted(context.signal);
  if (!context.json) context.terminal.err("stopping");
}

export const launchCommands: readonly CommandSpec[] = [
  command({
    path: ["up"],
    summary: "Run a whole storage network on this machine",
    about: [
      "One bootstrap node, three storage miners and one client, each a full node with its own repo, keys and",
      "sockets. Other commands find it by themselves. Ctrl-C stops it; with --state it can be continued.",
    ].join("\n"),
    examples: ["holdfast up", "holdfast up --state ./net --round 500ms"],
    options: upOptions,
    result: upView,
    stream: true,
    run: up,
    render: (view, { terminal }) =>
      [
        `${terminal.paint("green", "ready")} in ${formatDuration(view.readyMs)}: network ${view.network}, a round every ${formatDuration(view.roundMs)}`,
        "",
        table(
          ["NODE", "API", "ACCOUNT", "BALANCE"],
          view.nodes.map((node) => [node.name, node.api, node.address, fil(node.balanceFil)]),
        ),
        "",
        facts([
          ["state", view.state],
          ["try", "holdfast put README.md"],
          ["then", "holdfast ls, holdfast status, holdfast mine status --node miner-1"],
          ["stop", "Ctrl-C"],
        ]),
      ].join("\n"),
  }),
  command({
    path: ["daemon"],
    summary: "Run one node on its repo",
    about: "The repo is made by `holdfast init`, or is one of the folders that `holdfast up --state DIR` keeps.",
    examples: ["holdfast daemon --repo ./miner-1", "HOLDFAST_PASSPHRASE=… holdfast daemon --repo ./mine"],
    options: [
      { flags: "--listen <address>", summary: "loopback address of the API instead of the configured one" },
      { flags: "--offline", summary: "do not talk to peers" },
    ],
    result: daemonView,
    stream: true,
    run: async function* (context, input) {
      const { startDaemon } = await import("@holdfast/node/daemon");
      const listen = optionText(input, "listen");
      await using node = await startDaemon({
        repo: resolve(optionText(input, "repo") ?? context.env.HOLDFAST_REPO ?? defaultRepo(context.env)),
        version: "0.1.0",
        offline: optionFlag(input, "offline"),
        ...(listen === undefined ? {} : { listen }),
        ...(context.env.HOLDFAST_PASSPHRASE === undefined ? {} : { passphrase: context.env.HOLDFAST_PASSPHRASE }),
        signal: context.signal,
      });
      yield { name: node.name, api: node.api, peerId: node.peerId, addresses: [...node.addresses] };
      await aborted(context.signal);
      if (!context.json) context.terminal.err("stopping");
    },
    render: (node) =>
      facts([
        ["node", node.name],
        ["API", node.api],
        ["peer id", node.peerId],
        ["listens on", node.addresses.join("\n            ")],
      ]),
  }),
  command({
    path: ["init"],
    summary: "Make the repo of a node that joins a network",
    about: "The genesis file is what makes a network: take it from any node of it (`genesis.car` in its repo).",
    examples: ["holdfast init --repo ./mine --genesis net/client/genesis.car --bootstrap /ip4/127.0.0.1/tcp/6000/p2p/12D3Koo…"],
    options: [
      { flags: "--genesis <file>", summary: "genesis file of the network" },
      { flags: "--bootstrap <address>", summary: "multiaddr of a peer to begin with" },
      { flags: "--name <name>", summary: "name of the node", initial: "holdfast" },
    ],
    result: z.object({ repo: z.string(), address: z.string(), peerId: z.string() }),
    run: async (context, input) => {
      const { initNode } = await import("@holdfast/node/daemon");
      const bootstrap = optionText(input, "bootstrap");
      return initNode({
        repo: resolve(optionText(input, "repo") ?? context.env.HOLDFAST_REPO ?? defaultRepo(context.env)),
        genesis: resolve(optionText(input, "genesis") ?? argument({ ...input, args: [] }, 0, "--genesis")),
        name: optionText(input, "name") ?? "holdfast",
        bootstrap: bootstrap === undefined ? [] : [bootstrap],
        ...(context.env.HOLDFAST_PASSPHRASE === undefined ? {} : { passphrase: context.env.HOLDFAST_PASSPHRASE }),
      });
    },
    render: (made) =>
      facts([
        ["repo", made.repo],
        ["address", made.address],
        ["peer id", made.peerId],
        ["start", `holdfast daemon --repo ${made.repo}`],
      ]),
  }),
  command({
    path: ["demo"],
    summary: "The whole story, unattended: a network, a file stored, proven, paid for and read back",
    examples: ["npm run demo", "holdfast demo photo.jpg --copies 3"],
    args: [{ name: "file", summary: "file to store (default: 1 MiB made on the spot)", optional: true }],
    options: [
      { flags: "--copies <count>", summary: "at how many miners", initial: "2" },
      { flags: "--round <time>", summary: "time between blocks", initial: "1s" },
      { flags: "--sector <size>", summary: "size of the miners' sectors", initial: "256KiB" },
    ],
    result: demoResult,
    run: async (context, input) => {
      const { startDevnet } = await import("@holdfast/node/daemon");
      const file = input.args[0];
      return runDemo(context, startDevnet, {
        ...(file === undefined ? {} : { file: resolve(file) }),
        copies: optionNumber(input, "copies", { least: 1, most: 3 }) ?? 2,
        roundMs: parseDurationMs(optionText(input, "round") ?? "1s"),
        sectorBytes: parseBytes(optionText(input, "sector") ?? "256KiB"),
      });
    },
    render: (story) => story.summary,
  }),
];
