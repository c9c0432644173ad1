/**
 * Sealing and extracting: against the big-integer oracle, for every number of layers, and with bad input.
 */
import { sectorId, seedAddress, utf8Bytes } from "@holdfast/base";
import {
  addNode,
  auxLength,
  baseDegree,
  createProver,
  defaultClasses,
  expansionDegree,
  findSectorProfile,
  frModulus,
  frToBytes,
  layerTreeLength,
  parseAux,
  poseidonHasher,
  replicaIdOf,
  type SectorIdentity,
  sectorProfile,
  sectorProfiles,
  subtractNode,
  unpadUser,
  wordsOf,
  zigzag,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  bytes32,
  profileWithLayers,
  referenceReplicaId,
  referenceSeal,
  sectorOf,
  userBytesOf,
} from "./reference.ts";
import { element, holds } from "./vectors.ts";

describe("the table of sector sizes", () => {
  it("has the sizes of the documents, with 127/128 of them for users", () => {
    expect(sectorProfile(1024).userBytes).toBe(1016);
    expect(sectorProfile(2 ** 28).userBytes).toBe(266_338_304);
    for (const profile of sectorProfiles) {
      expect(profile.userBytes).toBe((profile.sectorBytes * 127) / 128);
      expect(profile.nodes * 32).toBe(profile.sectorBytes);
      const isZigzag = profile.kind === "zigzag";
      expect(profile.sealChallenges).toHaveLength(isZigzag ? profile.layers : 1);
      expect([profile.baseDegree, profile.expansionDegree]).toEqual([
        isZigzag ? baseDegree : 6,
        expansionDegree,
      ]);
      expect(profile.note.length).toBeGreaterThan(50);
      expect(poseidonHasher.shapeOf(profile.nodes)).toBeDefined();
    }
    expect(new Set(sectorProfiles.map(({ id }) => id)).size).toBe(sectorProfiles.length);
    expect(sectorProfiles.filter(({ productionSafe }) => productionSafe).map(({ id }) => id)).toEqual([
      "zigzag-256MiB",
    ]);
  });

  it("refuses sizes that it does not have", () => {
    expect(findSectorProfile(1000)).toBeUndefined();
    expect(() => sectorProfile(3072)).toThrow(
      expect.objectContaining({ code: "proofs/unknown-sector-size" }),
    );
  });
});

describe("field arithmetic on words", () => {
  it("agrees with big integers", () => {
    holds(
      fc.property(element, element, fc.nat({ max: 3 }), (a, b, at) => {
        const words = new Uint32Array(8 * (at + 1));
        const put = (value: bigint): void => words.set(wordsOf(frToBytes(value)), at * 8);
        const addend = new Uint32Array(words.length);
        addend.set(wordsOf(frToBytes(b)), at * 8);
        put(a);
        addNode(words, at * 8, addend, at * 8);
        expect(words.slice(at * 8)).toEqual(wordsOf(frToBytes((a + b) % frModulus)));
        put(a);
        subtractNode(words, at * 8, addend, at * 8);
        expect(words.slice(at * 8)).toEqual(wordsOf(frToBytes((a - b + frModulus) % frModulus)));
      }),
      { numRuns: 1000 },
    );
  });

  it("reads words from unaligned bytes", () => {
    const bytes = Uint8Array.from({ length: 40 }, (_none, i) => i);
    expect(wordsOf(bytes.subarray(3, 35))).toEqual(wordsOf(bytes.slice(3, 35)));
  });
});

