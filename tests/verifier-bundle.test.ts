/**
 * The verifier outside of Node: `@holdfast/proofs/verify` as one file, loaded by a real browser from nothing
 * but that file, judges seals and proofs of spacetime as the program does.
 */
import { existsSync } from "node:fs";
import { sectorId, seedAddress } from "@holdfast/base";
import { createProver, defaultClasses, layoutPieces, type SealStatement } from "@holdfast/proofs";
import type * as VerifyingDoor from "@holdfast/proofs/verify";
import { chromium } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { type BrowserBundle, bundleVerifier } from "../tools/verifier-bundle.ts";

const chromiumPath = "/usr/bin/chromium";
const noBrowser = existsSync(chromiumPath) ? "" : ` (left out: there is no ${chromiumPath})`;
const sectorBytes = 1024;
const seed = new Uint8Array(32).fill(5);
const classes = defaultClasses;

let bundle: BrowserBundle;
let statement: SealStatement;

beforeAll(async () => {
  bundle = await bundleVerifier();
  const prover = createProver();
  const identity = {
    networkId: new Uint8Array(32).fill(1),
    miner: seedAddress(1, "miner"),
    sectorId: sectorId(3),
    ticket: new Uint8Array(32).fill(4),
    commD: layoutPieces([], sectorBytes).commD,
  };
  const data = new Uint8Array(sectorBytes);
  const { aux, commR, commRStar } = await prover.replicate({ classes, sectorBytes, identity, data });
  const proof = await prover.proveSeal({ classes, sectorBytes, identity, aux, commR, commRStar, seed });
  statement = { classes, sectorBytes, identity, commR, commRStar, seed, proof };
});

const flipped = (): SealStatement => ({
  ...statement,
  proof: statement.proof.with(99, (statement.proof[99] ?? 0) ^ 1),
});

describe("the verifier as one file", () => {
  it("judges as the program does", async () => {
    const url = `data:text/javascript;base64,${Buffer.from(bundle.code).toString("base64")}`;
    const door = (await import(url)) as typeof VerifyingDoor;
    const verifier = door.createVerifier();
    expect(verifier.verifySeal(statement)).toBe(true);
    expect(verifier.verifySeal(flipped())).toBe(false);
  });

  it("has nothing in it that seals or proves, and stays small", () => {
    const rooms = /proofs\/src\/(seal-io|steps|r1cs|memory\/index|groth16\/(prove|setup|qap))/;
    const files = /\/(poreps|prover|prove|kind|replicate|sealing|layer|data-tree|[a-z]+-prove)\.ts$/;
    expect(bundle.modules.filter((path) => rooms.test(path) || files.test(path))).toEqual([]);
    expect(bundle.sizeBytes).toBeLessThan(210_000);
  });

  it("asks for nothing of Node", () => {
    expect(bundle.code).not.toMatch(/\bfrom\s*["']node:|\brequire\(|\bprocess\.|\bBuffer\b/);
  });

  it.skipIf(noBrowser !== "")(`judges in a browser${noBrowser}`, async () => {
    const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox"] });
    try {
      const page = await browser.newPage();
      const given = JSON.stringify({ code: bundle.code, seals: [statement, flipped()].map(plain) });
      const verdicts = await page.evaluate(`(${inPage})(${given})`);
      expect(verdicts).toEqual([true, false]);
    } finally {
      await browser.close();
    }
  });
});

/** Runs in the page; a text, because the test runner rewrites the imports of functions. */
const inPage = `async ({ code, seals }) => {
  const door = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  const revive = (value) => {
    if (Array.isArray(value)) return value.map(revive);
    if (typeof value !== "object" || value === null) return value;
    if (value.bytes !== undefined) return Uint8Array.from(value.bytes);
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, revive(part)]));
  };
  return seals.map((seal) => door.createVerifier().verifySeal(revive(seal)));
}`;

/** A form that survives the way into the page. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: [...value] };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]));
}
