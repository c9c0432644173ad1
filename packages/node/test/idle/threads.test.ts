/** Layers made and proven by threads of their own, in folders of the system, are what a verifier takes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@holdfast/base";
import { SimClock } from "@holdfast/base/testing";
import { createProver } from "@holdfast/proofs";
import { openNodeDisk, openStorage } from "@holdfast/storage";
import { expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import { openIdle, threadMaker } from "../../src/idle/index.ts";
import { miner, networkId, SimChain, tiny } from "./world.ts";

it("makes and proves a layer beside this thread, and ends with it", { timeout: 120_000 }, async () => {
  const root = mkdtempSync(join(tmpdir(), "idle-"));
  const chain = new SimChain();
  const options = { disk: openNodeDisk(root), dbPath: ":memory:", prover: createProver() };
  const storage = await openStorage({ ...options, clock: new SimClock(), sectorBytes: 1024 });
  const volumes = storage.volumes.idle;
  const upkeep = { clock: { nowMs: () => 0 }, patrolMs: 0 };
  const needs = { networkId, miner, profile: tiny, network: chain, volumes, ...upkeep, logger: silentLogger };
  const database = openDatabase(":memory:");
  const idle = openIdle({ ...needs, maker: threadMaker(() => volumes.table()), database });
  try {
    const [certified, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    chain.onChange(() => {
      if (chain.state?.rear === 4) certified.resolve();
      if (chain.audits.some(({ isAnswered }) => isAnswered)) answered.resolve();
    });
    idle.fill({ maxBytes: 20_000 });
    await certified.promise;
    chain.challenge(4, 1);
    await answered.promise;
    expect(chain.log).toEqual(["register", "append 4", "answer"]);
  } finally {
    await idle[Symbol.asyncDispose]();
    await storage.close();
    rmSync(root, { recursive: true, force: true });
  }
});
