/** A miner that is told to stop does not wait for a seal, which may take minutes; the storage ends what was begun. */
import { silentLogger } from "@holdfast/base";
import { createNetwork } from "@holdfast/node/testing";
import { createVerifier, verifyStatement } from "@holdfast/proofs/verify";
import { expect, it } from "vitest";
import { mineStorageOf } from "../../src/compose-storage.ts";
import { openDatabase } from "../../src/database.ts";
import { type MineSector, startMining } from "../../src/mine/index.ts";
import { createProofPass } from "../../src/proof-pass.ts";

it("a miner that stops waits for no seal", async () => {
  await using net = await createNetwork({ miners: 1, seed: "stop" });
  const [node] = net.miners;
  if (node?.miner === undefined || node.storage === undefined) throw new TypeError("the network has a miner");
  await net.advance("3s");
  const { miner, storage } = node;
  const { wallet } = node.node;
  await net.settle(node.stop());
  const { chain, sender, sync } = net.client.node;
  const verifier = createVerifier();
  const checker = {
    verify: async (statement: Parameters<typeof verifyStatement>[1]) => verifyStatement(verifier, statement),
  };
  let seals = 0;
  const closing: MineSector = {
    ...{ sectorId: 77, sectorBytes: 2_048, state: "closing" },
    ...{ ticket: null, commitments: null },
  };
  const mining = startMining({
    ...{ miner, chain, sender, signer: wallet, clock: net.clock, logger: silentLogger },
    ...{ ask: undefined, twins: undefined, database: openDatabase(":memory:"), candidates: () => [] },
    submitBlock: (block) => sync.submitOwnBlock(block),
    proofs: createProofPass(checker, verifier),
    storage: {
      ...mineStorageOf(storage),
      async *unfinished() {
        yield closing;
      },
      seal() {
        seals += 1;
        return new Promise(() => undefined);
      },
    },
  });
  await net.advance("2s");
  expect(seals).toBe(1);
  await net.settle(Promise.resolve(mining[Symbol.asyncDispose]()), 5_000);
});
