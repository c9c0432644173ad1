/** Who may take a verifier's time: a silent peer, or one that speaks for another's miner, keeps nobody from a seat. */
import { epoch, HoldfastError, type PeerId, seedAddress } from "@holdfast/base";
import { SimClock, SimNet } from "@holdfast/base/testing";
import { expect, it } from "vitest";
import { limits } from "../../src/limits.ts";
import { askCertificate, serveVerifier, verifierProtocol } from "../../src/verifier/protocol.ts";

const zeros = new Uint8Array(32);
const append = {
  before: zeros,
  range: { leaves: 0, peaks: [] },
  roots: { columnRoot: zeros, fileRoots: [] },
  under: null,
  validUntil: epoch(9),
};

it("strangers who say nothing, or ask for another's miner, keep a miner from no seat", async () => {
  const clock = new SimClock();
  const net = new SimNet({ seed: "strangers", clock });
  const verifier = net.createWire("verifier");
  const asked: string[] = [];
  serveVerifier(
    { wire: verifier, clock },
    {
      refusal: (_request, peer) => (peer === "miner" ? undefined : "not-its-peer"),
      certify: (_request, proof) => {
        asked.push(`${proof.length} bytes`);
        return { refused: "bad-proof" };
      },
      judge: async () => ({ refused: "not-asked" }),
    },
  );
  const peer = "verifier" as PeerId;
  const ask = async (name: string): Promise<unknown> => {
    const wire = net.createWire(name);
    const { signal } = new AbortController();
    await wire.connect("/sim/verifier");
    const request = { miner: seedAddress(1, "miner"), append };
    return askCertificate({ wire, clock, signal }, peer, request, new Uint8Array(10)).catch(
      (error: unknown) => (error instanceof HoldfastError ? error.data.reason : error),
    );
  };
  const silent = Array.from({ length: 2 * limits.verifierServed }, async (_none, i) => {
    const wire = net.createWire(`silent ${i}`);
    await wire.connect("/sim/verifier");
    await wire.open(peer, verifierProtocol);
  });
  await clock.advance(1_000);
  await Promise.all(silent);
  const stranger = ask("stranger");
  const miner = ask("miner");
  await clock.advance(2_000);
  expect(await stranger).toBe("not-its-peer");
  expect(await miner).toBe("bad-proof");
  expect(asked).toEqual(["10 bytes"]);
});
