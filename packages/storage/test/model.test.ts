/**
 * Any order of calls, crashes and restarts: after every step the storage agrees with a model of a few lines.
 * Real sealing (1 KiB sectors, this thread), a simulated disk that loses power, a real database.
 */
import { assert, equalBytes, sectorId as sectorIdOf } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import { commP, createVerifier, defaultClasses } from "@holdfast/proofs";
import type { Storage } from "@holdfast/storage";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { Model } from "./model.ts";
import {
  bytesOf,
  chunked,
  identity,
  miner,
  pieceOf,
  readAll,
  scratch,
  sealTo,
  sectorBytes,
  seedAt,
  ticketAt,
} from "./support.ts";
import { type Sabotage, World } from "./world.ts";

const files = scratch();
afterAll(() => files.remove());
const verifier = createVerifier();

type Step = fc.AsyncCommand<Model, World>;

/** A step of a few words: what it does to both; `check` says whether it makes sense now. */
function step(
  name: string,
  run: (model: Model, world: World) => Promise<void>,
  check: (model: Model) => boolean = () => true,
): Step {
  return {
    check,
    async run(model, world) {
      await run(model, world);
      await agree(model, world.storage);
    },
    toString: () => name,
  };
}

/** A step on one of the sectors in some states. */
function onSector(
  name: string,
  choice: number,
  states: Parameters<Model["idsIn"]>,
  run: (id: number, model: Model, world: World) => Promise<void>,
): Step {
  const pick = (model: Model): number | undefined => {
    const ids = model.idsIn(...states);
    return ids[choice % ids.length];
  };
  return step(
    `${name}(${choice})`,
    async (model, world) => {
      const id = pick(model);
      assert(id !== undefined, "the step was checked");
      await run(id, model, world);
    },
    (model) => pick(model) !== undefined,
  );
}

async function agree(model: Model, storage: Storage): Promise<void> {
  const states = (await storage.listSectors()).map(({ sectorId, state }) => [sectorId, state]);
  expect(states).toEqual([...model.sectors].map(([id, { state }]) => [id, state]));
  const found = (await storage.listPieces()).map(({ pieceKey, sectorId }) => `${pieceKey} in ${sectorId}`);
  expect(found).toEqual([...model.pieces].map(([key, { sectorId }]) => `${key} in ${sectorId}`).sort());
  for (const { sectorId, pieceCount } of await storage.listSectors()) {
    const keys = new Set([...model.pieces].filter(([, p]) => p.sectorId === sectorId).map(([key]) => key));
    expect(pieceCount).toBe(keys.size);
  }
}

const sizes = [1, 100, 127, 128, 254, 300, 508, 509, 1016];

function addStep(key: number, size: number, kind: "good" | "bad" | "short"): Step {
  const pieceKey = `k${key}`;
  const userBytes = sizes[size % sizes.length] ?? 1;
  return step(`add(${pieceKey}, ${userBytes}, ${kind})`, async (model, { storage }) => {
    const piece = pieceOf(pieceKey, userBytes);
    const bad = { ...piece, source: bytesOf("bad", userBytes) };
    const short = { ...piece, source: piece.bytes.subarray(0, userBytes - 1) };
    const adding = storage.addPiece(kind === "good" ? piece : kind === "bad" ? bad : short);
    const known = model.pieces.get(pieceKey);
    if (known !== undefined) {
      const expected = known.userBytes === userBytes ? "no error" : "storage/piece-conflict";
      expect(await codeOf(adding)).toBe(expected);
      return;
    }
    if (kind === "good") {
      expect(model.place(await adding)).toBe(undefined);
      return;
    }
    expect(await codeOf(adding)).toBe(kind === "bad" ? "storage/piece-mismatch" : "storage/short-piece");
    // The place was taken and given back: a sector may have opened for it.
    if (!model.hasRoom(commP(piece.bytes).paddedBytes / 128)) model.openSector("staging");
  });
}

