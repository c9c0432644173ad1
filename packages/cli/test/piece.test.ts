/**
 * Pieces through the command line: known commitments, streams of any size in bounded memory, proofs that a
 * sector holds a piece, and every way in which such a proof can be wrong.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jsonError, run } from "./run.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-piece-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

async function made(name: string, bytes: Uint8Array): Promise<string> {
  await writeFile(at(name), bytes);
  return at(name);
}

/** The JSON that a command prints. */
async function printed(argv: readonly string[], stdin?: string) {
  const ended = await run([...argv, "--json"], stdin === undefined ? {} : { stdin });
  expect(ended).toMatchObject({ code: 0, err: "" });
  return JSON.parse(ended.out);
}

describe("piece commp", () => {
  // Of bytes 0xff, with the padded size that Filecoin's tools give. Own derivation, independent implementation.
  it.each([
    [127, 128, "658bb1213688f453af508ba982f96e6151f0d5ae0b2618c143842abbce923b39"],
    [1016, 1024, "73c44628dc8881ce0c0cf3151243ba4cd307fb676a091e3bd5e494212a66b333"],
    [16256, 16384, "aff1509940b72cb1ae98e3586bdd779cee0887f2b0968ff5d500ffd9231ff835"],
  ])("of %i bytes is what every tool says", async (rawBytes, paddedBytes, commP) => {
    const path = await made("known", new Uint8Array(rawBytes).fill(0xff));
    const found = await printed(["piece", "commp", path]);
    expect(Object.keys(found)).toEqual(["rawBytes", "paddedBytes", "commP", "pieceCid"]);
    expect(found).toMatchObject({ rawBytes, paddedBytes, commP });
    expect(found.pieceCid).toMatch(/^baga6ea4seaq[a-z2-7]{52}$/);
  });

  it("reads standard input", async () => {
    const path = await made("text", Buffer.from("content"));
    expect(await printed(["piece", "commp", "-"], "content")).toEqual(
      await printed(["piece", "commp", path]),
    );
  });

  it("takes at most 32 MiB beside the program itself, however long the input is", async () => {
    const sparse = at("sparse");
    await using file = await open(sparse, "w");
    await file.truncate(256 * MiB);
    const least = await peakBytes(await made("small", Uint8Array.of(1)));
    expect((await peakBytes(sparse)) - least).toBeLessThan(32 * MiB);
    expect((await peakBytes("-", 256)) - least).toBeLessThan(32 * MiB);
  });
});

const MiB = 1_048_576;

/** Largest resident size of the program while it computes a commitment. */
async function peakBytes(path: string, stdinMiB = 0): Promise<number> {
  const program = fileURLToPath(new URL("../bin/holdfast.js", import.meta.url));
  const onExit = "process.on('exit', () => console.error(process.resourceUsage().maxRSS))";
  const argv = ["--import", `data:text/javascript,${onExit}`, program, "piece", "commp", path];
  const child = spawn(process.execPath, argv, { stdio: ["pipe", "ignore", "pipe"] });
  const chunk = Buffer.alloc(MiB, 1);
  Readable.from(Array.from({ length: stdinMiB }, () => chunk)).pipe(child.stdin);
  let err = "";
  child.stderr.on("data", (chunk) => (err += chunk));
  expect(await once(child, "close")).toEqual([0, null]);
  return Number(err) * 1024;
}

