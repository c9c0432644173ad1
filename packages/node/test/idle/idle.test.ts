/**
 * A miner's idle space, from the first file to the last: it fills what is free and not a byte more, answers what the
 * chain asks, gives way, and comes back to exactly where it was whenever its process dies.
 */
import { idleAuxBytes, idleFileBytes } from "@holdfast/proofs";
import { afterEach, describe, expect, it } from "vitest";
import { tiny, World } from "./world.ts";

const fileBytes = idleFileBytes(tiny) + idleAuxBytes(tiny);
const layerBytes = tiny.files * fileBytes;
const scratch = (tiny.layers - 1) * tiny.files * idleFileBytes(tiny);

let world: World;
afterEach(async () => {
  await world.idle[Symbol.asyncDispose]();
});

/** What is told of the disk is what is on it. */
async function addsUp(): Promise<void> {
  const share = world.volumes.shares.get(0) ?? { reservedBytes: 0, usedBytes: 0, fileCount: 0 };
  const files = await world.files();
  expect(await world.bytesOnDisk()).toBe(share.usedBytes);
  expect(files.size).toBe(share.fileCount);
  expect(world.idle.status().totalBytes).toBe(share.reservedBytes);
}

const rest = (): boolean => {
  const { layers, underWay } = world.idle.status();
  return layers.making === 0 && layers.lost === 0 && underWay === null;
};
const rearIs = (rear: number) => () => world.chain.state?.rear === rear && rest();

describe("filling", () => {
  it("takes what is free, layer by layer, and leaves what a new layer would not fit into", async () => {
    world = new World(6 * layerBytes + scratch);
    expect(await world.bytesOnDisk()).toBe(0);
    world.idle.fill({});
    await world.until(
      () => world.chain.state?.rear === 24 && world.idle.status().totalBytes === 6 * layerBytes,
    );
    await addsUp();
    expect(world.idle.status()).toMatchObject({ front: 0, rear: 24, certifiedBytes: 6 * layerBytes });
    expect(world.chain.log).toEqual(["register", ...[4, 8, 12, 16, 20, 24].map((rear) => `append ${rear}`)]);
  });

  it("stays below its own limit, and several sets are made at once", async () => {
    world = new World();
    world.idle.fill({ maxBytes: 3 * layerBytes + scratch, threads: 2 });
    await world.until(rearIs(12));
    for (let turn = 0; turn < 50; turn += 1) await world.until(rest);
    expect(world.chain.state?.rear).toBe(12);
    await addsUp();
  });

  it("refuses limits that nothing fits into, and memory that is not enough", () => {
    world = new World();
    expect(() => world.idle.fill({ maxBytes: 100 })).toThrow(
      expect.objectContaining({ code: "idle/too-small" }),
    );
    expect(() => world.idle.fill({ memoryBytes: 100 })).toThrow(
      expect.objectContaining({ code: "idle/too-much-memory" }),
    );
  });

  it("waits when the disk is full, and goes on when it is not", async () => {
    world = new World();
    world.sim.capacityBytes = 2 * layerBytes + 2 * scratch;
    world.idle.fill({ maxBytes: 5 * layerBytes + scratch });
    await world.until(() => (world.chain.state?.rear ?? 0) >= 4);
    for (let turn = 0; turn < 60; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      world.chain.tick();
    }
    expect(world.chain.state?.rear).toBeLessThan(20);
    world.sim.capacityBytes = 2 ** 30;
    await world.until(rearIs(20));
    await addsUp();
  });
});

describe("a reorganisation", () => {
  it("that takes a certificate back for good costs its layer, and filling goes on", async () => {
    world = new World();
    world.idle.fill({ maxBytes: 3 * layerBytes + scratch });
    await world.until(() => world.chain.state?.rear === 4);
    const before = world.chain.state;
    await world.until(rearIs(12));
    const after = world.chain.state;
    world.chain.state = before;
    for (let turn = 0; turn < 5; turn += 1) world.chain.tick();
    await world.until(rest);
    world.chain.state = after; // its messages came again in time: nothing was lost
    await world.until(rearIs(12));
    const appends = world.chain.log.length;
    world.chain.state = before;
    world.chain.tick();
    await world.until(rest);
    world.chain.height += world.chain.patienceEpochs;
    await world.until(rearIs(12));
    expect(world.chain.log.slice(appends)).toEqual(["append 8", "append 12"]);
    world.chain.challenge(12, 6);
    await world.until(() => world.chain.audits[0]?.isAnswered === true);
    await addsUp();
  });
});

