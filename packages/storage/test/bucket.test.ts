/**
 * A bucket keeps the promises of a disk, on a server of the tests and on a real one where there is one
 * (HOLDFAST_TEST_S3: its origin; CI starts moto). Signatures agree with the examples of the protocol's documents.
 */

import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Clock, utf8Bytes } from "@holdfast/base";
import { codeOf, diskSuite, SimDisk } from "@holdfast/base/testing";
import { BucketClient, openBucketDisk, signBucketRequest, type VolumePlace } from "@holdfast/storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BucketServer, bucketKeys } from "./bucket-server.ts";

const server = new BucketServer();
let endpoint = "";
beforeAll(async () => {
  endpoint = await server.listen();
});
afterAll(() => server[Symbol.asyncDispose]());

let count = 0;
const clock: Clock = { nowMs: () => Date.now(), sleep: (ms) => sleep(ms / 100) };

function bucketAt(
  origin: string,
  keys: { accessKeyId: string; secretAccessKey: string } = bucketKeys,
  ownClock: Clock = clock,
) {
  const place = {
    kind: "s3",
    endpoint: origin,
    region: "us-east-1",
    bucket: "bucket",
    prefix: `run-${process.pid}/${count++}`,
  };
  const client = new BucketClient(place as Extract<VolumePlace, { kind: "s3" }>, keys, ownClock);
  const scratch = new SimDisk();
  return {
    disk: openBucketDisk({ client, scratch: { disk: scratch, folder: "spool" }, clock }),
    scratch,
    place,
  };
}

describe("a bucket", () => {
  diskSuite({ describe, it, expect }, () => bucketAt(endpoint));
});

const real = process.env.HOLDFAST_TEST_S3;
describe.skipIf(real === undefined)(
  `a bucket of a real server (${real ?? "HOLDFAST_TEST_S3 names none"})`,
  () => {
    const keys = {
      accessKeyId: process.env.AWS_ACCESS_KEY_ID ?? "",
      secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY ?? "",
    };
    diskSuite({ describe, it, expect }, () => bucketAt(real ?? "", keys));
  },
);

describe("requests to a bucket", () => {
  it("are signed by the server's clock when ours is another, whatever is asked for first", async () => {
    const ahead: Clock = { ...clock, nowMs: () => Date.now() + 7_200_000 };
    for (const first of ["sizeBytes", "readFile", "list"] as const) {
      const { disk } = bucketAt(endpoint, bucketKeys, ahead);
      expect(await disk[first]("a")).toEqual(first === "list" ? [] : undefined);
    }
  });

  it("are tried again when the server fails, and not when it refuses", async () => {
    const { disk } = bucketAt(endpoint);
    server.failures.push({ status: 503, code: "SlowDown" }, { status: 500, code: "InternalError" });
    expect(await disk.sizeBytes("a")).toBe(undefined);
    server.failures.push(...Array.from({ length: 5 }, () => ({ status: 503, code: "SlowDown" })));
    expect(await codeOf(disk.sizeBytes("a"))).toBe("disk/io");
    server.failures.push({ status: 403, code: "AccessDenied" });
    expect(await codeOf(disk.readFile("a"))).toBe("storage/volume-refused");
    server.failures.push({ status: 507, code: "QuotaExceeded" });
    expect(await codeOf(disk.sizeBytes("a"))).toBe("disk/full");
    const stranger = bucketAt(endpoint, { ...bucketKeys, secretAccessKey: "wrong" });
    expect(await codeOf(stranger.disk.list(""))).toBe("storage/volume-refused");
    expect(await codeOf(bucketAt("http://127.0.0.1:1").disk.list(""))).toBe("disk/io");
  });

  it("read only the version that was opened, and nothing that is too short", async () => {
    const { disk, place } = bucketAt(endpoint);
    await disk.writeFile("a", new Uint8Array(200_000).fill(1));
    await using file = await disk.open("a", "read");
    expect((await file.readAt(199_990, 100)).length).toBe(10);
    server.put(`${place.prefix}/a`, new Uint8Array(200_000).fill(2));
    expect(await codeOf(file.readAt(0, 10))).toBe("disk/io");
    server.objects.delete(`${place.prefix}/a`);
    expect(await codeOf(file.readAt(0, 10))).toBe("disk/not-found");
  });

  it("fetch a block for a small read, and keep it", async () => {
    const { disk, place } = bucketAt(endpoint);
    const bytes = Uint8Array.from({ length: 150_000 }, (_, i) => i % 251);
    server.put(`${place.prefix}/a`, bytes);
    await using file = await disk.open("a", "read");
    const before = server.asked.length;
    for (const at of [70_000, 70_032, 131_000, 65_536]) {
      expect(await file.readAt(at, 32)).toEqual(bytes.slice(at, at + 32));
    }
    expect(server.asked.length - before).toBe(1);
  });

  it("send a large file in parts, and leave no scratch file", async () => {
    const { disk, scratch, place } = bucketAt(endpoint);
    const chunk = new Uint8Array(2 ** 20).fill(3);
    {
      await using file = await disk.open("big", "create");
      for (let at = 0; at < 17; at++) await file.writeAt(at * chunk.length, chunk);
      await file.sync();
      expect(server.objects.get(`${place.prefix}/big`)?.bytes.length).toBe(17 * chunk.length);
    }
    expect(await scratch.list("spool")).toEqual([]);
    server.failures.push({ status: 200, code: "" }, { status: 403, code: "AccessDenied" });
    const failing = await disk.open("other", "create");
    await failing.writeAt(0, utf8Bytes("x"));
    expect(await codeOf((async () => await failing[Symbol.asyncDispose]())())).not.toBe("no error");
    expect(await scratch.list("spool")).toEqual([]);
    server.failures.length = 0;
  });
});

describe("signatures", () => {
  // docs.aws.amazon.com, Amazon S3 API reference, "Examples: Signature Calculations".
  const keys = {
    accessKeyId: "AKIAIOSFODNN7EXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  };
  const at = { region: "us-east-1", nowMs: Date.UTC(2013, 4, 24) };
  const host = "https://examplebucket.s3.amazonaws.com";
  const cases = [
    {
      method: "GET",
      path: "/test.txt",
      headers: { range: "bytes=0-9" },
      body: "",
      signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    },
    {
      method: "PUT",
      path: "/test%24file.text",
      headers: { date: "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY" },
      body: "Welcome to Amazon S3.",
      signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    },
    {
      method: "GET",
      path: "/?lifecycle=",
      headers: {},
      body: "",
      signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    },
    {
      method: "GET",
      path: "/?max-keys=2&prefix=J",
      headers: {},
      body: "",
      signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    },
  ];
  it.each(cases)("agree with the example $method $path", ({ method, path, headers, body, signature }) => {
    const request = {
      method,
      url: new URL(host + path),
      headers: { ...headers } as Record<string, string>,
      bodySha256: createHash("sha256").update(body).digest("hex"),
    };
    expect(signBucketRequest(request, keys, at).authorization).toMatch(new RegExp(`Signature=${signature}$`));
  });
});
