/** What is in a CAR file: its roots, then every block, checked, with its place in the stream of version 1. */
import { carHeader, carSectionHead } from "../car.ts";
import { readAnyCar } from "../car-v2.ts";
import { limits } from "../limits.ts";

export interface ListedBlock {
  readonly cid: string;
  readonly sizeBytes: number;
  /** Where its section begins, counted from the header of version 1. */
  readonly offsetBytes: number;
}

export interface CarList {
  readonly version: 1 | 2;
  readonly roots: readonly string[];
  /** Errors `car/…`. */
  readonly blocks: AsyncIterable<ListedBlock>;
}

/** Errors `car/…`. */
export async function listCar(source: AsyncIterable<Uint8Array>): Promise<CarList> {
  const { version, roots, blocks } = await readAnyCar(source, limits.carRoots);
  return {
    version,
    roots: roots.map(String),
    blocks: (async function* () {
      let offsetBytes = carHeader(...roots).length;
      for await (const { cid, bytes } of blocks) {
        yield { cid: cid.toString(), sizeBytes: bytes.length, offsetBytes };
        offsetBytes += carSectionHead(cid, bytes.length).length + bytes.length;
      }
    })(),
  };
}