describe("the replica id", () => {
  const { profile, identity } = sectorOf(sectorProfile(1024));

  it("is the trimmed hash of the whole identity", () => {
    expect(replicaIdOf(profile, identity)).toEqual(referenceReplicaId(profile, identity));
    expect((replicaIdOf(profile, identity)[31] ?? 255) < 0x40).toBe(true);
  });

  it("changes with each of its parts", () => {
    const changes: Partial<SectorIdentity>[] = [
      { networkId: bytes32(8) },
      { miner: seedAddress(1, "other") },
      { miner: seedAddress(0, "miner") },
      { sectorId: sectorId(2) },
      { ticket: bytes32(10) },
      { commD: bytes32(1) },
    ];
    const ids = changes.map((change) => replicaIdOf(profile, { ...identity, ...change }).join());
    ids.push(replicaIdOf(sectorProfile(2048), identity).join(), replicaIdOf(profile, identity).join());
    expect(new Set(ids).size).toBe(changes.length + 2);
  });

  it("refuses parts of a wrong length", () => {
    for (const part of ["networkId", "ticket", "commD"] as const) {
      const bad = { ...identity, [part]: new Uint8Array(31) };
      expect(() => replicaIdOf(profile, bad)).toThrow(expect.objectContaining({ code: "proofs/bad-length" }));
    }
  });
});