function addAndDieStep(key: number, size: number, changes: number): Step {
  const pieceKey = `k${key}`;
  const userBytes = sizes[size % sizes.length] ?? 1;
  return step(
    `add(${pieceKey}, ${userBytes}) and die at change ${changes}`,
    async (model, world) => {
      const piece = pieceOf(pieceKey, userBytes);
      let acknowledged = false;
      await world.dieDuring(changes, async () => {
        await world.storage.addPiece(piece);
        acknowledged = true;
      });
      const kept = await world.storage.getPiece(pieceKey);
      if (acknowledged) expect(kept).toBeDefined();
      if (kept !== undefined) expect(model.place(kept)).toBe(undefined);
      else if (!model.hasRoom(commP(piece.bytes).paddedBytes / 128)) model.openSector("staging");
    },
    (model) => !model.pieces.has(pieceKey),
  );
}

/** Dies while a piece comes, maybe once more, and then has the rest of it or gives it up. */
function halfStep(key: number, size: number, [n, again]: readonly [number, number], ends: boolean): Step {
  const pieceKey = `k${key}`;
  const userBytes = sizes[size % sizes.length] ?? 1;
  return step(
    `add(${pieceKey}, ${userBytes}) in parts, dying at changes ${n} and ${again}; ${ends ? "ended" : "given up"}`,
    async (model, world) => {
      const { bytes, ...piece } = pieceOf(pieceKey, userBytes);
      const asked: number[] = [];
      const from = async function* (at: number): AsyncGenerator<Uint8Array, void, undefined> {
        asked.push(at);
        yield* chunked(bytes.subarray(at));
      };
      const adding = () => world.storage.addPiece({ ...piece, source: { from } });
      for (const changes of [n, again]) await world.dieDuring(changes, adding);
      const [half, ...others] = await world.storage.unfinishedPieces();
      expect(others).toEqual([]);
      if (half !== undefined) expect(half).toMatchObject({ pieceKey, userBytes });
      const before = asked.length;
      const kept = ends ? await adding() : await world.storage.getPiece(pieceKey);
      // No byte that was durable comes a second time.
      expect(asked.slice(before).every((at) => at === (half?.durableBytes ?? 0))).toBe(true);
      if (kept === undefined) await world.storage.dropUnfinished(pieceKey);
      expect(await world.storage.unfinishedPieces()).toEqual([]);
      if (kept !== undefined) expect(model.place(kept)).toBe(undefined);
      else if (!model.hasRoom(commP(bytes).paddedBytes / 128)) model.openSector("staging");
    },
    (model) => !model.pieces.has(pieceKey),
  );
}

const choice = fc.nat(7);
const changes = fc.integer({ min: 1, max: 12 });

