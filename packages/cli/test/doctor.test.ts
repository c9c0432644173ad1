/** `doctor` beside a node with disks: it names those that are away, says why and what helps. */
import { expect, it } from "vitest";
import { startCannedNode } from "./canned-node.ts";
import { run } from "./run.ts";

it("doctor names volumes that are away, and not those that are well", async () => {
  await using node = await startCannedNode();
  const { out, err } = await run(["doctor", "--json"], { node });
  expect(err).toBe("");
  const findings = out.trimEnd().split("\n");
  const volumes = findings.map((line) => JSON.parse(line)).filter(({ check }) => check === "volumes");
  expect(volumes).toMatchObject([
    {
      state: "note",
      says: expect.stringMatching(/^volume 3 \(s3:\/\/sectors\/miner-1\?.*\): connect ECONNREFUSED$/),
      fix: expect.stringContaining("`holdfast storage ls`"),
    },
  ]);
});