describe("sealing", () => {
  it.each([1, 2, 3, 4, 5])("with %i layers agrees with the oracle and extracts", (layers) => {
    const sector = sectorOf(profileWithLayers(layers));
    const sealed = zigzag.replicate(sector.profile, sector.identity, sector.data);
    const reference = referenceSeal(sector);
    expect(sealed.commR).toEqual(reference.commR);
    expect(sealed.commRStar).toEqual(reference.commRStar);
    const { data, layers: trees } = parseAux(sector.profile, sealed.aux);
    expect(data.root).toEqual(sector.identity.commD);
    expect([data, ...trees].map((tree) => tree.leaves)).toEqual(reference.trees.map((tree) => tree.leaves));
    expect(zigzag.extract(sector.profile, sector.identity, sealed.replica)).toEqual(sector.data);
  });

  it.each([1024, 2048, 4096, 16_384])("of %i bytes gives the user bytes back", (bytes) => {
    const sector = sectorOf(sectorProfile(bytes));
    const sealed = zigzag.replicate(sector.profile, sector.identity, sector.data);
    expect(sealed.replica).toHaveLength(bytes);
    expect(sealed.aux).toHaveLength(auxLength(sector.profile));
    expect(sealed.replicaTree).toHaveLength(layerTreeLength(sector.profile));
    const data = zigzag.extract(sector.profile, sector.identity, sealed.replica);
    expect(unpadUser(data)).toEqual(userBytesOf(sector.profile));
  });

  it("gives any user bytes back, zero-filled to the sector", () => {
    const profile = profileWithLayers(2);
    holds(
      fc.property(fc.uint8Array({ maxLength: profile.userBytes }), (user) => {
        const { data, commD } = zigzag.preproc(user, profile);
        const identity = { ...sectorOf(profile).identity, commD };
        const { replica } = zigzag.replicate(profile, identity, data);
        const back = unpadUser(zigzag.extract(profile, identity, replica));
        expect(back.subarray(0, user.length)).toEqual(user);
        expect(back.subarray(user.length).every((byte) => byte === 0)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  it("gives equal data other replicas for each sector, miner and ticket", () => {
    const profile = sectorProfile(1024);
    const { data, commD } = zigzag.preproc(new Uint8Array(0), profile);
    const { identity } = sectorOf(profile);
    const others = [{}, { sectorId: sectorId(2) }, { ticket: bytes32(1) }, { miner: seedAddress(1, "x") }];
    const replicas = others.map((change) =>
      zigzag.replicate(profile, { ...identity, commD, ...change }, data),
    );
    const nodes = replicas.flatMap(({ replica }) =>
      Array.from({ length: 32 }, (_none, i) => replica.slice(i * 32, i * 32 + 32).join()),
    );
    expect(new Set(nodes).size).toBe(32 * others.length);
  });

  it("does not give the data back under another identity", () => {
    const { profile, identity, data } = sectorOf(sectorProfile(1024));
    const { replica } = zigzag.replicate(profile, identity, data);
    const other = { ...identity, sectorId: sectorId(99) };
    expect(zigzag.extract(profile, other, replica)).not.toEqual(data);
  });
});

describe("bad input to sealing", () => {
  const { profile, identity, data } = sectorOf(sectorProfile(1024));
  const code = (expected: string) => expect.objectContaining({ code: expected });

  it("is named", () => {
    const changed = data.slice();
    changed[100] = (changed[100] ?? 0) ^ 1;
    const unpadded = data.slice();
    unpadded[63] = 0x40;
    expect(() => zigzag.replicate(profile, identity, data.subarray(32))).toThrow(code("proofs/bad-length"));
    expect(() => zigzag.replicate(profile, identity, changed)).toThrow(code("proofs/comm-d-mismatch"));
    expect(() => zigzag.replicate(profile, identity, unpadded)).toThrow(code("proofs/not-padded"));
    expect(() => zigzag.extract(profile, identity, data.subarray(32))).toThrow(code("proofs/bad-length"));
    expect(() => zigzag.extract(profile, identity, new Uint8Array(1024).fill(255))).toThrow(
      code("proofs/not-a-replica"),
    );
    expect(() => zigzag.prove(profile, identity, data, bytes32(1))).toThrow(code("proofs/bad-length"));
    expect(() => zigzag.preproc(new Uint8Array(1017), profile)).toThrow(code("proofs/too-much-data"));
  });
});

describe("the inline prover", () => {
  const sector = sectorOf(sectorProfile(4096));
  const { identity, data } = sector;
  const request = { classes: defaultClasses, sectorBytes: 4096, identity, data };

  it("seals, proves and extracts, with rising progress and pauses", async () => {
    const shares: number[] = [];
    let pauses = 0;
    const prover = createProver({
      pause: () => {
        pauses += 1;
        return Promise.resolve();
      },
    });
    const hooks = { progress: (done: number) => void shares.push(done) };
    const sealed = await prover.replicate(request, hooks);
    expect(shares.length).toBeGreaterThan(4);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
    expect(pauses).toBe(shares.length);
    const { replica, aux, commR, commRStar } = sealed;
    const proof = await prover.proveSeal({ ...request, aux, commR, commRStar, seed: bytes32(3) });
    expect(zigzag.verify(sector.profile, identity, { commR, commRStar }, bytes32(3), proof)).toBe(true);
    expect(await prover.extract({ classes: defaultClasses, sectorBytes: 4096, identity, replica })).toEqual(
      data,
    );
  });

  it("stops when it is cancelled", async () => {
    const controller = new AbortController();
    const hooks = { cancel: controller.signal, progress: () => controller.abort(utf8Bytes("enough")) };
    await expect(createProver().replicate(request, hooks)).rejects.toEqual(utf8Bytes("enough"));
    await expect(createProver().extract({ ...request, replica: data }, hooks)).rejects.toEqual(
      utf8Bytes("enough"),
    );
    await expect(
      createProver().provePost(
        { classes: defaultClasses, kind: "window", seed: bytes32(1), miner: identity.miner, sectors: [] },
        hooks,
      ),
    ).rejects.toEqual(utf8Bytes("enough"));
  });

  it("does not hand out a proof from damaged files", async () => {
    const { aux, commR, commRStar } = await createProver().replicate(request);
    aux[auxLength(sector.profile) - 1] = (aux[auxLength(sector.profile) - 1] ?? 0) ^ 1; // the last root
    const prove = createProver().proveSeal({ ...request, aux, commR, commRStar, seed: bytes32(3) });
    await expect(prove).rejects.toMatchObject({ code: "proofs/wrong-proof" });
  });

  it("refuses sizes without a row", async () => {
    const refused = { code: "proofs/unknown-sector-size" };
    await expect(createProver().replicate({ ...request, sectorBytes: 5 })).rejects.toMatchObject(refused);
  });
});