const steps: fc.Arbitrary<Step>[] = [
  fc
    .tuple(fc.nat(11), fc.nat(20), fc.constantFrom("good", "good", "good", "bad", "short"))
    .map((x) => addStep(...x)),
  fc.tuple(fc.nat(11), fc.nat(20), fc.constant("good" as const)).map((x) => addStep(...x)),
  fc.tuple(fc.nat(11), fc.nat(20), changes).map((x) => addAndDieStep(...x)),
  fc.tuple(fc.nat(11), fc.nat(20), fc.tuple(changes, changes), fc.boolean()).map((x) => halfStep(...x)),
  fc.nat(11).map((key) =>
    step(`drop(k${key})`, async (model, { storage }) => {
      const expected = model.pieces.has(`k${key}`) ? "no error" : "storage/unknown-piece";
      expect(await codeOf(storage.dropPiece(`k${key}`))).toBe(expected);
      model.dropPiece(`k${key}`);
    }),
  ),
  fc.constant(
    step("sealAll", async (model, { storage }) => {
      await storage.sealAllStagedSectors();
      model.closeAll();
    }),
  ),
  fc.constant(
    step("capacity", async (model, { storage }) => {
      expect(await storage.addCommittedCapacity()).toBe(model.openSector("closing"));
    }),
  ),
  choice.map((at) =>
    onSector("seal", at, ["closing"], async (id, model, { storage }) => {
      await storage.startSeal(id, ticketAt(at), identity);
      await storage.whenIdle(id);
      model.sector(id).state = "sealed";
    }),
  ),
  fc.tuple(choice, changes).map(([at, n]) =>
    onSector(`seal and die at change ${n}`, at, ["closing"], async (id, model, world) => {
      await world.dieDuring(n, async () => {
        await world.storage.startSeal(id, ticketAt(at), identity);
        await world.storage.whenIdle(id);
      });
      await world.storage.whenIdle(id);
      model.sector(id).state = "sealed";
    }),
  ),
  choice.map((at) =>
    onSector("prove", at, ["sealed"], async (id, model, { storage }) => {
      await storage.proveSeal(id, seedAt(at));
      await storage.whenIdle(id);
      model.sector(id).state = "proved";
    }),
  ),
  fc.tuple(choice, changes).map(([at, n]) =>
    onSector(`prove and die at change ${n}`, at, ["sealed"], async (id, model, world) => {
      await world.dieDuring(n, async () => {
        await world.storage.proveSeal(id, seedAt(at));
        await world.storage.whenIdle(id);
      });
      await world.storage.whenIdle(id);
      model.sector(id).state = "proved";
    }),
  ),
  ...[1, 2, 3].map(() =>
    choice.map((at) =>
      onSector("all the way", at, ["closing"], async (id, model, { storage }) => {
        await sealTo(storage, id, "committed");
        model.sector(id).state = "committed";
      }),
    ),
  ),
  fc.tuple(choice, fc.integer({ min: 1, max: 6 })).map(([at, n]) =>
    onSector(`commit, dying at change ${n}`, at, ["proved"], async (id, model, world) => {
      await world.dieDuring(n, () => world.storage.confirmCommitted(id));
      model.sector(id).state = "committed"; // recorded before the first change to a file
    }),
  ),
  choice.map((at) =>
    onSector("commit", at, ["proved"], async (id, model, { storage }) => {
      await storage.confirmCommitted(id);
      model.sector(id).state = "committed";
    }),
  ),
  choice.map((at) =>
    onSector("restart", at, ["sealed", "proved"], async (id, model, { storage }) => {
      await storage.restartSeal(id, "too late");
      model.restart(id);
    }),
  ),
  choice.map((at) =>
    onSector("fault", at, ["committed"], async (id, model, { storage }) => {
      await storage.markFaulty(id, "missed");
      model.sector(id).state = "faulty";
    }),
  ),
  choice.map((at) =>
    onSector("recover", at, ["faulty"], async (id, model, { storage }) => {
      await storage.markRecovered(id);
      model.sector(id).state = "committed";
    }),
  ),
  choice.map((at) =>
    onSector(
      "drop",
      at,
      ["staging", "closing", "sealed", "proved", "faulty", "expired"],
      async (id, model, w) => {
        await w.storage.dropSector(id);
        model.dropSector(id);
      },
    ),
  ),
  fc.constant(step("crash", async (_model, world) => world.crash())),
  fc.constant(
    step("reopen", async (_model, world) => {
      await world.storage.close();
      await world.open();
    }),
  ),
  fc.constant(step("read all", async (model, { storage }) => readEverything(model, storage))),
  fc.constant(step("collect", async (_model, { storage }) => void (await storage.collectGarbage()))),
  choice.map((at) =>
    onSector("expire", at, ["faulty"], async (id, model, { storage }) => {
      await storage.markExpired(id);
      model.sector(id).state = "expired";
    }),
  ),
  fc
    .constantFrom("window", "winning")
    .map((kind) => step(`post ${kind}`, (_model, world) => post(kind, world))),
];

async function readEverything(model: Model, storage: Storage): Promise<void> {
  for (const [pieceKey, { userBytes, sectorId }] of model.pieces) {
    const { bytes } = pieceOf(pieceKey, userBytes);
    const half = Math.floor(userBytes / 2);
    expect(equalBytes(await readAll(storage.readPiece(pieceKey)), bytes)).toBe(true);
    expect(
      equalBytes(await readAll(storage.readPiece(pieceKey, { offset: half })), bytes.subarray(half)),
    ).toBe(true);
    if ((await storage.getSector(sectorId)).commitments === null) continue;
    expect(equalBytes(await storage.readPieceFromSealedSector(pieceKey), bytes)).toBe(true);
    expect(verifier.verifyPieceInclusion(await storage.provePieceInclusion(pieceKey))).toBe(true);
  }
}

