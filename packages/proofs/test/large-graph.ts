/** Small graphs that behave as large ones do: they have no tables of their own, so every layer asks for its parents. */
import type { SdrGraph, ZigzagGraph } from "@holdfast/proofs";

/** From now on the graph has no tables; counts how often it is asked for the parents of a run. */
export function withoutTables(graph: SdrGraph | ZigzagGraph): { asked: number } {
  const seen = { asked: 0 };
  const fill = graph.fillParents.bind(graph) as (...args: readonly unknown[]) => void;
  Object.defineProperties(graph, {
    hasTables: { value: false, configurable: true },
    table: { value: () => undefined, configurable: true },
    fillParents: {
      configurable: true,
      value: (...args: readonly unknown[]) => {
        seen.asked += 1;
        fill(...args);
      },
    },
  });
  return seen;
}
