/** Volumes that every process opens for itself: one simulated disk, or a bucket on a server of the tests. */
import type { Disk } from "@holdfast/base";
import { SimDisk } from "@holdfast/base/testing";
import { BucketClient, type JobQueue, openBucketDisk } from "@holdfast/storage";
import { BucketServer, bucketKeys } from "../bucket-server.ts";
import { type DeathsWorld, realTime } from "./deaths-suite.ts";

/** An operation of a bucket is a request. */
const bucketEvery = 4;

export type OpenQueues = () => Promise<{ readonly queue: JobQueue; readonly other: JobQueue }>;

export function onSimDisk(openQueues: OpenQueues): () => Promise<DeathsWorld> {
  return async () => {
    const disk = new SimDisk();
    return worldOf(await openQueues(), { open: () => disk, every: 1 }, async () => undefined);
  };
}

export function onBucket(openQueues: OpenQueues): () => Promise<DeathsWorld> {
  return async () => {
    const server = new BucketServer();
    const endpoint = await server.listen();
    const place = { kind: "s3", endpoint, region: "us-east-1", bucket: "bucket", prefix: "" } as const;
    const client = () => new BucketClient(place, bucketKeys, realTime);
    // What is on its way to the bucket is a process's own.
    const open = (): Disk =>
      openBucketDisk({
        client: client(),
        scratch: { disk: new SimDisk(), folder: "work/spool" },
        clock: realTime,
      });
    return worldOf(await openQueues(), { open, every: bucketEvery }, () => server[Symbol.asyncDispose]());
  };
}

function worldOf(
  { queue, other }: Awaited<ReturnType<OpenQueues>>,
  files: Pick<DeathsWorld, "open" | "every">,
  end: () => Promise<void>,
): DeathsWorld {
  return {
    ...{ queue, other, ...files },
    async dispose() {
      await queue[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
      await end();
    },
  };
}
