/**
 * Idle space that rests: damage is found before the chain asks, a volume that is drained is left, and how much there is
 * of it costs a step nothing.
 */
import { concatBytes, silentLogger } from "@holdfast/base";
import { IdleRangeTree, idleAuxBytes, idleFileBytes, idleLayerElements } from "@holdfast/proofs";
import { afterEach, describe, expect, it } from "vitest";
import { miner, networkId, tiny, World } from "./world.ts";

const fileBytes = idleFileBytes(tiny) + idleAuxBytes(tiny);
const layerBytes = tiny.files * fileBytes;
const scratch = (tiny.layers - 1) * tiny.files * idleFileBytes(tiny);
const layers = 3;
const setLayers = tiny.keptLayers;

let world: World;
afterEach(async () => {
  await world.idle[Symbol.asyncDispose]();
});

const rest = (): boolean => {
  const { layers: of, underWay, totalBytes } = world.idle.status();
  return (
    of.making === 0 && of.lost === 0 && of.made === 0 && underWay === null && totalBytes % layerBytes === 0
  );
};

async function filled(options = {}): Promise<void> {
  world = new World(2 ** 20, options);
  world.idle.fill({ maxBytes: layers * layerBytes + scratch });
  await world.until(() => world.chain.state?.rear === layers * tiny.files && rest());
}

async function isAnswered(byte: number): Promise<void> {
  world.chain.challenge(layers * tiny.files, byte);
  await world.until(() => world.chain.audits.at(-1)?.isAnswered === true);
}

const leave = (): void => {
  world.volumes.otherQuotaBytes = layers * layerBytes;
  world.volumes.isLeaving = true;
  world.chain.tick();
};

describe("files that rest", () => {
  it("are read once in a time: what is damaged is made again before it is asked for", async () => {
    await filled({ patrolMs: 30_000 });
    const { disk } = world.volumes;
    const name = "v0/idle/1/2";
    const good = await disk.readFile(name);
    if (good === undefined) throw new RangeError("the file is there");
    const bad = good.slice();
    bad[100] = (bad[100] ?? 0) ^ 1;
    await disk.writeFile(name, bad);
    await disk.remove("v0/idle/2/0.aux");
    const { height } = world.chain;
    await world.until(() => world.chain.height > height + 80 && rest());
    expect(await disk.readFile(name)).toEqual(good);
    expect(await disk.sizeBytes("v0/idle/2/0.aux")).toBe(idleAuxBytes(tiny));
  });

  it("are not read where nobody wants it", async () => {
    await filled();
    const { disk } = world.volumes;
    await disk.remove("v0/idle/2/0.aux");
    const { height } = world.chain;
    await world.until(() => world.chain.height > height + 80);
    expect(world.idle.status().layers.lost).toBe(0);
  });
});

describe("a volume that is drained", () => {
  const isLeft = (): boolean => (world.volumes.shares.get(0)?.reservedBytes ?? 0) === 0;

  it("is left: files are copied, compared, accounted on both sides, and answer from where they are", async () => {
    await filled();
    const before = await world.files();
    leave();
    await world.until(isLeft);
    expect((await world.files()).size).toBe(0);
    const after = await world.files("v1/idle");
    expect(after).toEqual(new Map([...before].map(([name, size]) => [name.replace("v0", "v1"), size])));
    expect(world.volumes.shares.get(1)).toMatchObject({
      usedBytes: layers * layerBytes,
      fileCount: after.size,
    });
    await isAnswered(7);
  });

  it("keeps what fits nowhere else, and loses nothing", async () => {
    await filled();
    world.volumes.isLeaving = true;
    const { height } = world.chain;
    await world.until(() => world.chain.height > height + 20);
    world.volumes.otherQuotaBytes = layerBytes;
    await world.until(() => (world.volumes.shares.get(1)?.usedBytes ?? 0) === layerBytes);
    expect(world.volumes.shares.get(0)?.usedBytes).toBe((layers - 1) * layerBytes);
    await isAnswered(8);
  });

  it("is left by what is damaged too: that is made again where it goes", async () => {
    await filled();
    await world.volumes.disk.writeFile("v0/idle/1/2", new Uint8Array(idleFileBytes(tiny)));
    leave();
    await world.until(() => isLeft() && rest());
    await isAnswered(9);
    expect((await world.files()).size).toBe(0);
  });

  it("is left however often the process dies meanwhile", async () => {
    let deaths = 0;
    for (let n = 1; ; n += 5) {
      await filled();
      world.sim.crashAtChange(n);
      leave();
      await world.until(() => world.isDead || isLeft());
      if (!world.isDead) break;
      deaths += 1;
      await world.restart();
      await world.until(() => isLeft() && rest());
      await isAnswered(10);
      expect((await world.files()).size).toBe(0);
      expect((await world.files("v1/idle")).size).toBe(2 * tiny.files * layers);
      await world.idle[Symbol.asyncDispose]();
    }
    expect(deaths).toBeGreaterThan(5);
  });
});