describe("an audit", () => {
  it("is answered, also about files that are released meanwhile", async () => {
    world = new World();
    world.idle.fill({ maxBytes: 4 * layerBytes + scratch });
    await world.until(rearIs(16));
    world.chain.challenge(16, 1);
    const release = world.idle.hold();
    await world.idle.makeRoom(5 * fileBytes);
    await world.until(() => world.chain.audits.every(({ isAnswered }) => isAnswered));
    expect(world.chain.state?.front).toBe(5);
    await world.until(() => world.idle.status().totalBytes === 11 * fileBytes);
    world.chain.challenge(11, 2);
    await world.until(() => world.chain.audits.every(({ isAnswered }) => isAnswered));
    await addsUp();
    release();
  });

  it("finds a file that was deleted behind the node's back; it is made again and the next one answered", async () => {
    world = new World();
    world.idle.fill({ maxBytes: 3 * layerBytes + scratch });
    await world.until(rearIs(12));
    await world.volumes.disk.remove("v0/idle/1/2");
    world.chain.challenge(12, 3);
    await world.until(
      () => world.idle.status().layers.lost === 1 || world.chain.audits[0]?.isAnswered === true,
    );
    await world.until(rest);
    world.chain.challenge(12, 4);
    await world.until(() => world.chain.audits[1]?.isAnswered === true);
    await addsUp();
  });
});

describe("giving way", () => {
  it("frees what is not certified first, and then files from the front, on the chain before on the disk", async () => {
    world = new World();
    world.idle.fill({ maxBytes: 4 * layerBytes + scratch });
    await world.until(rearIs(16));
    const release = world.idle.hold();
    let wasThere = 0;
    world.chain.before = async (what) => {
      if (what === "release") wasThere = (await world.files()).size;
    };
    await world.idle.makeRoom(2 * layerBytes + 1);
    expect(wasThere).toBe(4 * 8);
    expect(world.chain.state?.front).toBe(9);
    expect(await world.bytesOnDisk()).toBe(7 * fileBytes);
    await addsUp();
    release();
    await world.until(() => world.chain.state?.rear === 24 && rest());
    await addsUp();
  });

  it("frees all there is, and nothing when that would not be enough", async () => {
    world = new World();
    world.idle.fill({ maxBytes: 2 * layerBytes + scratch });
    await world.until(rearIs(8));
    const release = world.idle.hold();
    await expect(world.idle.makeRoom(3 * layerBytes)).rejects.toMatchObject({ code: "idle/no-room" });
    expect(world.chain.state).toMatchObject({ front: 0, rear: 8 });
    await addsUp();
    await world.idle.makeRoom(2 * layerBytes);
    expect(world.chain.state).toMatchObject({ front: 8, rear: 8 });
    expect(await world.bytesOnDisk()).toBe(0);
    release();
    await world.until(rearIs(16)); // the next set is made, though nothing is left of the one before
    world.chain.challenge(9, 1);
    await world.until(() => world.chain.audits[0]?.isAnswered === true);
    await addsUp();
  });

  it("in the midst of a set: what stands on deleted files is made from the bottom", async () => {
    world = new World();
    world.idle.fill({ maxBytes: 1 * layerBytes + scratch });
    await world.until(rearIs(4));
    world.idle.drain(null);
    await world.until(() => world.chain.state?.front === 4 && world.idle.status().totalBytes === 0);
    // Nothing is left of its limit: it says so, and does not stand there filling nothing.
    expect(() => world.idle.fill({})).toThrow(expect.objectContaining({ code: "idle/too-small" }));
    world.idle.fill({ maxBytes: 3 * layerBytes + scratch });
    await world.until(rearIs(16));
    expect(world.chain.state?.front).toBe(4);
    world.chain.challenge(12, 1);
    await world.until(() => world.chain.audits[0]?.isAnswered === true);
    await addsUp();
  });

  it("drains a part, and takes nothing more until it is told to", async () => {
    world = new World();
    world.idle.fill({ maxBytes: 4 * layerBytes + scratch });
    await world.until(rearIs(16));
    world.idle.drain(3 * fileBytes);
    await world.until(() => world.idle.status().totalBytes === 13 * fileBytes);
    await world.until(rest);
    expect(world.chain.state).toMatchObject({ front: 3, rear: 16 });
    await addsUp();
  });

  it("is given up by who waits for it", async () => {
    world = new World();
    const control = new AbortController();
    world.idle.fill({ maxBytes: layerBytes + scratch });
    await world.until(rearIs(4));
    const waiting = world.idle.makeRoom(1, control.signal);
    control.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });
});