async function post(kind: "window" | "winning", { storage }: World): Promise<void> {
  const provable = await storage.listSectors({ states: ["proved", "committed", "faulty"] });
  if (provable.length === 0) return;
  const ids = provable.map((sector) => sector.sectorId);
  const { proof, proven, faults } = await storage.generatePost(kind, seedAt(1), ids);
  expect({ proven, faults }).toEqual({ proven: ids, faults: [] });
  const sectors = provable.map(({ sectorId, commitments }) => ({
    sectorId: sectorIdOf(sectorId),
    sectorBytes,
    commR: commitments?.commR ?? new Uint8Array(0),
  }));
  expect(verifier.verifyPost({ classes: defaultClasses, kind, seed: seedAt(1), miner, sectors, proof })).toBe(
    true,
  );
}

/** At the end: no file too many or too few, and the events tell the same story as the states. */
async function settle(model: Model, world: World): Promise<void> {
  const { storage } = world;
  await readEverything(model, storage);
  const { orphans, missing } = await storage.audit();
  expect({ orphans, missing }).toEqual({ orphans: [], missing: [] });
  const told = new Map<number, string>();
  const stop = new AbortController();
  const watching = (async () => {
    for await (const { sectorId, from, to } of storage.events(0, stop.signal)) {
      expect(from).toBe(told.get(sectorId) ?? null);
      told.set(sectorId, to);
    }
  })();
  await new Promise(setImmediate);
  stop.abort();
  await watching;
  expect([...told]).toEqual([...model.sectors].map(([id, { state }]) => [id, state]));
  await storage.close();
}

async function check(
  sabotage: Sabotage,
  numRuns: number,
): Promise<{ readonly failed: boolean; readonly report: string }> {
  const property = fc.asyncProperty(
    fc.commands(steps, { maxCommands: 50, size: "max" }),
    fc.nat(),
    async (commands, seed) => {
      const model = new Model();
      const world = new World(files.next(), seed, sabotage);
      await world.open();
      await fc.asyncModelRun(() => ({ model, real: world }), commands);
      await settle(model, world);
    },
  );
  const result = await fc.check(property, { numRuns, seed: 20_190_301, endOnFailure: true });
  return { failed: result.failed, report: fc.defaultReportMessage(result) ?? "" };
}

describe("any order of calls, crashes and restarts", () => {
  it("leaves the storage as the model says", async () => {
    const { failed, report } = await check((storage) => storage, 100);
    expect(failed, report).toBe(false);
  });

  const sabotages: Record<string, Sabotage> = {
    "a dropped piece stays": (storage) => ({ ...storage, dropPiece: async () => undefined }),
    "ranges start one byte late": (storage) => ({
      ...storage,
      readPiece: (key, range = {}) =>
        storage.readPiece(key, range.offset ? { offset: range.offset - 1 } : range),
    }),
    "a commit is forgotten": (storage) => ({ ...storage, confirmCommitted: async () => undefined }),
    "some pieces are acknowledged and not kept": (storage) => ({
      ...storage,
      addPiece: async (piece, signal) => {
        const stored = await storage.addPiece(piece, signal);
        if (piece.userBytes === 300) await storage.dropPiece(piece.pieceKey);
        return stored;
      },
    }),
    "the collector deletes a replica": (storage, world) => ({
      ...storage,
      collectGarbage: async () => {
        const names = await world.disk.list("sealed");
        for (const name of names) if (name.startsWith("1-")) await world.disk.remove(`sealed/${name}`);
        return await storage.collectGarbage();
      },
    }),
    "halves of pieces are not given up": (storage) => ({ ...storage, dropUnfinished: async () => undefined }),
    "a restart keeps the old seal": (storage) => ({ ...storage, restartSeal: async () => undefined }),
  };
  it.each(Object.keys(sabotages))("canary: finds that %s", async (name) => {
    const sabotage = sabotages[name];
    assert(sabotage !== undefined, "the sabotage has a name");
    expect((await check(sabotage, 60)).failed).toBe(true);
  });
});
