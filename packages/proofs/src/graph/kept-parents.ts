/**
 * The parents of a graph that is too large for tables of its own, kept for as long as one sector is sealed or
 * extracted: they are found in the first layer of a direction and read in the others. In shared memory, where the host
 * has it, all threads that decode a layer find them and read them.
 *
 * Memory: 53 bytes (SDR: 57) for each node and direction, if the host can spare it (memory/index.ts); without it every
 * layer finds its parents anew. Invariant: a room is filled when a whole layer has gone through it.
 */
import type { RunParents } from "../layers/index.ts";
import { allocateSpare } from "../memory/index.ts";
import { totalDegree } from "../profiles.ts";
import type { Direction, ZigzagGraph } from "./graph.ts";

/** Parents of all nodes, or room for them. */
export interface ParentRoom extends RunParents {
  isFilled: boolean;
}

/** Room for so many parents of each node, if there is memory to spare. */
export function parentRoom(nodes: number, degree: number): ParentRoom | undefined {
  const bytes = allocateSpare(nodes * (4 * degree + 1));
  if (bytes === undefined) return undefined;
  const { buffer, byteOffset } = bytes;
  const words = nodes * degree;
  return {
    parents: new Uint32Array(buffer, byteOffset, words),
    counts: new Uint8Array(buffer, byteOffset + 4 * words, nodes),
    isFilled: false,
  };
}

/** The part of a room for the nodes from `low` on. */
export function runOf(
  { parents, counts }: RunParents,
  degree: number,
  low: number,
  count: number,
): RunParents {
  return {
    parents: parents.subarray(low * degree, (low + count) * degree),
    counts: counts.subarray(low, low + count),
  };
}

/** Of one sector with so many layers. */
export class KeptParents {
  readonly #graph: ZigzagGraph;
  readonly #layers: number;
  readonly #rooms = new Map<Direction, ParentRoom | undefined>();

  constructor(graph: ZigzagGraph, layers: number) {
    this.#graph = graph;
    this.#layers = layers;
  }

  /** Where the parents of a direction are or go; undefined if they are not kept, as when they are needed once. */
  roomOf(direction: Direction): ParentRoom | undefined {
    if (this.#rooms.has(direction)) return this.#rooms.get(direction);
    const times = this.#layers / 2;
    const again = (direction === "forward" ? Math.ceil(times) : Math.floor(times)) > 1;
    const room = again && !this.#graph.hasTables ? parentRoom(this.#graph.nodes, totalDegree) : undefined;
    this.#rooms.set(direction, room);
    return room;
  }
}