describe("another registration", () => {
  it("is another space: the old files go, and nothing of them is shown", async () => {
    world = new World();
    world.idle.fill({ maxBytes: 2 * layerBytes + scratch });
    await world.until(rearIs(8));
    world.chain.registerAnew();
    await world.until(rearIs(8));
    world.chain.challenge(8, 1);
    await world.until(() => world.chain.audits[0]?.isAnswered === true);
    await addsUp();
  });
});

/** Fills, is asked, gives way, fills again: all that there is to be killed in. */
async function life(): Promise<void> {
  const { chain } = world;
  const guarded = async (isSo: () => boolean): Promise<void> => {
    await world.until(() => world.isDead || isSo());
  };
  const isBefore = () => chain.state?.front !== 0 || world.idle.status().totalBytes === 3 * layerBytes;
  await guarded(() => (chain.state?.rear ?? 0) >= 12 && rest() && isBefore());
  if (!world.isDead && chain.audits.length === 0) chain.challenge(6, 1);
  await guarded(() => chain.audits.every(({ isAnswered }) => isAnswered));
  if (chain.state?.front === 0) tell(() => world.idle.drain(6 * fileBytes));
  await guarded(() => chain.state?.front === 6 && rest());
  tell(() => world.idle.fill({ maxBytes: 3 * layerBytes + scratch }));
  await guarded(() => chain.state?.rear === 16 && rest());
}

/** A dead process hears nothing, and one may die while it is told. */
function tell(what: () => void): void {
  if (world.isDead) return;
  try {
    what();
  } catch (error) {
    if (!world.isDead) throw error;
  }
}

async function survives(): Promise<void> {
  expect(world.isDead).toBe(true);
  await world.restart();
  await life();
  expect(world.chain.state).toMatchObject({ front: 6, rear: 16 });
  world.chain.challenge(10, 9);
  await world.until(() => world.chain.audits.every(({ isAnswered }) => isAnswered));
  await addsUp();
}

describe("a process that dies", () => {
  const begin = (): void => {
    world = new World(5 * layerBytes + 2 * scratch);
    world.idle.fill({ maxBytes: 3 * layerBytes + scratch });
  };

  it("at any change of the disk comes back to where it was", async () => {
    let deaths = 0;
    for (let n = 1; ; n += 7) {
      begin();
      world.sim.crashAtChange(n);
      await life();
      if (!world.isDead) break;
      deaths += 1;
      await survives();
      await world.idle[Symbol.asyncDispose]();
    }
    expect(deaths).toBeGreaterThan(15);
  });

  it("at any effect on the database or the chain, before it or after it, comes back to where it was", async () => {
    let deaths = 0;
    for (let n = 1; ; n += 1) {
      begin();
      world.crashAtEffect(n);
      await life();
      if (!world.isDead) break;
      deaths += 1;
      await survives();
      await world.idle[Symbol.asyncDispose]();
    }
    expect(deaths).toBeGreaterThan(20);
  });

  it("and finds its files whole before anything is generated: they are neither counted twice nor wiped", async () => {
    begin();
    await world.until(rearIs(12));
    const before = await world.files();
    for (let start = 0; start < 3; start += 1) {
      world.sim.crash();
      await world.restart();
      await world.until(rest);
      expect(await world.files()).toEqual(before);
      await addsUp();
    }
    expect(world.chain.log.filter((line) => line.startsWith("append")).length).toBe(3);
  });
});

it("says to whoever waits that the node stops", async () => {
  world = new World();
  world.idle.fill({ maxBytes: 2 * layerBytes + scratch });
  await world.until(rearIs(8));
  world.chain.before = (what) => (what === "release" ? new Promise(() => undefined) : Promise.resolve());
  const waiting = expect(world.idle.makeRoom(fileBytes)).rejects.toMatchObject({ code: "idle/stopped" });
  await world.until(() => world.idle.status().underWay === "release");
  await world.idle[Symbol.asyncDispose]();
  await waiting;
});
