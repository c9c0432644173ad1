/**
 * What this node can serve: the files that lie here, and what other rooms offer (a miner's pieces). The plans of
 * CAR streams are remembered, because a large file is read piece by piece.
 */
import type { CID } from "@holdfast/base";
import { readCar } from "../car.ts";
import { limits } from "../limits.ts";
import type { FileBlocks } from "./blocks.ts";
import { type CarPlan, planCar, streamCar } from "./car-plan.ts";
import { checkedStream } from "./checked-car.ts";
import type { PieceIndex } from "./index/piece-index.ts";
import type { LocalFiles } from "./local-files.ts";
import type { CarSource, OpenCar } from "./needs.ts";
import type { ServedCar } from "./server.ts";
import { readTreeNode } from "./unixfs.ts";

/** Plans of the files that were read last; together they stay below `limits.carPlanBlocks`. */
export class CarPlans {
  readonly #blocks: FileBlocks;
  /** The oldest first. */
  readonly #plans = new Map<string, CarPlan>();
  #blockCount = 0;

  constructor(blocks: FileBlocks) {
    this.#blocks = blocks;
  }

  /** Errors as `planCar`. */
  async of(root: CID): Promise<CarPlan> {
    const name = root.toString();
    const plan = this.#plans.get(name) ?? (await planCar(this.#blocks, root));
    this.forget(root);
    if (plan.blockCount > limits.carPlanBlocks) return plan;
    this.#plans.set(name, plan);
    this.#blockCount += plan.blockCount;
    for (const { root: oldest } of this.#plans.values()) {
      if (this.#blockCount <= limits.carPlanBlocks) break;
      this.forget(oldest);
    }
    return plan;
  }
  forget(root: CID): void {
    const name = root.toString();
    this.#blockCount -= this.#plans.get(name)?.blockCount ?? 0;
    this.#plans.delete(name);
  }
}

/** Finds the CAR stream of a payload: the local file, else the first source that has it. */
export function servedCars(
  files: LocalFiles,
  plans: CarPlans,
  sources: readonly CarSource[],
  index: Pick<PieceIndex, "sectionBefore">,
): (payload: CID) => Promise<ServedCar | undefined> {
  const sizes = new FileSizes();
  return async (payload) => {
    const record = await files.complete(payload);
    if (record !== undefined) {
      const { carBytes, fileBytes } = record;
      return { carBytes, fileBytes, read: (offset) => localStream(files, plans, payload, offset) };
    }
    for (const source of sources) {
      const car = await source.open(payload);
      if (car === undefined) continue;
      const fileBytes = await sizes.of(payload, car);
      const read = (offsetBytes: number) => {
        const startBytes = index.sectionBefore(payload, offsetBytes);
        // What is not indexed was never whole here: only its reader checks it.
        if (startBytes === undefined) return car.read(offsetBytes);
        return checkedStream(car, { payload, startBytes, offsetBytes });
      };
      return { carBytes: car.carBytes, fileBytes, read };
    }
    return undefined;
  };
}

async function* localStream(
  files: LocalFiles,
  plans: CarPlans,
  root: CID,
  offset: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const release = files.hold(root);
  try {
    yield* streamCar(files.blocks, await plans.of(root), offset);
  } finally {
    release();
  }
}

/** Sizes of files whose CAR stream is elsewhere: read once from the root block at the front of the stream. */
class FileSizes {
  readonly #sizes = new Map<string, number | null>();

  async of(payload: CID, car: OpenCar): Promise<number | null> {
    const name = payload.toString();
    const known = this.#sizes.get(name);
    if (known !== undefined) return known;
    const size = await sizeIn(car).catch(() => null); // whoever reads the stream itself learns why
    this.#sizes.set(name, size);
    if (this.#sizes.size > limits.retrievalSizes) {
      const oldest = this.#sizes.keys().next().value;
      if (oldest !== undefined) this.#sizes.delete(oldest);
    }
    return size;
  }
}

async function sizeIn(car: OpenCar): Promise<number | null> {
  const stream = car.read(0)[Symbol.asyncIterator]();
  try {
    const { blocks } = await readCar({ [Symbol.asyncIterator]: () => stream });
    for await (const { cid, bytes } of blocks) {
      const node = readTreeNode(cid, bytes);
      return node.kind === "file" ? node.fileBytes : null; // of a folder only its whole tree tells
    }
    return null;
  } finally {
    await stream.return?.();
  }
}
