/**
 * What a storage stands on: records in a file or on a PostgreSQL server, volumes that are simulated disks or parts of a
 * bucket. A suite that takes a ground holds for each of the four.
 */
import { DatabaseSync } from "node:sqlite";
import type { Clock, Disk } from "@holdfast/base";
import { SimDisk } from "@holdfast/base/testing";
import {
  BucketClient,
  type JobQueue,
  openBucketDisk,
  openPostgresJobs,
  openSqliteJobs,
  parsePlace,
  type VolumePlace,
} from "@holdfast/storage";
import { BucketServer, bucketKeys } from "./bucket-server.ts";
import { realTime } from "./jobs/deaths-suite.ts";
import { freshUrl, inPostgres } from "./postgres.ts";

/** Records of nobody yet. */
export interface Records {
  readonly dbPath: string;
  openQueue(clock: Clock): Promise<JobQueue>;
  /** As another program would. */
  run(sql: string): Promise<void>;
}

/** Volumes that nobody has attached yet. */
export interface Volumes {
  readonly places: readonly [string, string];
  openPlace(place: VolumePlace): Disk;
  /** Another process's look at it. */
  diskAt(place: string): Disk;
}

export interface Ground extends AsyncDisposable {
  readonly isBucket: boolean;
  records(): Records;
  volumes(): Volumes;
}

type MakeRecords = () => Records;

export function inFiles(next: () => string): MakeRecords {
  return () => {
    const [dbPath, queuePath] = [next(), next()];
    return {
      dbPath,
      openQueue: async (clock) => openSqliteJobs({ dbPath: queuePath, clock }),
      run: async (sql) => {
        const db = new DatabaseSync(dbPath);
        db.exec(sql);
        db.close();
      },
    };
  };
}

export function onServer(): Records {
  const url = freshUrl();
  return {
    dbPath: url,
    openQueue: () => openPostgresJobs({ url }),
    run: async (sql) => void (await inPostgres(url, (client) => client.query(sql))),
  };
}

export async function onDisks(records: MakeRecords): Promise<Ground> {
  return {
    ...{ isBucket: false, records },
    volumes: () => {
      const disks = new Map<string, SimDisk>();
      const diskAt = (path: string) => {
        const disk = disks.get(path) ?? new SimDisk();
        disks.set(path, disk);
        return disk;
      };
      const openPlace = (place: VolumePlace) => diskAt(place.kind === "folder" ? place.path : "");
      return { places: ["/mnt/a", "/mnt/b"], openPlace, diskAt };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

export async function onBucket(records: MakeRecords): Promise<Ground> {
  const server = new BucketServer();
  const endpoint = await server.listen();
  let count = 0;
  return {
    ...{ isBucket: true, records },
    volumes: () => {
      const name = count++;
      const openPlace = (place: VolumePlace) => {
        if (place.kind !== "s3") throw new Error("only buckets here");
        return openBucketDisk({
          client: new BucketClient(place, bucketKeys, realTime),
          scratch: { disk: new SimDisk(), folder: "work/spool" },
          clock: realTime,
        });
      };
      const placeOf = (part: string) => `s3://bucket/${name}${part}?endpoint=${endpoint}`;
      return {
        places: [placeOf("a"), placeOf("b")],
        openPlace,
        diskAt: (place) => openPlace(parsePlace(place)),
      };
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