describe("piece inclusion", () => {
  const words: string[] = [];
  beforeAll(async () => {
    words.push(await made("a", new Uint8Array(127).fill(1)));
    words.push(await made("b", new Uint8Array(1000).fill(2)));
    words.push(await made("c", new Uint8Array(300).fill(3)));
  });
  const prove = (...argv: string[]) =>
    printed(["piece", "inclusion", "prove", ...words, "--sector-bytes", "4KiB", ...argv]);
  const verify = (...argv: string[]) => run(["piece", "inclusion", "verify", ...argv, "--json"]);

  it("proves every piece, from files or from what is known of them", async () => {
    const known: string[] = [];
    for (const word of words) {
      const { pieceCid, paddedBytes } = await printed(["piece", "commp", word]);
      known.push(`${pieceCid}:${paddedBytes}`);
    }
    for (const [index, word] of words.entries()) {
      const proof = await prove("--piece", word, "--force", "-o", at("proof.json"));
      expect(JSON.parse(await readFile(at("proof.json"), "utf8"))).toEqual(proof);
      const argv = [
        "piece",
        "inclusion",
        "prove",
        ...known,
        "--sector-bytes",
        "4096",
        "--piece",
        String(index),
      ];
      expect(await printed(argv)).toEqual(proof);
      const again = await run([...argv, "-o", at("proof.json"), "--json"]);
      expect({ code: again.code, error: jsonError(again).code }).toEqual({
        code: 8,
        error: "cli/file-exists",
      });
      const verdict = await verify(at("proof.json"), "--piece", word, "--comm-d", proof.commD);
      expect(verdict).toMatchObject({ code: 0, err: "" });
      const { proof: _proof, ...statement } = proof;
      expect(JSON.parse(verdict.out)).toMatchObject({ valid: true, statement });
      expect(await run(["proof", "verify", at("proof.json")])).toMatchObject({ code: 0 });
    }
  });

  it("ends with 5 where a proof is about something else than was asked", async () => {
    await prove("--piece", "1", "--force", "-o", at("proof.json"));
    const zeros = "00".repeat(32);
    for (const argv of [
      ["--piece", words[0] ?? ""],
      ["--comm-d", zeros],
    ]) {
      const ended = await verify(at("proof.json"), ...argv);
      expect({ code: ended.code, error: jsonError(ended).code }).toEqual({
        code: 5,
        error: "cli/other-proof",
      });
    }
  });

  it("refuses every change of a proof file, by a class that says why", async () => {
    const proof = await prove("--piece", "2", "--force", "-o", at("proof.json"));
    const text = await readFile(at("proof.json"), "utf8");
    const counts = { wrong: 0, malformed: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.nat(text.length - 1),
        fc.constantFrom(..."0123456789abcdef"),
        async (place, digit) => {
          const changed = `${text.slice(0, place)}${digit}${text.slice(place + 1)}`;
          if (isSame(changed, proof)) return;
          const { code } = await run(["proof", "verify", "-", "--json"], { stdin: changed });
          expect([2, 5]).toContain(code);
          counts[code === 5 ? "wrong" : "malformed"] += 1;
        },
      ),
      { numRuns: 150 },
    );
    expect(Math.min(counts.wrong, counts.malformed)).toBeGreaterThan(0);
  });
});

describe("piece aggregate", () => {
  it("writes what has its commitment, and a proof for each piece that holds for it alone", async () => {
    const words = [
      await made("large", new Uint8Array(3000).fill(5)),
      await made("small", new Uint8Array(200).fill(6)),
    ];
    const argv = ["piece", "aggregate", ...words, "-o", at("aggregate"), "--proofs", at("proofs")];
    const aggregate = await printed(argv);
    const { commP, pieceCid, paddedBytes } = await printed(["piece", "commp", at("aggregate")]);
    expect(aggregate).toMatchObject({ commP, pieceCid, paddedBytes });
    const names = (await readdir(at("proofs"))).sort();
    expect(names).toHaveLength(2);
    for (const [index, name] of names.entries()) {
      const verify = (...options: string[]) =>
        run(["piece", "inclusion", "verify", join(at("proofs"), name), ...options, "--json"]);
      expect(await verify("--piece", words[index] ?? "", "--comm-d", pieceCid)).toMatchObject({
        code: 0,
        err: "",
      });
      expect((await verify("--piece", words[1 - index] ?? "")).code).toBe(5);
      const text = await readFile(join(at("proofs"), name), "utf8");
      const { proof, ...statement } = JSON.parse(text);
      const moved = {
        ...statement,
        proof,
        offsetPaddedBytes: statement.offsetPaddedBytes + statement.paddedBytes,
      };
      const wrong = { ...statement, proof: proof.replace(/[0-7](?=.{9}$)/, "8") };
      for (const file of [moved, wrong]) {
        if (JSON.stringify(file) === JSON.stringify(JSON.parse(text))) continue;
        expect((await run(["proof", "verify", "-"], { stdin: JSON.stringify(file) })).code).toBe(5);
      }
    }
  });
});

function isSame(text: string, proof: unknown): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === JSON.stringify(proof);
  } catch {
    return false;
  }
}
