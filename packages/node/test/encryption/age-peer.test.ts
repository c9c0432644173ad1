/** The program age opens what we encrypt, and we open what it encrypts; left out where it is not installed. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ageLayout,
  ageNonceBytes,
  agePayloadKey,
  ageSealedChunkBytes,
  concatBytes,
  isAgeHeaderOf,
  openAgeChunk,
  parseAgeHeader,
  printAgeIdentity,
  printAgeRecipient,
} from "@holdfast/base";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { noise } from "../market/support/keys.ts";
import { chunked, digest, memoryFiles, personWith, signal } from "./support.ts";

const missing =
  spawnSync("age", ["--version"]).error === undefined ? "" : " (left out: there is no program age)";
const mostBytes = 2 ** 24;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-age-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(missing !== "")(`the program age${missing}`, () => {
  for (const length of [1, 65_536, 200_000]) {
    it(`opens a file of ${length} bytes of ours with the wallet's key, and we open its own`, async () => {
      const stored = memoryFiles();
      const { wallet, files } = await personWith(stored, "owner");
      const address = wallet.payer();
      const identity = join(folder, "identity");
      await writeFile(identity, printAgeIdentity(wallet.fileIdentity(address)));
      const bytes = noise(length);
      const { cid } = await files.importFile(chunked(bytes), signal, { encrypt: {} });
      const input = stored.stored.get(cid) ?? new Uint8Array(0);
      const opened = execFileSync("age", ["-d", "-i", identity], { input, maxBuffer: mostBytes });
      expect(digest(opened)).toBe(digest(bytes));

      const recipient = printAgeRecipient(wallet.fileRecipient(address));
      const sealed = new Uint8Array(
        execFileSync("age", ["-r", recipient], { input: bytes, maxBuffer: mostBytes }),
      );
      const header = parseAgeHeader(sealed);
      const fileKey = wallet.openFileKey(header.stanzas) ?? new Uint8Array(0);
      expect(isAgeHeaderOf(header, fileKey)).toBe(true);
      const start = header.lengthBytes + ageNonceBytes;
      const key = agePayloadKey(fileKey, sealed.subarray(header.lengthBytes, start));
      const { chunks } = ageLayout(sealed.length - start);
      const parts = Array.from({ length: chunks }, (_none, i) => {
        const part = sealed.subarray(start + i * ageSealedChunkBytes, start + (i + 1) * ageSealedChunkBytes);
        return openAgeChunk(key, i, i === chunks - 1, part);
      });
      expect(digest(concatBytes(...parts))).toBe(digest(bytes));
    });
  }
});
