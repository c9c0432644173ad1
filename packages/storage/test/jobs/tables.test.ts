/**
 * Rows of the queue as somebody writes them who has the password of its database: a table that names any folder. A
 * worker opens only what it has reached by its marker.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@holdfast/base";
import { codeOf, SimClock } from "@holdfast/base/testing";
import {
  type Job,
  openReach,
  openSqliteJobs,
  pooledTools,
  type Sealer,
  sealHandlers,
  type VolumeDisk,
  type VolumeSpec,
  type VolumeTable,
} from "@holdfast/storage";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { scratch } from "../support.ts";

const files = scratch();
const root = mkdtempSync(join(tmpdir(), "holdfast-tables-"));
afterAll(() => {
  files.remove();
  rmSync(root, { recursive: true, force: true });
});

const never = new AbortController().signal;
let count = 0;

/** A folder of somebody else: what a takeover of a claim would rename and remove lies in it. */
function folder(marker?: string): string {
  const path = join(root, `${count++}`);
  for (const name of ["keys-1", "keys-2"]) {
    mkdirSync(join(path, "d", name), { recursive: true });
    writeFileSync(join(path, "d", name, "wallet"), "secret");
  }
  if (marker !== undefined)
    writeFileSync(join(path, "holdfast-volume.json"), JSON.stringify({ volume: marker }));
  return path;
}
const volume = (volumeId: number, path: string, marker: string): VolumeSpec => ({
  ...{ volumeId, marker },
  place: { kind: "folder", path },
});
const sealOf = (at: string) => ({
  ...{ replicaPath: `${at}/replica`, treePath: `${at}/tree`, auxPath: `${at}/aux`, resumePath: null },
  stagedPath: null,
});

/** A worker that somebody has started, with the tables over which it would have computed. */
class Worker implements AsyncDisposable {
  readonly queue = openSqliteJobs({ dbPath: files.next(), clock: new SimClock() });
  readonly computed: VolumeTable[] = [];

  async do(kind: "seal" | "unseal", table: unknown, job: unknown, home?: string): Promise<string> {
    const clock = new SimClock();
    const own = home === undefined ? {} : { home };
    const reach = openReach({ queue: this.queue, clock, logger: silentLogger, ...own });
    const fails = () => Promise.reject(new TypeError("computed"));
    const sealer: Sealer = {
      ...{ replicate: fails, prove: fails, post: fails },
      extract: async () => new Uint8Array(1),
      [Symbol.asyncDispose]: async () => undefined,
    };
    const sealerFor = (disk: unknown) => {
      this.computed.push((disk as VolumeDisk).table());
      return sealer;
    };
    const handlers = sealHandlers(pooledTools({ sealerFor }, silentLogger, reach), reach);
    const claimed = { jobId: 1, token: 9, kind, volumes: [], input: JSON.stringify({ table, job }) };
    const done = handlers[kind]?.(claimed as unknown as Job, { signal: never, onProgress: () => undefined });
    return await codeOf(done ?? Promise.reject(new TypeError("no such kind")));
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.queue[Symbol.asyncDispose]();
  }
}

describe("the table of a job", () => {
  let victim = "";
  let mine = "";
  beforeEach(() => {
    victim = folder();
    mine = folder("m");
  });
  const tables = (): readonly [string, object][] => [
    ["no marker", { home: victim, volumes: [] }],
    ["no folder", { home: null, volumes: [] }],
    ["a marker that nobody has seen there", { home: victim, homeMarker: "x", volumes: [] }],
    ["the marker of a volume that lies elsewhere", { home: victim, homeMarker: "m", volumes: [] }],
  ];

  it("opens no home with no marker, or that is not reached", async () => {
    await using worker = new Worker();
    await worker.queue.shareVolumes("a", [volume(0, mine, "m")]);
    for (const [name, table] of tables()) {
      expect([name, await worker.do("seal", table, sealOf("d/keys"))]).toEqual([name, "storage/not-reached"]);
      const reading = { replicaPath: "d/keys-1/wallet", identity: { sectorId: 1 } };
      expect([name, await worker.do("unseal", table, reading)]).toEqual([name, "storage/not-reached"]);
    }
    expect(worker.computed).toEqual([]);
    expect(readdirSync(join(victim, "d"))).toEqual(["keys-1", "keys-2"]);
  });

  it("has of its volumes those that are reached, and no name of one leads beside it", async () => {
    await using worker = new Worker();
    await worker.queue.shareVolumes("a", [volume(1, mine, "m")]);
    const table = { home: victim, homeMarker: "x", volumes: [volume(1, mine, "m"), volume(2, victim, "y")] };
    // Of a claim: volumes/1-9/…, which is on no volume 1.
    expect(await worker.do("seal", table, sealOf("volumes/1"))).toBe("storage/not-reached");
    expect(await worker.do("seal", table, sealOf("volumes/2/d/keys"))).toBe("storage/volume-away");
    expect(worker.computed).toMatchObject([{ volumes: [volume(1, mine, "m")] }]);
    expect(readdirSync(join(victim, "d"))).toEqual(["keys-1", "keys-2"]);
    expect(await worker.do("seal", table, sealOf("volumes/1/d/keys"))).toContain("computed");
    expect(existsSync(join(mine, "d", "keys-9", "wallet"))).toBe(true);
  });

  it("has what was attached since the last look, and the own folder of a node without a marker", async () => {
    await using worker = new Worker();
    const reading = { replicaPath: "volumes/3/sealed/1", identity: { sectorId: 1 } };
    const table = { home: victim, volumes: [volume(3, mine, "m")] };
    await worker.queue.shareVolumes("a", [volume(3, mine, "m")]);
    expect(await worker.do("unseal", table, reading, victim)).toBe("no error");
    expect(worker.computed).toEqual([table]);
  });
});