describe("a layer that is made again while its volume is drained", () => {
  const gate = () => ({ reached: false, ...Promise.withResolvers<void>() });
  let copying: ReturnType<typeof gate>;
  let making: readonly ReturnType<typeof gate>[];

  /** Three layers, and a node in which the copy and the making of layers wait before their first file. */
  async function gated(sql = "SELECT 1"): Promise<void> {
    await filled();
    await world.idle[Symbol.asyncDispose]();
    copying = gate();
    making = [gate(), gate()];
    world.database.run(sql);
    const { sim } = world;
    const gates = new Map([
      ["v1/idle/1/0", copying],
      ...making.map((one, layer) => [`v0/idle/${layer}/0`, one] as const),
    ]);
    world.volumes.disk = new Proxy(sim, {
      get: (_target, key) => {
        if (key === "open") {
          return async (path: string, mode: "read" | "write" | "create") => {
            const at = mode === "create" ? gates.get(path) : undefined;
            if (at !== undefined) {
              at.reached = true;
              await at.promise;
            }
            return await sim.open(path, mode);
          };
        }
        const value = Reflect.get(sim, key, sim);
        return typeof value === "function" ? value.bind(sim) : value;
      },
    });
    world.start();
  }

  const volumeOf = (layer: number): unknown =>
    world.database.get("SELECT volume_id FROM idle_layers WHERE layer = ?", layer)?.volume_id;

  /** What the row says of layer 1 when it is certified is what lies on the disk. */
  async function isWhere(volumeId: number): Promise<void> {
    world.volumes.isLeaving = false; // nothing else moves meanwhile
    making[1]?.resolve();
    await world.until(() => world.idle.status().layers.lost === 0);
    expect(volumeOf(1)).toBe(volumeId);
    expect((await world.files(`v${volumeId}/idle/1`)).size).toBe(2 * tiny.files);
    expect((await world.files(`v${1 - volumeId}/idle/1`)).size).toBe(0);
  }

  it("stays where it is made if an audit loses it during the copy", async () => {
    await gated();
    leave();
    await world.until(() => copying.reached);
    await world.volumes.disk.remove("v0/idle/1/2.aux");
    world.chain.challenge(layers * tiny.files, 11);
    await world.until(() => making[1]?.reached);
    copying.resolve();
    await world.until(() => volumeOf(2) === 1);
    await isWhere(0);
    await world.until(() => world.chain.audits.at(-1)?.isAnswered === true);
  });

  it("stays where it is made if a thread begins while room is looked for", async () => {
    await gated("UPDATE idle_layers SET state = 'lost' WHERE layer < 2");
    await world.until(() => making[0]?.reached);
    const looking = gate();
    const rooms = world.volumes.rooms.bind(world.volumes);
    world.volumes.rooms = async () => {
      looking.reached = true;
      await looking.promise;
      return await rooms();
    };
    leave();
    await world.until(() => looking.reached);
    making[0]?.resolve();
    await world.until(() => making[1]?.reached);
    looking.resolve();
    await world.until(() => volumeOf(2) === 1);
    await isWhere(0);
    await isAnswered(12);
  });
});

