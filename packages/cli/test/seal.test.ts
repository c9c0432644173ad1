/**
 * `proof seal` and `proof verify`: seals of other programs bit for bit, a proof file that holds and whose every
 * change does not, and what is refused before anything is sealed.
 */
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jsonError, run } from "./run.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-seal-"));
  await writeFile(at("zeros"), new Uint8Array(1016));
  await writeFile(at("ones"), new Uint8Array(1016).fill(1));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

const bytes = (value: string, count: number): string => value.repeat(count);
const miner = "fcqguttqgahl6ztde7umgcrc0t4fvdgluhus0sz4w";

/** `proof seal` with options as pairs. */
const seal = (
  options: { readonly [name: string]: string },
  more: { stdin?: string; signal?: AbortSignal } = {},
) =>
  run(
    ["proof", "seal", ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]), "--json"],
    more,
  );

async function sealed(options: { readonly [name: string]: string }) {
  const ended = await seal(options);
  expect(ended).toMatchObject({ code: 0, err: "" });
  return JSON.parse(ended.out);
}

describe("seals of other programs", () => {
  // Own derivation, independent implementation.
  it("zigzag-2019, and the replica that it keeps", async () => {
    const options = { kind: "zigzag-2019", "sector-bytes": "1KiB", "sector-id": "0" };
    const zeros = await sealed({ ...options, data: at("zeros"), "prover-id": bytes("00", 31) });
    expect(zeros).toEqual({
      replicaId: "ee808f1e69e3a963de716cb6bcdab5d1b8ffb06fb62b09a0b9a83bdba5916c37",
      commD: "e36885b56441b06f59665dbd6c756361985c9206c1034d38e478e7e66252e026",
      commRLayers: [
        "e9df13ce5b11c6d33af3c406ee0b09752cada965735e62daae7dcd23ea51e904",
        "a99e0bbc26552dcf043348ec29e9dacb62e71f14c6bc5e1a03479172e9863760",
        "bb77a6932ce0283391e239380f5a43d9f4fd1d9ba26d2502852456e1aed0ba70",
        "c04e2e47ff800751a63ec19609df67b26662f96e3b33b4a3f580ddea1a50936f",
      ],
      commRStar: "3abba68024cdc400c154a0923affff25a8f32eb804469be469102da6a2a99a54",
      replicaSha256: "e6fa434e99447b3a1f34c92416245b7f0db87cef593f24b5f8f6ea8339cdb705",
      challenges: [
        [[24], [26], [15, 10], [25, 26]],
        [[21], [27], [17, 12], [13, 29]],
      ],
    });
    const ones = {
      ...options,
      data: at("ones"),
      "prover-id": `${bytes("02", 31)}00`,
      "out-replica": at("replica"),
    };
    const { replicaSha256 } = await sealed(ones);
    expect(replicaSha256).toBe("94a0dcbbabb453c1c0c5b2e733f0beb1eaa7eb434e29dc50ea00382c25a501e2");
    const replica = await readFile(at("replica"));
    expect(createHash("sha256").update(replica).digest("hex")).toBe(replicaSha256);
  });

  it("sdr, with the version of its porep id", async () => {
    const options = {
      kind: "sdr",
      "sector-bytes": "2048",
      data: at("zeros"),
      "prover-id": bytes("00", 32),
      "sector-id": "0",
      seed: bytes("01", 32),
    };
    expect(await sealed(options)).toEqual({
      replicaId: "97387cf582b3c892f8e8e4fa9d2e4d9a5e1b739a7f79c46c7fb77b66b60f1214",
      commD: "fc7e928296e516faade986b28f92d44a4f24b935485223376a799027bc18f833",
      commC: "26abd4a09052d48a718c13171f655a21f21db24ff9e5676adf2af59d20e67519",
      commRLast: "87580e0d4207b9af86228432c6bc3151bd3ab6b32fae4955f4b87b5ce578cb52",
      commR: "e186aaa5a278544dba74d3787685062e2fe0e1cb2c9ccc72b441b7d609bb2553",
      replicaSha256: "743efdb604544e3cd8c9bae01e6b59eb6f2790e2c750a4237ae7b5ba2003ce63",
      challenges: [11, 51],
    });
    expect(await sealed({ ...options, "porep-id": `05${bytes("00", 31)}` })).toMatchObject({
      commR: "b2298a51987c872ff986126b6c9a5b95e3f4fa076c04d5581fbe86a23441526d",
      challenges: [56, 24],
    });
  });
});

