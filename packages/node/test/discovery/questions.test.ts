/** How often a node asks its peers whom they know: soon when somebody comes, not because somebody comes and goes. */
import type { Logger, PeerId } from "@holdfast/base";
import { SeededRandom, SimClock, SimNet } from "@holdfast/base/testing";
import { expect, it } from "vitest";
import { openDiscovery, peersProtocol } from "../../src/discovery/index.ts";

const logger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const visits = 40;
const eachMs = 2_000;

/** Questions that an honest peer hears while another one comes to its neighbour again and again. */
async function questions(stayMs: number): Promise<number> {
  const clock = new SimClock();
  const net = new SimNet({ seed: "questions", clock });
  const [asking, honest, visitor] = ["asking", "honest", "visitor"].map((name) => net.createWire(name));
  if (asking === undefined || honest === undefined || visitor === undefined)
    throw new TypeError("three wires");
  let heard = 0;
  honest.handle(peersProtocol, async (stream) => {
    heard += 1;
    await stream.closeWrite();
  });
  visitor.handle(peersProtocol, (stream) => stream.closeWrite());
  const random = new SeededRandom("questions");
  const bootstrap = ["/sim/honest"];
  const discovery = openDiscovery({ wire: asking, clock, logger, random, bootstrap });
  await clock.advance(60_000);
  heard = 0;
  for (let visit = 0; visit < visits; visit += 1) {
    const isThere = visitor.connect("/sim/asking");
    await clock.advance(stayMs);
    await isThere;
    await visitor.disconnect("asking" as PeerId);
    await clock.advance(eachMs);
  }
  const stop = discovery[Symbol.asyncDispose]();
  await clock.advance(60_000);
  await stop;
  return heard;
}

it("a peer that comes and goes at once costs its neighbours a few questions, not some for each visit", async () => {
  expect(await questions(100)).toBeLessThan(visits / 2);
});

it("one that stays a while is news each time", async () => {
  expect(await questions(6_000)).toBeGreaterThan(visits);
});
