/**
 * Which graph a network seals with, and the cache of graphs: all sectors of one size of a network share one
 * graph, so its tables are built once.
 */
import { assert, concatBytes, sha256, toHex, utf8Bytes } from "@holdfast/base";
import type { SectorProfile } from "../profiles.ts";
import { createGraph, type ZigzagGraph } from "./graph.ts";

const domain = utf8Bytes("holdfast zigzag graph 1\n");
/** Enough for every row of the table on two networks; tables of the largest cached graph take 29 MB. */
const maxGraphs = 16;
const graphs = new Map<string, ZigzagGraph>();

/** The seed of a network's graph for one profile: no two networks and no two sizes share a graph. */
export function graphSeed(networkId: Uint8Array, profile: Pick<SectorProfile, "id">): Uint8Array {
  assert(networkId.length === 32, "a network id has 32 bytes");
  return sha256(concatBytes(domain, networkId, utf8Bytes(profile.id)));
}

/** The graph for sealing and proving, cached; the oldest of too many is forgotten. */
export function graphOf(networkId: Uint8Array, profile: SectorProfile): ZigzagGraph {
  const key = `${profile.id} ${profile.nodes} ${toHex(networkId)}`;
  const known = graphs.get(key);
  if (known !== undefined) return known;
  const graph = createGraph(graphSeed(networkId, profile), profile.nodes);
  const [oldest] = graphs.keys();
  if (graphs.size >= maxGraphs && oldest !== undefined) graphs.delete(oldest);
  graphs.set(key, graph);
  return graph;
}
