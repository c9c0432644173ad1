/**
 * Every wire carries streams in order with back-pressure, spreads gossip once and only what was accepted,
 * and says with the same codes what went wrong.
 */
import type { SuiteTools } from "./tools.ts";
import { benchOf, type WireCase, type WiresUnderTest } from "./wire-bench.ts";
import { gossipCases } from "./wire-gossip.ts";
import { connectionCases } from "./wire-peers.ts";
import { streamCases } from "./wire-streams.ts";

export function wireSuite(
  tools: SuiteTools,
  make: (count: number) => WiresUnderTest | Promise<WiresUnderTest>,
): void {
  const wireCase: WireCase = (name, body) => {
    tools.it(name, async () => {
      const under = await make(3);
      try {
        await body(benchOf(under));
      } finally {
        await under.dispose?.();
      }
    });
  };
  tools.describe("a wire", () => {
    connectionCases(tools, wireCase);
    streamCases(tools, wireCase);
    gossipCases(tools, wireCase);
  });
}
