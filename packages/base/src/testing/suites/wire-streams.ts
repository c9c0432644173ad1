/** Streams: order, ends, back-pressure, cuts. */
import { concatBytes, equalBytes, utf8Bytes } from "../../bytes.ts";
import { AssertionFailure } from "../../errors.ts";
import { cancelSource } from "../cancel.ts";
import { SeededRandom } from "../random.ts";
import { codeOf, rejectionOf, type SuiteTools } from "./tools.ts";
import { join, openPair, readAll, type WireCase } from "./wire-bench.ts";

const hello = utf8Bytes("hello");

export function streamCases(tools: SuiteTools, wireCase: WireCase): void {
  carryingCases(tools, wireCase);
  endingCases(tools, wireCase);
  waitingCases(tools, wireCase);
}

function carryingCases({ expect }: SuiteTools, wireCase: WireCase): void {
  wireCase("refuses a protocol that the other side does not speak", async (bench) => {
    const { a, b, soon } = bench;
    await join(bench, a, b);
    const remove = b.handle("/test/1.0.0", (stream) => stream.closeWrite());
    expect(await soon(codeOf(a.open(b.self, "/none/1.0.0")))).toBe("wire/protocol-unsupported");
    remove();
    expect(await soon(codeOf(a.open(b.self, "/test/1.0.0")))).toBe("wire/protocol-unsupported");
  });
  wireCase("names peer and protocol on both ends, whoever has dialled", async (bench) => {
    const { a, b } = bench;
    await join(bench, a, b);
    for (const [from, to] of [[a, b] as const, [b, a] as const]) {
      const { near, far } = await openPair(bench, from, to);
      expect([near.peer, near.protocol]).toEqual([to.self, "/test/1.0.0"]);
      expect([far.peer, far.protocol]).toEqual([from.self, "/test/1.0.0"]);
    }
  });
  wireCase("carries a question and its answer", async (bench) => {
    const { a, b, soon } = bench;
    await join(bench, a, b);
    b.handle("/echo/1.0.0", async (stream) => {
      const question = await readAll(stream);
      await stream.write(question);
      await stream.closeWrite();
    });
    const stream = await soon(a.open(b.self, "/echo/1.0.0"));
    await soon(stream.write(hello));
    await soon(stream.closeWrite());
    expect(await soon(readAll(stream))).toEqual(hello);
  });
  wireCase("keeps the order and the bytes, whatever the pieces, both ways at once", async (bench) => {
    const { a, b, soon } = bench;
    await join(bench, a, b);
    const { near, far } = await openPair(bench, a, b);
    const random = new SeededRandom("pieces");
    const sendAll = async (stream: typeof near): Promise<Uint8Array> => {
      const sent: Uint8Array[] = [];
      for (let i = 0; i < 60; i++) {
        const piece = random.bytes(random.pick([0, 1, 10, 1_000, 30_000]));
        sent.push(piece.slice());
        await stream.write(piece);
      }
      await stream.closeWrite();
      return concatBytes(...sent);
    };
    const [fromNear, fromFar, atNear, atFar] = await soon(
      Promise.all([sendAll(near), sendAll(far), readAll(near), readAll(far)]),
    );
    expect(equalBytes(atFar, fromNear), "there").toBe(true);
    expect(equalBytes(atNear, fromFar), "back").toBe(true);
  });
  wireCase("sends writes in the order of their calls, waited for or not", async (bench) => {
    const { a, b, soon } = bench;
    await join(bench, a, b);
    const { near, far } = await openPair(bench, a, b);
    const pieces = Array.from({ length: 40 }, (_, i) => new Uint8Array(5_000).fill(i));
    const writes = pieces.map((piece) => near.write(piece.slice()));
    const closing = near.closeWrite();
    expect(equalBytes(await soon(readAll(far)), concatBytes(...pieces))).toBe(true);
    await soon(Promise.all([...writes, closing]));
  });
  wireCase("keeps streams apart, also when one of them stands still", async (bench) => {
    const { a, b, soon, under } = bench;
    await join(bench, a, b);
    const stuck = await openPair(bench, a, b);
    const write = stuck.near.write(new Uint8Array(under.overfullBytes)).catch(() => undefined);
    const other = await openPair(bench, a, b);
    await soon(other.near.write(hello));
    expect(await soon(other.far.read())).toEqual(hello);
    stuck.near.abort(new AssertionFailure("enough"));
    await soon(write);
  });
}