describe("zigzag", () => {
  const options = () => ({
    kind: "zigzag",
    "sector-bytes": "2KiB",
    data: at("ones"),
    "prover-id": miner,
    "sector-id": "3",
    ticket: bytes("07", 32),
  });

  it("proves what it sealed, and the proof file says whose it is", async () => {
    const bare = await sealed(options());
    expect(bare.challenges).toEqual([]);
    const report = await sealed({ ...options(), seed: bytes("09", 32), out: at("seal.json") });
    expect({ ...report, challenges: [] }).toEqual(bare);
    expect(report.challenges.map(({ length }: number[]) => length)).toEqual([2, 2, 3, 4]);
    const verdict = await run(["proof", "verify", at("seal.json"), "--json"]);
    expect(verdict).toMatchObject({ code: 0, err: "" });
    expect(JSON.parse(verdict.out).statement).toMatchObject({
      kind: "seal",
      profile: "zigzag-2KiB",
      proverId: "00004716b023b7fe84b6e7dcda303c3d754b1a8ff2fc",
      sectorId: 3,
      ticket: bytes("07", 32),
      commD: report.commD,
      commR: report.commR,
    });
  });

  it("is bound to all of its statement: every change is refused", async () => {
    const file = JSON.parse(await readFile(at("seal.json"), "utf8"));
    const codes = new Set<number>();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(file)),
        fc.nat(),
        fc.nat(14),
        async (name, place, add) => {
          const changed = { ...file, [name]: changedValue(file[name], place, add + 1) };
          const { code } = await run(["proof", "verify", "-", "--json"], { stdin: JSON.stringify(changed) });
          codes.add(code);
          expect({ name, ok: code === 5 || code === 2 }).toEqual({ name, ok: true });
        },
      ),
      { numRuns: 60 },
    );
    expect([...codes].sort()).toEqual([2, 5]);
  });

  it("takes a stream, and keeps replica and proof of the same bytes as a file's", async () => {
    const data = Array.from({ length: 2000 }, (_none, i) => String.fromCharCode(32 + (i % 90))).join("");
    await writeFile(at("text"), data);
    const shared = { ...options(), seed: bytes("09", 32) };
    const [fromFile, fromStream] = ["file", "stream"].map((name) => ({
      ...shared,
      data: name === "file" ? at("text") : "-",
      out: at(`${name}.json`),
      "out-replica": at(`${name}.replica`),
    }));
    const one = await sealed(fromFile ?? {});
    const ended = await seal(fromStream ?? {}, { stdin: data });
    expect(ended).toMatchObject({ code: 0, err: "" });
    expect(JSON.parse(ended.out)).toEqual(one);
    const replica = await readFile(at("stream.replica"));
    expect(replica.equals(await readFile(at("file.replica")))).toBe(true);
    expect(createHash("sha256").update(replica).digest("hex")).toBe(one.replicaSha256);
    expect(await readFile(at("stream.json"), "utf8")).toBe(await readFile(at("file.json"), "utf8"));
  });

  it("replaces a file only by force, and refuses a stream that is too long; nothing is left of it", async () => {
    await writeFile(at("kept"), "precious");
    const taken = await seal({ ...options(), "out-replica": at("kept") });
    expect({ code: taken.code, error: jsonError(taken).code }).toEqual({ code: 8, error: "cli/file-exists" });
    expect(await readFile(at("kept"), "utf8")).toBe("precious");
    const forced = ["--out-replica", at("kept"), "--force"];
    const pairs = Object.entries(options()).flatMap(([name, value]) => [`--${name}`, value]);
    expect(await run(["proof", "seal", ...pairs, ...forced, "--json"])).toMatchObject({ code: 0 });
    expect(await readFile(at("kept"))).toHaveLength(2048);
    const long = await seal(
      { ...options(), data: "-", "out-replica": at("never"), scratch: folder },
      { stdin: "x".repeat(2033) },
    );
    expect({ code: long.code, error: jsonError(long).code }).toEqual({ code: 2, error: "cli/over-capacity" });
    expect((await readdir(folder)).filter((name) => /never|part/.test(name))).toEqual([]);
  });

  it("replaces no folder, no device and not its own data, also by force", async () => {
    await writeFile(at("own"), "precious");
    const pairs = Object.entries({ ...options(), data: at("own") }).flatMap(([name, value]) => [
      `--${name}`,
      value,
    ]);
    const forced = (path: string, ...more: string[]) =>
      run(["proof", "seal", ...pairs, "--out-replica", path, ...more, "--force", "--json"]);
    for (const [ended, code, error] of [
      [await forced(folder), 8, "cli/file-exists"],
      [await forced("/dev/null"), 8, "cli/file-exists"],
      [await forced(at("own")), 2, "cli/bad-value"],
      [await forced(at("both"), "--seed", bytes("09", 32), "--out", at("both")), 2, "cli/bad-value"],
    ] as const) {
      expect({ code: ended.code, error: jsonError(ended).code }).toEqual({ code, error });
    }
    expect(await readFile(at("own"), "utf8")).toBe("precious");
  });

  it("needs folders that can be written", async () => {
    const ended = await seal({ ...options(), scratch: at("nowhere") });
    expect({ code: ended.code, error: jsonError(ended).code }).toEqual({ code: 8, error: "cli/unwritable" });
  });

  it("reads a proof file of several chunks as it is", async () => {
    const file = JSON.parse(await readFile(at("seal.json"), "utf8"));
    const long = Array.from({ length: 2_000_000 }, (_none, i) =>
      ((i * 7919) % 2 ** 32).toString(16).padStart(8, "0"),
    ).join("");
    await writeFile(at("long.json"), JSON.stringify({ ...file, proof: long }));
    const ended = await run(["proof", "verify", at("long.json"), "--json"]);
    expect({ code: ended.code, error: jsonError(ended).code }).toEqual({ code: 5, error: "proof/invalid" });
  });

  it("stops when it is told to", async () => {
    const stop = new AbortController();
    const large = {
      ...options(),
      kind: "zigzag-2019",
      "sector-bytes": "64MiB",
      "prover-id": bytes("00", 31),
    };
    const { ticket: _none, ...given } = large;
    const ending = seal(given, { signal: stop.signal });
    stop.abort(new DOMException("interrupted", "AbortError"));
    const ended = await ending;
    expect({ code: ended.code, error: jsonError(ended).code }).toEqual({ code: 75, error: "cli/stopped" });
  });
});

