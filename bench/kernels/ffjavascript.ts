/**
 * ffjavascript's curve in this thread alone, so that its processor time can be counted like ours. Without it there
 * are no peers here.
 */
import { curves } from "snarkjs";
import type { Contender } from "../kernel.ts";
import { elementBytes } from "./samples.ts";

/** As much of it as is measured. */
interface PeerGroup {
  readonly g: Uint8Array;
  toAffine(point: Uint8Array): Uint8Array;
  timesScalar(point: Uint8Array, scalar: bigint): Uint8Array;
  multiExpAffine(points: Uint8Array, scalars: Uint8Array): Promise<Uint8Array>;
}
interface PeerCurve {
  readonly G1: PeerGroup;
  readonly G2: PeerGroup;
  readonly Fr: { fft(values: Uint8Array): Promise<Uint8Array> };
}
type ByName = (name: string, options: { singleThread: boolean }) => Promise<PeerCurve>;

const distinctPoints = 64;
const name = "ffjavascript";

/** A few points again and again: their values make no difference to the time. */
function pointsOf(group: PeerGroup, count: number): Uint8Array {
  const some = Array.from({ length: distinctPoints }, (_none, i) =>
    group.toAffine(group.timesScalar(group.g, 2n ** 200n + BigInt(i) ** 7n)),
  );
  const size = some[0]?.length ?? 0;
  const points = new Uint8Array(count * size);
  for (let i = 0; i < count; i += 1)
    points.set(some[i % distinctPoints] ?? points.subarray(0, size), i * size);
  return points;
}

export interface FfCurve {
  readonly sum: (group: "G1" | "G2", count: number, scalars: Uint8Array) => readonly Contender[];
  readonly transform: (log: number, values: Uint8Array) => readonly Contender[];
}

export async function ffCurve(): Promise<FfCurve> {
  const peer = await (curves.getCurveFromName as unknown as ByName)("bls12381", { singleThread: true });
  return {
    sum: (group, count, scalars) => {
      const points = pointsOf(peer[group], count);
      const own = scalars.slice(0, elementBytes * count);
      return [{ name, count, work: () => peer[group].multiExpAffine(points, own) }];
    },
    transform: (log, values) => [
      { name, count: log * 2 ** (log - 1), work: () => peer.Fr.fft(values.slice()) },
    ],
  };
}
