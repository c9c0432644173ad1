/**
 * Whether the network has pinning nodes for an order, before money is put into it. Nodes of a fresh network join some
 * rounds after they were started: an order that comes before all of them is refused by the chain, one that comes before
 * some of them has places that nobody has until they are repaired.
 */
import type { ApiClient, MethodResult } from "@holdfast/api";
import { parseFil } from "@holdfast/base";
import type { CommandContext } from "./command.ts";
import { cliErrors } from "./errors.ts";
import { plural } from "./human-text.ts";

type NodeView = MethodResult<"pinNode.show">;

export interface WantedNodes {
  readonly nodes: number;
  readonly price: string;
  readonly sizeBytes: number;
  /** How long nodes that are too few are waited for. */
  readonly waitMs: number;
}

const perPage = 1_000;

/** Errors: `cli/no-pin-nodes`, `cli/too-few-pin-nodes`. */
export async function awaitPinNodes(
  { terminal, signal }: CommandContext,
  node: ApiClient,
  wanted: WantedNodes,
): Promise<void> {
  let found = await countNodes(node, wanted, signal);
  // Fewer than wanted are taken, and said, by who has not asked to wait.
  if (found.fit >= wanted.nodes || (wanted.waitMs === 0 && found.joined > 0)) return;
  const overdue = AbortSignal.timeout(wanted.waitMs);
  try {
    for await (const _head of node.stream("chain.watch", {}, AbortSignal.any([signal, overdue]))) {
      found = await countNodes(node, wanted, signal);
      if (found.fit >= wanted.nodes) return;
      terminal.live([`${found.fit} of ${plural(wanted.nodes, "node")} take the price, waiting for more …`]);
    }
  } catch (error) {
    if (signal.aborted || !overdue.aborted) throw error;
  } finally {
    terminal.clear();
  }
  if (found.joined === 0) throw cliErrors.noPinNodes({});
  throw cliErrors.tooFewPinNodes({ fit: found.fit, wanted: wanted.nodes });
}

async function countNodes(node: ApiClient, wanted: WantedNodes, signal: AbortSignal) {
  let [joined, fit] = [0, 0];
  for (let from: number | null = 0; from !== null && fit < wanted.nodes; ) {
    const page: MethodResult<"pinNode.ls"> = await node.call("pinNode.ls", { from, limit: perPage }, signal);
    const active = page.nodes.filter(({ status }) => status === "active");
    joined += active.length;
    fit += active.filter((one) => fits(one, wanted)).length;
    from = page.nodes.length === 0 ? null : page.next;
  }
  return { joined, fit };
}

function fits(
  { leastFilPerGiBPerDay, capacityBytes, assignedBytes }: NodeView,
  wanted: WantedNodes,
): boolean {
  const isPriced = parseFil(leastFilPerGiBPerDay) <= parseFil(wanted.price);
  return isPriced && capacityBytes - assignedBytes >= wanted.sizeBytes;
}