describe("proof circuit", () => {
  const count = async (...argv: string[]) => {
    const ended = await run(["proof", "circuit", "--sector-bytes", "2KiB", ...argv, "--json"]);
    expect(ended).toMatchObject({ code: 0, err: "" });
    return JSON.parse(ended.out);
  };

  it("counts by parts that sum up, and by Poseidon far less than by BLAKE2s and SDR", async () => {
    const [seal, window, winning] = await count("--kind", "zigzag");
    for (const { constraints, domain, parts, publicInputs } of [seal, window, winning]) {
      const sum = parts.reduce((total: number, part: { constraints: number }) => total + part.constraints, 0);
      expect(sum).toBe(constraints);
      expect(domain).toBeGreaterThan(constraints + publicInputs);
      expect(domain / 2).toBeLessThanOrEqual(constraints + publicInputs);
    }
    expect(seal.originals.length).toBeGreaterThan(0);
    const [blake2s] = await count("--kind", "zigzag-blake2s", "--circuit", "seal");
    expect(blake2s.constraints).toBeGreaterThan(10 * seal.constraints);
  });
});

function changedValue(value: unknown, place: number, add: number): unknown {
  if (typeof value === "number") return value + add;
  const text = String(value);
  const index = place % text.length;
  const digit = Number.parseInt(text.charAt(index), 16);
  const other = Number.isNaN(digit) ? "x" : ((digit + add) % 16).toString(16);
  return `${text.slice(0, index)}${other}${text.slice(index + 1)}`;
}
