/**
 * The CAR stream of a miner's pieces, checked while it is sent: a block leaves this node when it is what its CID says.
 * What is not is doubted, read once more from where its source has it besides, and given in its place; if that is no
 * better the stream ends with an error before it. Invariant: the bytes are those of the stream, or fewer; but for the
 * byte of a CID that says how to read its block, which no hash covers: one that has rotted its reader refuses.
 */
import { type CID, encodeVarint, equalBytes, HoldfastError, verifyCid } from "@holdfast/base";
import { ByteQueue, carErrors, carHeader, leadingCid, sectionBytesMax } from "../car.ts";
import type { OpenCar } from "./needs.ts";

/** How far a section goes that is being read: any piece that it lies in may be the one that has rotted. */
interface Extent {
  bytes: number;
}

export interface CheckedFrom {
  readonly payload: CID;
  /** Where a section or the header begins, at or before `offsetBytes`. */
  readonly startBytes: number;
  readonly offsetBytes: number;
}

/** Errors: `car/…`, those of the source. */
export async function* checkedStream(
  car: OpenCar,
  { payload, startBytes, offsetBytes }: CheckedFrom,
): AsyncGenerator<Uint8Array, void, undefined> {
  let queue = queueOf(car, startBytes);
  try {
    for (let at = startBytes; at < car.carBytes; ) {
      let parts: readonly Uint8Array[];
      const extent: Extent = { bytes: 1 };
      try {
        parts = await nextParts(queue.bytes, at, payload, extent);
      } catch (error) {
        if (!(error instanceof HoldfastError && error.code.startsWith("car/"))) throw error;
        if ((await car.doubt?.(at, Math.min(extent.bytes, car.carBytes - at))) !== true) throw error;
        queue.end();
        queue = queueOf(car, at);
        parts = await nextParts(queue.bytes, at, payload, extent);
      }
      for (const part of parts) {
        if (at + part.length > offsetBytes) yield part.subarray(Math.max(0, offsetBytes - at));
        at += part.length;
      }
    }
  } finally {
    queue.end();
  }
}

/** The header, or a section: its length, then the CID with a block that is what it says. */
async function nextParts(
  bytes: ByteQueue,
  at: number,
  payload: CID,
  extent: Extent,
): Promise<readonly Uint8Array[]> {
  if (at === 0) {
    const wanted = carHeader(payload);
    extent.bytes = wanted.length;
    const header = await bytes.take(wanted.length);
    if (!equalBytes(header, wanted)) throw carErrors.malformed({ detail: "its header is another" });
    return [header];
  }
  const length = await bytes.varint(sectionBytesMax, "section");
  if (length === undefined) throw carErrors.truncated({ atBytes: at });
  const prefix = encodeVarint(length);
  extent.bytes = prefix.length + length;
  const section = await bytes.take(length);
  const cid = leadingCid(section);
  if (!verifyCid(cid, section.subarray(cid.bytes.length))) throw carErrors.corrupt({ cid: cid.toString() });
  return [prefix, section];
}

function queueOf(car: OpenCar, at: number): { readonly bytes: ByteQueue; end(): void } {
  const stream = car.read(at)[Symbol.asyncIterator]();
  const bytes = new ByteQueue({ [Symbol.asyncIterator]: () => stream });
  return { bytes, end: () => void stream.return?.().catch(() => undefined) };
}
