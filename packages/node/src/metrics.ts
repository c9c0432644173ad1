/** Prometheus metrics of one node: read from the node when somebody asks, so idle nodes pay nothing. */
import { Gauge, Registry } from "prom-client";
import type { Held } from "./held.ts";

type Counts = { readonly [state: string]: number };

export interface MetricsSource {
  readonly height: () => number;
  readonly headAgeSeconds: () => number;
  readonly peers: () => number;
  /** What the node stands still for, in a word. */
  readonly syncCode: () => string;
  readonly pendingMessages: () => number;
  readonly powerBytes: () => number;
  readonly blocksWon: () => number;
  readonly sectors: () => Promise<Counts>;
  /** 1 while the database of sectors and jobs answers. */
  readonly recordsAnswer: () => number;
  readonly deals: () => Counts;
  readonly held: () => readonly Held[];
}

export function openMetrics(name: string, source: MetricsSource): { text(): Promise<string> } {
  const registry = new Registry();
  registry.setDefaultLabels({ node: name });
  const single = (metric: string, help: string, read: () => number): void => {
    new Gauge({
      name: metric,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  };
  const byState = (metric: string, help: string, read: () => Counts | Promise<Counts>): void => {
    new Gauge({
      name: metric,
      help,
      labelNames: ["state"],
      registers: [registry],
      async collect() {
        const counts = await read();
        this.reset();
        for (const [state, count] of Object.entries(counts)) this.set({ state }, count);
      },
    });
  };
  single("holdfast_chain_height", "Height of the heaviest tipset", source.height);
  single("holdfast_chain_head_age_seconds", "Age of the heaviest tipset", source.headAgeSeconds);
  single("holdfast_net_peers", "Connected peers", source.peers);
  single("holdfast_mempool_messages", "Messages that wait for a block", source.pendingMessages);
  single("holdfast_mine_power_bytes", "Proven power of this node's miner", source.powerBytes);
  single("holdfast_mine_blocks_won", "Blocks that this node's miner has won", source.blocksWon);
  single("holdfast_records_answer", "1 while the database of sectors and jobs answers", source.recordsAnswer);
  single("process_resident_memory_bytes", "Memory of the process", () => process.memoryUsage().rss);
  single("process_cpu_seconds", "CPU time of the process", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000_000;
  });
  byState("holdfast_sync", "1 for what the node stands still for; none if it does not", () => ({
    [source.syncCode()]: 1,
  }));
  byState("holdfast_sectors", "Sectors on this node's disk", source.sectors);
  byState("holdfast_deals", "Deals of this node, as written down", source.deals);
  byState("holdfast_held", "What is held in memory of what could grow", () =>
    Object.fromEntries(source.held().map(({ what, count }) => [what, count])),
  );
  return { text: () => registry.metrics() };
}