describe("what cannot be read", () => {
  const unreadable = (name: string): { isWritten: boolean } => {
    const told = { isWritten: false };
    world.sim.fault = (operation, path) => {
      if (path !== name) return undefined;
      if (operation === "writeAt") told.isWritten = true;
      return !told.isWritten && (operation === "readAt" || operation === "readFile") ? "io" : undefined;
    };
    return told;
  };
  const left = (): number => world.volumes.shares.get(0)?.reservedBytes ?? 0;

  it("is made again where it goes when its volume is drained", async () => {
    await filled();
    unreadable("v0/idle/1/2");
    leave();
    await world.until(() => left() === 0 && rest());
    expect((await world.files("v1/idle")).size).toBe(2 * tiny.files * layers);
    await isAnswered(13);
  });

  it("is made again when the chain asks for it, and told once, and once when it is whole", async () => {
    const told: string[] = [];
    const tell = (text: string): void => void told.push(text);
    await filled({ logger: { ...silentLogger, warn: tell, info: tell } });
    told.length = 0;
    // All of layer 1 is gone from the disk, and its making fails for a while.
    let isWhole = false;
    world.sim.fault = (operation, path) =>
      !isWhole && path.startsWith("v0/idle/1/") && operation !== "remove" ? "io" : undefined;
    world.chain.challenge(layers * tiny.files, 16);
    await world.until(() => world.idle.status().layers.lost === 1);
    const { height } = world.chain;
    await world.until(() => world.chain.height > height + 10);
    const failed = "idle: something failed, and is tried again";
    expect(told.filter((text) => text === failed).length).toBeLessThanOrEqual(2); // the answer, and the making
    isWhole = true;
    await world.until(() => world.chain.audits.at(-1)?.isAnswered === true);
    expect(told.filter((text) => text === failed).length).toBeLessThanOrEqual(3);
    expect(told).toContain("idle: damaged files are made again");
    expect(told.filter((text) => text === "idle: what failed goes well again").length).toBe(2);
  });

  it("is no damage at an audit while its volume is away", async () => {
    await filled();
    world.sim.fault = (operation) => (operation === "readAt" || operation === "readFile" ? "io" : undefined);
    world.volumes.present = async () => [1];
    world.chain.challenge(layers * tiny.files, 17);
    const { height } = world.chain;
    await world.until(() => world.chain.height > height + 10);
    expect(world.idle.status().layers).toMatchObject({ certified: layers, lost: 0 });
    world.sim.fault = () => undefined;
    await world.until(() => world.chain.audits.at(-1)?.isAnswered === true);
  });

  it("is not taken for damage when its volume is away", async () => {
    await filled();
    unreadable("v0/idle/1/2");
    world.volumes.present = async () => [1];
    leave();
    await world.until(() => left() === layerBytes);
    expect(world.idle.status().layers).toMatchObject({ certified: layers, lost: 0 });
  });

  it("stays, and the layers after it go, if it is where the copy lies; that is not told each round", async () => {
    const told: string[] = [];
    await filled({ logger: { ...silentLogger, warn: (text: string) => void told.push(text) } });
    world.sim.fault = (operation, path) =>
      operation === "writeAt" && path.startsWith("v1/idle/0/") ? "io" : undefined;
    leave();
    await world.until(() => left() === layerBytes);
    const { height } = world.chain;
    await world.until(() => world.chain.height > height + 10);
    const often = told.filter((text) => text === "idle: a layer cannot be moved now").length;
    expect([1, 2]).toContain(often); // in the pass that moves the others, and in the first that moves none
    world.sim.fault = () => undefined;
    await world.until(() => left() === 0);
    expect(world.idle.status().layers.certified).toBe(layers);
    await isAnswered(14);
  });

  it("is made again when the patrol comes to it", async () => {
    await filled({ patrolMs: 30_000 });
    const told = unreadable("v0/idle/1/2");
    await world.until(() => told.isWritten && rest());
    await isAnswered(15);
  });

  it("keeps the patrol from nothing while its volume is away", async () => {
    await filled({ patrolMs: 30_000 });
    leave();
    world.volumes.otherQuotaBytes = layerBytes;
    await world.until(() => left() === (layers - 1) * layerBytes && rest());
    world.volumes.isLeaving = false;
    world.volumes.present = async () => [0];
    let isWritten = false;
    world.sim.fault = (operation, path) => {
      if (operation === "writeAt" && path === "v0/idle/2/0.aux") isWritten = true;
      return path.startsWith("v1/") ? "io" : undefined;
    };
    await world.volumes.disk.remove("v0/idle/2/0.aux");
    await world.until(() => isWritten && rest());
    expect(await world.volumes.disk.sizeBytes("v0/idle/2/0.aux")).toBe(idleAuxBytes(tiny));
    expect(world.idle.status().layers.certified).toBe(layers);
  });
});

describe("how much there is", () => {
  /** Rows and the chain's state of many layers, all released but for the last few: their files need not be there. */
  async function large(count: number): Promise<void> {
    world = new World(2 ** 40);
    world.volumes.otherQuotaBytes = 2 ** 40;
    world.chain.registerAnew();
    await world.until(() => world.database.get("SELECT * FROM idle_space") !== undefined);
    await world.idle[Symbol.asyncDispose]();
    const { state } = world.chain;
    if (state === undefined) throw new RangeError("it is registered");
    const tree = new IdleRangeTree(tiny.files);
    const roots = Array.from({ length: tiny.files }, (_, i) => new Uint8Array(32).fill(i + 1));
    for (let layer = 0; layer < count; layer += 1) {
      const identity = { networkId, miner, nonce: state.nonce, set: Math.floor(layer / setLayers) };
      tree.append(idleLayerElements(tiny, identity, layer * tiny.files, roots));
    }
    world.database.run(
      `WITH RECURSIVE n (layer) AS (SELECT 0 UNION ALL SELECT layer + 1 FROM n WHERE layer + 1 < ?)
       INSERT INTO idle_layers
         (layer, volume_id, state, first_kept, scratch, column_root, file_roots, commitment, previous)
       SELECT layer, 7, 'certified', 0, 'none', ?, ?, ?, ? FROM n`,
      ...[count, ...[new Uint8Array(32), concatBytes(...roots), new Uint8Array(32), new Uint8Array(32)]],
    );
    const rear = count * tiny.files;
    world.chain.state = { ...state, rear, range: tree.peaks() } as typeof state;
    world.start();
    await world.until(() => world.idle.status().layers.certified === count);
  }

  it("costs a step nothing: a block reads as many rows with twenty layers as with five thousand", async () => {
    const rows: number[] = [];
    for (const count of [20, 5_000]) {
      await large(count);
      await world.until(() => world.chain.height > 40); // the range is built
      const from = world.rowsRead;
      const { height } = world.chain;
      await world.until(() => world.chain.height >= height + 20);
      rows.push(world.rowsRead - from);
      await world.idle[Symbol.asyncDispose]();
    }
    const [few = 0, many = 0] = rows;
    expect(many).toBeLessThanOrEqual(few + 20);
    expect(few).toBeLessThan(20 * 40);
  });
});
