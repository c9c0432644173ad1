/** Gossip: everybody hears everything once, except what somebody on the way did not accept. */
import { toHex, utf8Bytes } from "../../bytes.ts";
import { AssertionFailure, assert } from "../../errors.ts";
import type { GossipVerdict, Wire } from "../../seams/types.ts";
import { codeOf, type SuiteTools } from "./tools.ts";
import { join, type WireBench, type WireCase } from "./wire-bench.ts";

/** A subscription that writes down what it hears. */
function listen(
  wire: Wire,
  topic: string,
  verdict: (bytes: Uint8Array) => GossipVerdict | Promise<GossipVerdict> = () => "accept",
): { readonly heard: string[]; readonly from: string[]; readonly stop: () => void } {
  const heard: string[] = [];
  const from: string[] = [];
  const stop = wire.subscribe(topic, (bytes, sender) => {
    heard.push(toHex(bytes));
    from.push(sender);
    return verdict(bytes);
  });
  return { heard, from, stop };
}

/** Publishes warm-up messages until all have heard one: real gossip needs a while to learn who listens. */
async function warmUp(
  { soon, under }: WireBench,
  publisher: Wire,
  topic: string,
  listeners: readonly { readonly heard: readonly string[] }[],
): Promise<void> {
  for (let count = 0; listeners.some(({ heard }) => heard.length === 0); count++) {
    assert(count < maxWarmUps, "gossip arrives at last");
    await soon(publisher.publish(topic, utf8Bytes(`warm up ${count}`)));
    await under.settle();
  }
}

const maxWarmUps = 500;
const news = utf8Bytes("news");

export function gossipCases({ expect }: SuiteTools, wireCase: WireCase): void {
  const times = (heard: readonly string[], bytes: Uint8Array): number =>
    heard.filter((text) => text === toHex(bytes)).length;

  wireCase("spreads a message to the subscribers, once, and not to its publisher", async (bench) => {
    const { a, b, c, soon } = bench;
    await join(bench, a, b);
    await join(bench, b, c);
    await join(bench, a, c); // a ring: every message reaches everybody on two ways
    const [atA, atB, atC] = [listen(a, "t"), listen(b, "t"), listen(c, "t")];
    await warmUp(bench, a, "t", [atB, atC]);
    await soon(a.publish("t", news.slice()));
    expect(await bench.until(() => times(atB.heard, news) > 0 && times(atC.heard, news) > 0)).toBe(true);
    await bench.quiet();
    expect([times(atA.heard, news), times(atB.heard, news), times(atC.heard, news)]).toEqual([0, 1, 1]);
  });
  wireCase("does not deliver the same message again", async (bench) => {
    const { a, b, soon } = bench;
    await join(bench, a, b);
    const atB = listen(b, "t");
    listen(a, "t");
    await warmUp(bench, a, "t", [atB]);
    for (let i = 0; i < 3; i++) await soon(a.publish("t", news.slice()));
    expect(await bench.until(() => times(atB.heard, news) > 0)).toBe(true);
    await bench.quiet();
    expect(times(atB.heard, news)).toBe(1);
  });
  wireCase("keeps topics apart", async (bench) => {
    const { a, b, soon } = bench;
    await join(bench, a, b);
    const [one, two] = [listen(b, "one"), listen(b, "two")];
    for (const topic of ["one", "two"]) listen(a, topic);
    await warmUp(bench, a, "one", [one]);
    await warmUp(bench, a, "two", [two]);
    await soon(a.publish("one", news.slice()));
    expect(await bench.until(() => times(one.heard, news) > 0)).toBe(true);
    await bench.quiet();
    expect([times(one.heard, news), times(two.heard, news)]).toEqual([1, 0]);
  });
  wireCase("passes accepted messages on, and names the neighbour", async (bench) => {
    const { a, b, c, soon } = bench;
    await join(bench, a, b);
    await join(bench, b, c); // a line: c hears a only through b
    listen(a, "t");
    const [atB, atC] = [listen(b, "t", async (): Promise<GossipVerdict> => "accept"), listen(c, "t")];
    await warmUp(bench, a, "t", [atB, atC]);
    await soon(a.publish("t", news.slice()));
    expect(await bench.until(() => times(atC.heard, news) > 0)).toBe(true);
    expect(atB.from[atB.heard.indexOf(toHex(news))]).toBe(a.self);
    expect(atC.from[atC.heard.indexOf(toHex(news))]).toBe(b.self);
  });
  for (const verdict of ["ignore", "reject", "fail"] as const) {
    wireCase(`passes nothing on after the verdict "${verdict}"`, async (bench) => {
      const { a, b, c, soon } = bench;
      await join(bench, a, b);
      await join(bench, b, c);
      listen(a, "t");
      const judge = (bytes: Uint8Array): GossipVerdict => {
        if (toHex(bytes) !== toHex(news)) return "accept";
        if (verdict === "fail") throw new AssertionFailure("planted");
        return verdict;
      };
      const [atB, atC] = [listen(b, "t", judge), listen(c, "t")];
      await warmUp(bench, a, "t", [atB, atC]);
      await soon(a.publish("t", news.slice()));
      expect(await bench.until(() => times(atB.heard, news) > 0)).toBe(true);
      await bench.quiet();
      expect([times(atB.heard, news), times(atC.heard, news)]).toEqual([1, 0]);
    });
  }
  wireCase("is silent after the subscription has ended", async (bench) => {
    const { a, b, soon } = bench;
    await join(bench, a, b);
    listen(a, "t");
    const atB = listen(b, "t");
    await warmUp(bench, a, "t", [atB]);
    atB.stop();
    atB.stop(); // also fine twice
    await soon(a.publish("t", news.slice()));
    await bench.quiet();
    expect(times(atB.heard, news)).toBe(0);
  });
  wireCase("publishes also with nobody to hear it, but nothing that is too long", async ({ a, soon }) => {
    await soon(a.publish("t", news.slice()));
    expect(await soon(codeOf(a.publish("t", new Uint8Array(64 * 1_048_576))))).toBe("wire/message-too-long");
  });
}
