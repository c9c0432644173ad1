/**
 * Parents of runs of nodes on the compiled kernels. In WebAssembly a graph's tables lie in an instance of its own,
 * with room for one slice of parents; natively everything is where it is.
 */
import type { LayerKernel, SdrGraphParts, ZigzagGraphParts } from "../src/layers/index.ts";
import type { Machine, MachineMaker, Place } from "./machine.ts";

/** Nodes of one call into WebAssembly. */
const sliceNodes = 2 ** 12;
const degrees = { zigzag: 13, sdr: 14 };

const bytesOf = ({ buffer, byteOffset, byteLength }: Uint8Array | Uint16Array | Uint32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Fills what lies in `into`, which has `unit` bytes for each node, through a place that the kernel can reach. */
interface Tray {
  readonly at: Place;
  readonly take: () => void;
}

type TrayOf = (into: Uint8Array) => Tray;

/** Trays for up to a slice of nodes with so many bytes each; the machine keeps one place for all of them. */
function trays(machine: Machine, unit: number): TrayOf {
  if (machine.inPlace) return (into) => ({ at: machine.lend(into), take: () => undefined });
  const at = machine.alloc(sliceNodes * unit);
  return (into) => ({ at, take: () => into.set(machine.read(at, into.length)) });
}

/** Calls `fill` for slices of `count` nodes from `low` on. */
function inSlices(machine: Machine, count: number, fill: (from: number, to: number) => void): void {
  const step = machine.inPlace ? count : sliceNodes;
  for (let from = 0; from < count; from += step) fill(from, Math.min(count, from + step));
}

function zigzagFiller(machine: Machine, graph: ZigzagGraphParts): ReturnType<LayerKernel["zigzagParents"]> {
  const [seed, tables] = [machine.put(graph.seed), machine.lend(bytesOf(graph.tables))];
  const parentsTray = trays(machine, 4 * degrees.zigzag);
  const countsTray = trays(machine, 1);
  return (reversed, low, { parents, counts }) =>
    inSlices(machine, counts.length, (from, to) => {
      const own = parentsTray(bytesOf(parents.subarray(from * degrees.zigzag, to * degrees.zigzag)));
      const many = countsTray(counts.subarray(from, to));
      const { halfBits, nodes } = graph;
      machine.call.zigzag_parents(
        own.at,
        many.at,
        seed,
        tables,
        halfBits,
        nodes,
        reversed ? 1 : 0,
        low + from,
        to - from,
      );
      own.take();
      many.take();
    });
}

function sdrFiller(machine: Machine, graph: SdrGraphParts): ReturnType<LayerKernel["sdrParents"]> {
  const [seed, tables] = [machine.put(graph.seed), machine.lend(bytesOf(graph.tables))];
  const parentsTray = trays(machine, 4 * degrees.sdr);
  return (low, parents) =>
    inSlices(machine, parents.length / degrees.sdr, (from, to) => {
      const own = parentsTray(bytesOf(parents.subarray(from * degrees.sdr, to * degrees.sdr)));
      const { halfBits, nodes, legacy } = graph;
      machine.call.sdr_parents(own.at, seed, tables, halfBits, nodes, legacy ? 1 : 0, low + from, to - from);
      own.take();
    });
}

export function createParentsKernel(make: MachineMaker): Pick<LayerKernel, "zigzagParents" | "sdrParents"> {
  return {
    zigzagParents: (graph) => zigzagFiller(make(), graph),
    sdrParents: (graph) => sdrFiller(make(), graph),
  };
}
