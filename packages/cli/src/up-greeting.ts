/** What `holdfast up` says of its network: what runs, and what to try next. */
import { formatDuration } from "@holdfast/base";
import { fil, plural, seconds } from "./human-text.ts";
import { facts, table } from "./layout.ts";
import type { Terminal } from "./terminal.ts";

interface UpNode {
  readonly name: string;
  readonly role: string;
  readonly api: string;
  readonly address: string;
  readonly balanceFil: string;
}

interface UpView {
  readonly network: string;
  readonly roundMs: number;
  readonly state: string;
  readonly readyMs: number;
  readonly nodes: readonly UpNode[];
}

interface Around {
  readonly terminal: Terminal;
  /** What a person types to run the program. */
  readonly program: string;
  readonly page: string;
}

export function startedText(counts: {
  readonly miners: number;
  readonly verifiers: number;
  readonly pinningNodes: number;
}): string {
  const { miners, verifiers, pinningNodes } = counts;
  const others = [
    ...(miners === 0 ? [] : [plural(miners, "miner")]),
    ...(verifiers === 0 ? [] : [plural(verifiers, "verifier")]),
    ...(pinningNodes === 0 ? [] : [plural(pinningNodes, "pinning node")]),
  ];
  return `a bootstrap node, ${others.join(", ")} and a client`;
}

export function greeting(view: UpView, { terminal, program, page }: Around): string {
  const ready = `${terminal.paint("green", "ready")} in ${seconds(view.readyMs)}`;
  const miner = view.nodes.find(({ role }) => role === "miner")?.name ?? "miner-1";
  return [
    `${ready}: network ${view.network}, a round every ${formatDuration(view.roundMs)}`,
    "",
    table(
      ["NODE", "API", "ACCOUNT", "BALANCE"],
      view.nodes.map((node) => [node.name, node.api, node.address, fil(node.balanceFil)]),
    ),
    "",
    facts([
      ["folder", view.state],
      ["page", page],
      ["store a file", `${program} put FILE`],
      ["look around", ["status", "ls", "deals", "ask ls"].map((word) => `${program} ${word}`).join(", ")],
      ["as a miner", `${program} mine status --node ${miner}`],
      ...besideDeals(view.nodes, program, miner),
      ["stop", "Ctrl-C"],
    ]),
  ].join("\n");
}

/** Idle space and pinning, or how to have them. */
function besideDeals(nodes: readonly UpNode[], program: string, miner: string): [string, string][] {
  const has = (role: string): boolean => nodes.some((node) => node.role === role);
  const missing = [
    ...(has("verifier") ? [] : ["--verifiers 1"]),
    ...(has("pinning") ? [] : ["--pinning-nodes 3"]),
  ];
  const said: [string, string][] = [];
  if (has("verifier")) said.push(["prove free space", `${program} idle fill --max 96MiB --node ${miner}`]);
  if (has("pinning")) said.push(["have it pinned", `${program} pin add FILE --wait-for-nodes 1m`]);
  if (missing.length > 0) {
    const words = [...(has("verifier") ? [] : ["idle space"]), ...(has("pinning") ? [] : ["pinning"])];
    said.push([`with ${words.join(", ")}`, `${program} up ${missing.join(" ")}`]);
  }
  return said;
}
