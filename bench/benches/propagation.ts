/**
 * How long a block takes to all nodes of a network of twenty: the product's gossip on the real gossipsub in virtual
 * time, links with a delay each, and some time in which every node examines a block before it passes it on. The limit
 * is the shortest ways through the same links with the same examinations: what flooding without bound would reach.
 */
import type { Bench, Figure } from "../figure.ts";
import { GossipNetwork, type Publication } from "../gossip-network.ts";
import { median, quantile } from "../measure.ts";

const nodes = 20;
const dials = 4;
const delayMs = { least: 25, most: 150 } as const;
/** A header's signature and draws, and its winning proof, on a slow machine. */
const examineMs = 10;
/** A block of a hundred transfers. */
const blockBytes = 25_000;
const networks = { full: 5, quick: 1 } as const;
const blocksPerNetwork = 40;
const warmUpMs = 30_000;
const roundMs = 5_000;
const shares = [0.5, 0.9, 1] as const;

/** Milliseconds from one node to all others by the shortest ways, an examination at each (Dijkstra). */
function shortest(links: GossipNetwork["links"], from: number): number[] {
  const times = links.map((_, at) => (at === from ? 0 : Number.POSITIVE_INFINITY));
  const open = new Set(links.keys());
  while (open.size > 0) {
    const [next = 0] = [...open].sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0));
    open.delete(next);
    for (const [other, delay] of links[next] ?? [])
      times[other] = Math.min(times[other] ?? 0, (times[next] ?? 0) + delay + examineMs);
  }
  return times.filter((_, at) => at !== from);
}

/** When this share of the nodes has it, the one that made it counted. */
function timeOf(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  const wanted = Math.ceil(share * nodes) - 1;
  return sorted[wanted - 1] ?? Number.POSITIVE_INFINITY;
}

interface Seen {
  readonly times: readonly number[];
  readonly floor: readonly number[];
}

async function measure(seed: string): Promise<{ readonly seen: readonly Seen[]; readonly copies: number }> {
  await using network = await GossipNetwork.open({ seed, nodes, dials, delayMs, examineMs });
  await network.pass(warmUpMs);
  const before = network.frames;
  const published: Publication[] = [];
  for (let block = 0; block < blocksPerNetwork; block += 1) {
    published.push(await network.publish(network.random.below(nodes), blockBytes));
    await network.pass(roundMs);
  }
  const seen = published.map(({ by, atMs, heardAtMs }) => ({
    times: [...heardAtMs.values()].map((heard) => heard - atMs),
    floor: shortest(network.links, by),
  }));
  return { seen, copies: (network.frames - before) / blocksPerNetwork / nodes };
}

export const propagationBench: Bench = {
  name: "propagation",
  about: `a block to ${nodes} nodes by gossip in virtual time: links of ${delayMs.least} to ${delayMs.most} ms, ${dials} dialled by each, ${examineMs} ms to examine a block`,
  async run({ quick, say }) {
    const seen: Seen[] = [];
    let copies = 0;
    const count = quick ? networks.quick : networks.full;
    for (let seed = 0; seed < count; seed += 1) {
      const one = await measure(`propagation ${seed}`);
      say(`network ${seed}: ${one.seen.length} blocks`);
      seen.push(...one.seen);
      copies += one.copies / count;
    }
    const missing = seen.reduce((sum, { times }) => sum + nodes - 1 - times.length, 0);
    const figures: Figure[] = [];
    for (const share of shares) {
      const [times, floors] = [
        seen.map((one) => timeOf(one.times, share)),
        seen.map((one) => timeOf(one.floor, share)),
      ];
      for (const [name, part] of [
        ["median", 0.5],
        ["p95", 0.95],
      ] as const) {
        figures.push({
          name: `${100 * share} % of the nodes have accepted a block`,
          by: name,
          value: quantile(times, part),
          unit: "ms",
          bound: { name: "the shortest ways", value: quantile(floors, part) },
        });
      }
    }
    const links = median(seen.map(({ floor }) => Math.min(...floor)));
    return [
      ...figures,
      { name: "one hop: the nearest node by the shortest way", by: "median", value: links, unit: "ms" },
      {
        name: "copies not delivered",
        by: "all",
        value: (100 * missing) / (seen.length * (nodes - 1)),
        unit: "%",
        note: `${seen.length} blocks of ${blockBytes} bytes in ${count} networks; ${copies.toFixed(1)} frames sent by each node for a block, heartbeats and announcements included`,
      },
    ];
  },
};