function endingCases({ expect }: SuiteTools, wireCase: WireCase): void {
  wireCase("ends one direction and leaves the other", async (bench) => {
    const { a, b, soon } = bench;
    await join(bench, a, b);
    const { near, far } = await openPair(bench, a, b);
    await soon(near.write(hello));
    await soon(near.closeWrite());
    await soon(near.closeWrite()); // also fine when done
    expect(await soon(readAll(far))).toEqual(hello);
    expect(await soon(far.read())).toBe(undefined);
    expect(await soon(codeOf(near.write(hello)))).toBe("wire/closed");
    await soon(far.write(hello));
    await soon(far.closeWrite());
    expect(await soon(readAll(near))).toEqual(hello);
  });
  wireCase("cuts both ends when one side aborts", async (bench) => {
    const { a, b, soon } = bench;
    await join(bench, a, b);
    const { near, far } = await openPair(bench, a, b);
    const reads = [codeOf(near.read()), codeOf(far.read())];
    near.abort(new AssertionFailure("enough"));
    near.abort(new AssertionFailure("once more"));
    expect(await soon(Promise.all(reads))).toEqual(["wire/stream-aborted", "wire/stream-aborted"]);
    for (const stream of [near, far]) {
      expect(await soon(codeOf(stream.write(hello)))).toBe("wire/stream-aborted");
      expect(await soon(codeOf(stream.read()))).toBe("wire/stream-aborted");
      await soon(stream.closeWrite()); // nothing is left to close
    }
  });
  wireCase("cuts a stream whose handler fails", async (bench) => {
    const { a, b, soon } = bench;
    await join(bench, a, b);
    b.handle("/broken/1.0.0", async () => {
      throw new AssertionFailure("planted");
    });
    const stream = await soon(a.open(b.self, "/broken/1.0.0").catch(() => undefined));
    // The cut may come before the answer has, or after it.
    if (stream !== undefined) expect(await soon(codeOf(stream.read()))).toBe("wire/stream-aborted");
  });
}

function waitingCases({ expect }: SuiteTools, wireCase: WireCase): void {
  wireCase("holds a writer back until the reader reads", async (bench) => {
    const { a, b, soon, under } = bench;
    await join(bench, a, b);
    const { near, far } = await openPair(bench, a, b);
    let written = false;
    const write = near.write(new Uint8Array(under.overfullBytes)).then(() => {
      written = true;
    });
    await bench.quiet();
    expect(written, "the write waits").toBe(false);
    let read = 0;
    while (read < under.overfullBytes) read += (await soon(far.read()))?.length ?? 0;
    await soon(write);
    expect(read).toBe(under.overfullBytes);
  });
  wireCase("cuts a writer that is held back", async (bench) => {
    const { a, b, soon, under } = bench;
    await join(bench, a, b);
    const { near, far } = await openPair(bench, a, b);
    const write = codeOf(near.write(new Uint8Array(under.overfullBytes)));
    await bench.quiet();
    far.abort(new AssertionFailure("enough"));
    expect(await soon(write)).toBe("wire/stream-aborted");
  });
  wireCase("calls a read off and loses nothing by it", async (bench) => {
    const { a, b, soon } = bench;
    await join(bench, a, b);
    const { near, far } = await openPair(bench, a, b);
    const cancel = cancelSource();
    const read = rejectionOf(far.read(cancel.signal));
    cancel.abort("stop");
    await soon(near.write(hello));
    await soon(near.closeWrite());
    expect(await soon(read)).toBe("stop");
    expect(await soon(rejectionOf(far.read(cancel.signal)))).toBe("stop");
    expect(await soon(readAll(far))).toEqual(hello);
  });
  wireCase("calls a write off that is held back", async (bench) => {
    const { a, b, soon, under } = bench;
    await join(bench, a, b);
    const { near } = await openPair(bench, a, b);
    const cancel = cancelSource();
    const write = rejectionOf(near.write(new Uint8Array(under.overfullBytes), cancel.signal));
    await bench.quiet();
    cancel.abort("stop");
    expect(await soon(write)).toBe("stop");
    expect((await soon(rejectionOf(near.write(hello, cancel.signal)))) !== undefined).toBe(true);
  });
}
