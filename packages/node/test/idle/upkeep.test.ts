/**
 * Idle space that rests: damage is found before the chain asks, a volume that is drained is left, and how much there is
 * of it costs a step nothing.
 */
import { concatBytes } from "@holdfast/base";
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
  const leave = (): void => {
    world.volumes.otherQuotaBytes = layers * layerBytes;
    world.volumes.isLeaving = true;
    world.chain.tick();
  };
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
