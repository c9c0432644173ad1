/**
 * Ranges of a sealed sector: equal to the sealed bytes for any range, kind and number of layers; what is read and
 * decoded is counted; damage, short files and cancelling are named.
 */
import { byteCount } from "@holdfast/base";
import {
  addNode,
  buildTree,
  createProver,
  defaultClasses,
  extractRange,
  findProfile,
  graphOf,
  layerDirection,
  nodeKeys,
  padUser,
  type RangeCost,
  type ReplicaReader,
  replicaIdOf,
  runSteps,
  type SectorIdentity,
  type SectorProfile,
  sdrGraphOf,
  sdrLastLabels,
  sdrReplicaIdOf,
  sectorProfile,
  sectorProfiles,
  sha254Hasher,
  vanillaClass,
  wordsOf,
  zigzag,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { profileWithLayers, sectorOf, userBytesOf } from "./reference.ts";

interface Sealed {
  readonly profile: SectorProfile;
  readonly identity: SectorIdentity;
  readonly user: Uint8Array;
  readonly replica: Uint8Array;
}

/** A replica without its trees: sealing is mostly their hashes, and extracting needs none. */
function encoded(profile: SectorProfile): Sealed {
  const identity = { ...sectorOf(sectorProfile(1024)).identity };
  const user = userBytesOf(profile);
  const replica = padUser(user).slice();
  const words = wordsOf(replica);
  const graph = graphOf(identity.networkId, profile);
  const replicaId = replicaIdOf(profile, identity);
  for (let layer = 1; layer <= profile.layers; layer += 1) {
    const keys = nodeKeys(profile, replicaId, layer);
    const direction = layerDirection(layer);
    for (let i = 0; i < profile.nodes; i += 1) {
      const node = direction === "forward" ? i : profile.nodes - 1 - i;
      const parents = graph.parentsOf(direction, node);
      for (const [slot, parent] of parents.entries()) keys.setParent(slot, words, parent * 8);
      addNode(words, node * 8, keys.derive(node, parents.length));
    }
  }
  return { profile, identity, user, replica };
}

const readerOf =
  (replica: Uint8Array): ReplicaReader =>
  async (offset, length) =>
    replica.slice(offset, offset + length);

async function extracted(
  { profile, identity, replica }: Sealed,
  startUserBytes: number,
  userBytes: number,
  read = readerOf(replica),
): Promise<{ bytes: Uint8Array; cost: RangeCost; chunks: number }> {
  const range = extractRange(profile, identity, { startUserBytes, userBytes }, read);
  const bytes = new Uint8Array(userBytes);
  let at = 0;
  for (let chunks = 0; ; chunks += 1) {
    const step = await range.next();
    if (step.done === true) {
      expect(at).toBe(userBytes);
      return { bytes, cost: step.value, chunks };
    }
    bytes.set(step.value, at);
    at += step.value.length;
  }
}

/** Starts and lengths, the edges of bytes, nodes and blocks often. */
const rangeIn = (capacity: number) =>
  fc
    .record({
      start: fc.oneof(fc.nat(capacity), fc.constantFrom(0, 31, 32, 126, 127, 128, capacity - 1, capacity)),
      length: fc.oneof(fc.nat(capacity), fc.nat(300), fc.constantFrom(0, 1, 32, 127, 254)),
    })
    .map(({ start, length }) => ({ start, length: Math.min(length, capacity - start) }));

const poseidonRow = findProfile("zigzag-poseidon-2KiB") ?? sectorProfile(2048);
const profiles: SectorProfile[] = [
  sectorProfile(1024),
  ...[1, 2, 3, 5].map((layers) => profileWithLayers(layers, 2048)),
  sectorProfile(16 * 1024),
];

describe.each(profiles)("a range of $id", (profile) => {
  const sealed = encoded(profile);

  it("is what was sealed, as whole extraction gives it", async () => {
    const { user, replica, identity } = sealed;
    const whole = zigzag.extract(profile, identity, replica);
    expect(whole).toEqual(padUser(user));
    const property = fc.asyncProperty(rangeIn(profile.userBytes), async ({ start, length }) => {
      const { bytes, cost } = await extracted(sealed, start, length);
      expect(bytes).toEqual(user.slice(start, start + length));
      expect(cost.neededNodes).toBeLessThanOrEqual(cost.readNodes);
      expect(cost.readNodes).toBeLessThanOrEqual(profile.nodes);
      expect(cost.decodedNodes).toBeLessThanOrEqual(profile.nodes * profile.layers);
    });
    await fc.assert(property, { numRuns: 8 });
    const all = await extracted(sealed, 0, profile.userBytes);
    expect(all.bytes).toEqual(user);
    expect(all.cost.decodedNodes).toBe(profile.nodes * profile.layers);
    expect(all.cost.wholeLayers).toBe(profile.layers);
  });
});

describe("with keys by Poseidon", () => {
  it("is what was sealed", async () => {
    expect(sectorProfiles).toContain(poseidonRow);
    const small = { ...poseidonRow, ...halved(profileWithLayers(2)) };
    const sealed = encoded({ ...small, keyDerivation: "poseidon" });
    const { bytes } = await extracted(sealed, 100, 300);
    expect(bytes).toEqual(sealed.user.slice(100, 400));
  });
});

const halved = ({ layers, nodes, sectorBytes, userBytes }: SectorProfile) => ({
  layers,
  nodes,
  sectorBytes: byteCount(sectorBytes),
  userBytes: byteCount(userBytes),
});

describe("a small range of a large sector", () => {
  const profile = sectorProfile(256 * 1024);
  let sealed: Sealed;
  beforeAll(() => {
    sealed = encoded(profile);
  });
  const everything = profile.nodes * profile.layers;

  it("decodes a fraction of the keys and reads less than everything", async () => {
    // At the start of the sector the parents of the forward layers are few: fewer nodes are needed at all.
    const first = await extracted(sealed, 0, 100);
    expect(first.bytes).toEqual(sealed.user.slice(0, 100));
    expect(first.cost.neededNodes).toBeLessThan(0.5 * profile.nodes);
    expect(first.cost.readNodes).toBeLessThan(profile.nodes);
    expect(first.cost.decodedNodes).toBeLessThan(0.03 * everything);
    const middle = await extracted(sealed, 130_000, 100);
    expect(middle.bytes).toEqual(sealed.user.slice(130_000, 130_100));
    expect(middle.cost.neededNodes).toBeLessThanOrEqual(profile.nodes);
    expect(middle.cost.decodedNodes).toBeLessThan(0.12 * everything);
    expect(middle.cost.wholeLayers).toBe(0);
  });

  it("grows with its length up to whole layers, and comes in chunks of 64 KiB at most", async () => {
    const lengths = [1, 1000, 130_000];
    const costs: number[] = [];
    for (const length of lengths) {
      const { bytes, cost, chunks } = await extracted(sealed, 65_000, length);
      expect(bytes).toEqual(sealed.user.slice(65_000, 65_000 + length));
      expect(chunks).toBe(1 + Math.floor((65_000 + length - 1) / 65_024));
      costs.push(cost.decodedNodes);
      if (length === 130_000) expect(cost.wholeLayers).toBeGreaterThan(0);
    }
    expect(costs).toEqual(costs.toSorted((a, b) => a - b));
    expect(costs.at(-1)).toBeLessThan(everything);
  });

  it("touches only the nodes that it reads: all others may be garbage", async () => {
    const touched = new Uint8Array(profile.nodes);
    await extracted(sealed, 0, 100, async (offset, length) => {
      touched.fill(1, offset / 32, (offset + length) / 32);
      return sealed.replica.slice(offset, offset + length);
    });
    const garbage = sealed.replica.slice();
    touched.forEach((read, node) => {
      if (read === 0) garbage.fill(0xff, node * 32, node * 32 + 32);
    });
    expect(touched.includes(0)).toBe(true);
    const { bytes } = await extracted({ ...sealed, replica: garbage }, 0, 100);
    expect(bytes).toEqual(sealed.user.slice(0, 100));
  });
});

describe("what goes wrong", () => {
  const profile = sectorProfile(4096);
  const sealed = encoded(profile);
  const code = (expected: string) => expect.objectContaining({ code: expected });

  it("is named: a damaged node, a short file, a range outside, a reader's own error", async () => {
    const damaged = sealed.replica.slice().fill(0xff, 64, 96);
    const run = (start: number, length: number, read?: ReplicaReader) =>
      extracted(sealed, start, length, read);
    await expect(run(0, 4064, readerOf(damaged))).rejects.toEqual(code("proofs/not-a-replica"));
    const flipped = sealed.replica.slice();
    flipped[31] = (flipped[31] ?? 0) ^ 0x20;
    const found = run(0, 4064, readerOf(flipped)).then(({ bytes }) => bytes);
    await expect(found.catch((error: { code: string }) => error.code)).resolves.not.toEqual(sealed.user);
    const short = readerOf(sealed.replica.subarray(0, 4095));
    await expect(run(0, 4064, short)).rejects.toEqual(code("proofs/bad-length"));
    for (const [start, length] of [
      [-1, 10],
      [0, 4065],
      [4065, 0],
      [0.5, 1],
      [0, Number.NaN],
    ] as const) {
      const range = { startUserBytes: start, userBytes: length };
      const refused = extractRange(profile, sealed.identity, range, readerOf(sealed.replica)).next();
      await expect(refused).rejects.toEqual(code("proofs/bad-range"));
    }
    const broken: ReplicaReader = () => Promise.reject(code("disk/gone"));
    await expect(run(0, 10, broken)).rejects.toEqual(code("disk/gone"));
  });

  it("ends when the caller gives up: while reading, between chunks, or by leaving the loop", async () => {
    const reason = new Error("enough");
    const controller = new AbortController();
    const read: ReplicaReader = async (offset, length) => {
      controller.abort(reason);
      return sealed.replica.slice(offset, offset + length);
    };
    const range = { startUserBytes: 0, userBytes: 4064 };
    const options = { cancel: controller.signal };
    await expect(extractRange(profile, sealed.identity, range, read, options).next()).rejects.toBe(reason);
    const never = extractRange(profile, sealed.identity, range, read, { cancel: AbortSignal.abort(reason) });
    await expect(never.next()).rejects.toBe(reason);
    let chunks = 0;
    for await (const _chunk of extractRange(profile, sealed.identity, range, readerOf(sealed.replica))) {
      chunks += 1;
      break;
    }
    expect(chunks).toBe(1);
  });

  it("reports progress to 1 and lets other work run", async () => {
    const shares: number[] = [];
    let pauses = 0;
    const options = {
      progress: (share: number) => void shares.push(share),
      pause: async () => {
        pauses += 1;
      },
    };
    const range = { startUserBytes: 5, userBytes: 4000 };
    const chunks = extractRange(profile, sealed.identity, range, readerOf(sealed.replica), options);
    for await (const chunk of chunks) expect(chunk).toHaveLength(4000);
    expect(shares.at(-1)).toBe(1);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(pauses).toBeGreaterThan(0);
  });
});

describe("the prover", () => {
  it("gives ranges of a zigzag sector", async () => {
    const prover = createProver();
    const sealed = encoded(sectorProfile(2048));
    const bytes: number[] = [];
    const request = {
      classes: defaultClasses,
      sectorBytes: 2048,
      identity: sealed.identity,
      read: readerOf(sealed.replica),
      startUserBytes: 60,
      userBytes: 500,
    };
    for await (const chunk of prover.extractRange(request)) bytes.push(...chunk);
    expect(Uint8Array.from(bytes)).toEqual(sealed.user.slice(60, 560));
    const unknown = { ...request, sectorBytes: 5 };
    expect(() => prover.extractRange(unknown)).toThrow(
      expect.objectContaining({ code: "proofs/unknown-sector-size" }),
    );
  });

  it("gives ranges of an SDR sector over several chunks, reading no more than they need", async () => {
    const row = sectorProfiles.find(({ id }) => id === "sdr-256KiB") as SectorProfile;
    const { sectorBytes } = row;
    const user = userBytesOf(row);
    const { identity } = sectorOf(sectorProfile(1024));
    const graph = sdrGraphOf(identity.networkId, row);
    const labels = wordsOf(runSteps(sdrLastLabels(graph, sdrReplicaIdOf(row, identity), row.layers)));
    const replica = padUser(user).slice(); // no need for trees: data and labels are all of it
    const words = wordsOf(replica);
    for (let at = 0; at < words.length; at += 8) addNode(words, at, labels.subarray(at, at + 8));
    const request = { classes: [vanillaClass(row)], sectorBytes, identity };
    const range = { startUserBytes: 60_001, userBytes: 140_002 };
    const ranged = createProver().extractRange({ ...request, ...range, read: readerOf(replica) });
    const found: Uint8Array[] = [];
    let next = await ranged.next();
    for (; next.done !== true; next = await ranged.next()) found.push(next.value);
    expect(Buffer.compare(Buffer.concat(found), user.subarray(60_001, 200_003))).toBe(0);
    expect(found.length).toBeGreaterThan(2);
    expect(next.value.readNodes).toBeLessThan(140_002 / 31.75 + 16);
    for (const [bad, expected] of [
      [replica.slice(0, 100_000), "proofs/bad-length"],
      [replica.slice().fill(255, 100_000, 100_064), "proofs/not-a-replica"],
    ] as const) {
      const damaged = createProver().extractRange({ ...request, ...range, read: readerOf(bad) });
      const all = (async () => {
        for await (const _chunk of damaged);
      })();
      await expect(all).rejects.toEqual(expect.objectContaining({ code: expected }));
    }
  }, 20_000);

  it("gives ranges of an SDR sector", async () => {
    const row = sectorProfiles.find(({ kind }) => kind === "sdr") as SectorProfile;
    const classes = [vanillaClass(row)];
    const { sectorBytes } = row;
    const user = userBytesOf(row);
    const data = padUser(user).slice();
    const identity = { ...sectorOf(sectorProfile(1024)).identity, commD: buildTree(sha254Hasher, data).root };
    const prover = createProver();
    const { replica } = await prover.replicate({ classes, sectorBytes, identity, data });
    const request = { classes, sectorBytes, identity, read: readerOf(replica) };
    const bytes: number[] = [];
    const ranged = prover.extractRange({ ...request, startUserBytes: 300, userBytes: 700 });
    for await (const chunk of ranged) bytes.push(...chunk);
    expect(Uint8Array.from(bytes)).toEqual(user.slice(300, 1000));
    const outside = prover.extractRange({ ...request, startUserBytes: 300, userBytes: row.userBytes });
    await expect(outside.next()).rejects.toEqual(expect.objectContaining({ code: "proofs/bad-range" }));
  });
});
