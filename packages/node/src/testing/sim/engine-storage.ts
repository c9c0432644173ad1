/** The storage of a simulated miner over its engine room: opened as a daemon opens it, by the production engine. */
import type { Address, Clock, Logger } from "@holdfast/base";
import type { SeededRandom } from "@holdfast/base/testing";
import { openStorage, type StorageOptions } from "@holdfast/storage";
import type { MinerParts } from "../../compose.ts";
import { openJobEngine } from "../../job-engine.ts";
import type { EngineRoom } from "./engine.ts";
import { diskOf, type Life } from "./life.ts";

export interface EngineStorageParts {
  readonly name: string;
  readonly miner: Address;
  readonly life: Life;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: SeededRandom;
  /** As without an engine, but for who computes. */
  readonly options: Omit<StorageOptions, "prover">;
}

const drivePlace = "/drive";
/** So often all sectors are read once: there are few, and the simulation is short. */
const scrubMs = 60_000;
const parallelChores = 2;
const memoryBytes = 2 ** 40;

export async function openEngineStorage(
  room: EngineRoom,
  { name, miner, life, clock, logger, random, options }: EngineStorageParts,
  stack: AsyncDisposableStack,
): Promise<Required<Pick<MinerParts, "storage" | "jobs" | "sealSpeed" | "chores">>> {
  room.plant(life);
  const queue = room.openQueue(name, life);
  stack.defer(() => queue[Symbol.asyncDispose]()); // a stack takes no proxies
  const jobs = stack.use(
    await openJobEngine({
      queue,
      miner,
      pool: room.poolOf(life),
      parallel: room.parallel,
      dials: { parallel: {}, urgentCpus: 1, memoryBytes },
      // Its workers are no children of this process.
      processes: 0,
      repo: "",
      database: "",
      ...{ clock, logger, random },
    }),
  );
  const storage = stack.use(
    await openStorage({
      ...options,
      logger: room.watched(name, logger),
      prover: jobs.prover,
      openPlace: () => diskOf(life, room.drive.mountPoint),
      isDrainedByJobs: true,
    }),
  );
  await jobs.reconcile(storage);
  const [, drive] = await storage.volumes.list();
  if (drive === undefined && !room.drive.isAway) await storage.volumes.attach({ place: drivePlace });
  const chores = stack.use(await jobs.openChores(storage, { scrubMs, parallel: parallelChores }));
  return { storage, jobs: jobs.queue, sealSpeed: jobs.sealSpeed, chores };
}
