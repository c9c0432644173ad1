/** Connections: who is connected to whom, who learns of it when, and what cannot be reached. */

import { cancelSource } from "../cancel.ts";
import { codeOf, codeThrown, rejectionOf, type SuiteTools } from "./tools.ts";
import { join, knows, openPair, type WireBench, type WireCase } from "./wire-bench.ts";

export function connectionCases({ expect }: SuiteTools, wireCase: WireCase): void {
  const firstAddress = (wire: WireBench["a"]): string => wire.addresses()[0] ?? "";

  wireCase("connects: both sides list each other, once", async (bench) => {
    const { a, b, c, soon } = bench;
    const events: string[] = [];
    a.onPeer((event, peer) => events.push(`a ${event} ${peer === b.self ? "b" : peer}`));
    b.onPeer((event, peer) => events.push(`b ${event} ${peer === a.self ? "a" : peer}`));
    expect(await soon(a.connect(firstAddress(b)))).toBe(b.self);
    expect(await bench.until(() => knows(b, a))).toBe(true);
    expect(await soon(a.connect(firstAddress(b)))).toBe(b.self);
    await bench.quiet();
    expect(a.peers().map(({ id, direction }) => [id, direction])).toEqual([[b.self, "outbound"]]);
    expect(b.peers().map(({ id, direction }) => [id, direction])).toEqual([[a.self, "inbound"]]);
    expect(c.peers()).toEqual([]);
    expect(events.sort()).toEqual(["a connect b", "b connect a"]);
  });
  wireCase("reports nothing to a listener that was removed", async (bench) => {
    const events: string[] = [];
    const remove = bench.a.onPeer((event) => events.push(event));
    remove();
    await join(bench, bench.a, bench.b);
    await bench.quiet();
    expect(events).toEqual([]);
  });
  wireCase("refuses an address that is none", async ({ a, soon }) => {
    for (const address of ["", "nonsense", "http://localhost", "/"]) {
      expect(await soon(codeOf(a.connect(address))), address).toBe("wire/bad-address");
    }
  });
  wireCase("says that nobody answers", async ({ a, soon, under }) => {
    expect(await soon(codeOf(a.connect(under.deadAddress)))).toBe("wire/unreachable");
    expect(await soon(codeOf(a.open(under.strangePeer, "/test/1.0.0")))).toBe("wire/unreachable");
    expect(a.peers()).toEqual([]);
  });
  wireCase("does not dial with an aborted signal", async ({ a, b, soon }) => {
    const cancel = cancelSource();
    cancel.abort("no");
    expect(await soon(rejectionOf(a.connect(firstAddress(b), cancel.signal)))).toBe("no");
    expect(await soon(rejectionOf(a.open(b.self, "/test/1.0.0", cancel.signal)))).toBe("no");
  });
  wireCase("disconnects: both sides learn it, and streams are cut", async (bench) => {
    const { a, b, soon } = bench;
    await join(bench, a, b);
    const { near, far } = await openPair(bench, a, b);
    const events: string[] = [];
    a.onPeer((event) => events.push(`a ${event}`));
    b.onPeer((event) => events.push(`b ${event}`));
    const reads = [codeOf(near.read()), codeOf(far.read())];
    await soon(a.disconnect(b.self));
    expect(await soon(Promise.all(reads))).toEqual(["wire/stream-aborted", "wire/stream-aborted"]);
    expect(await bench.until(() => !knows(a, b) && !knows(b, a) && events.length === 2)).toBe(true);
    expect(events.sort()).toEqual(["a disconnect", "b disconnect"]);
    await soon(a.disconnect(b.self)); // also fine when not connected
  });
  wireCase("connects again after a disconnection", async (bench) => {
    const { a, b, soon } = bench;
    await join(bench, a, b);
    await soon(b.disconnect(a.self));
    expect(await bench.until(() => !knows(a, b) && !knows(b, a))).toBe(true);
    await join(bench, b, a);
    const { near, far } = await openPair(bench, a, b);
    await soon(near.write(new Uint8Array([7])));
    expect(await soon(far.read())).toEqual(new Uint8Array([7]));
  });
  wireCase("still gives what had fully arrived before the connection went", async (bench) => {
    const { a, b, soon } = bench;
    await join(bench, a, b);
    const { near, far } = await openPair(bench, a, b);
    await soon(far.write(new Uint8Array([1, 2, 3])));
    await soon(far.closeWrite());
    await bench.quiet();
    await soon(b.disconnect(a.self));
    expect(await bench.until(() => !knows(a, b))).toBe(true);
    expect(await soon(near.read())).toEqual(new Uint8Array([1, 2, 3]));
    expect(await soon(near.read())).toBe(undefined);
  });
  wireCase("falls silent when it is disposed of", async (bench) => {
    const { a, b, soon } = bench;
    await join(bench, a, b);
    await soon(a[Symbol.asyncDispose]());
    await soon(a[Symbol.asyncDispose]());
    expect(await bench.until(() => !knows(b, a))).toBe(true);
    expect(await soon(codeOf(a.connect(firstAddress(b))))).toBe("wire/closed");
    expect(await soon(codeOf(a.open(b.self, "/test/1.0.0")))).toBe("wire/closed");
    expect(await soon(codeOf(a.publish("topic", new Uint8Array(1))))).toBe("wire/closed");
    expect(codeThrown(() => a.handle("/test/1.0.0", async () => undefined))).toBe("wire/closed");
    expect(codeThrown(() => a.subscribe("topic", () => "accept"))).toBe("wire/closed");
    expect(await soon(codeOf(b.open(a.self, "/test/1.0.0")))).toBe("wire/unreachable");
  });
}
