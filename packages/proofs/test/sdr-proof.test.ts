/**
 * SDR as a kind of our networks: sealing and extracting against the big-integer oracle, honest proofs, proofs
 * that were changed in any way, other statements, and proofs of spacetime over its replicas.
 */
import { sectorId, seedAddress, utf8Bytes } from "@holdfast/base";
import {
  createProver,
  createVerifier,
  findProfile,
  layerTreeLength,
  parseReplicaTree,
  parseSdrAux,
  pollSdr,
  provePost,
  replicaIdOf,
  runSteps,
  type SectorIdentity,
  type SectorProfile,
  sdr,
  sdrAuxLength,
  sdrGraphOf,
  sdrOpenings,
  sdrPorepId,
  sdrProofLengths,
  sdrReplicaIdOf,
  unpadUser,
  vanillaClass,
  verifyPost,
  zigzag,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytes32, sectorOf, userBytesOf } from "./reference.ts";
import {
  assembleSdrProof,
  sdrReferenceId,
  sdrReferencePoll,
  sdrReferenceSeal,
  sdrRow,
} from "./sdr-reference.ts";
import {
  noElements,
  otherIdentities,
  refusesExchanged,
  refusesNoise,
  refusesOtherLengths,
  unreducedForms,
} from "./spoiled.ts";
import { flipBit, holds } from "./vectors.ts";

const sector = sectorOf(sdrRow());
const { profile, identity } = sector;
const sealed = sdr.replicate(profile, identity, sector.data);
const commitments = { commR: sealed.commR, commRStar: sealed.commRStar };
const seed = bytes32(5);
const proof = sdr.prove(profile, identity, sealed.aux, seed);
const accepts = (bytes: Uint8Array): boolean => sdr.verify(profile, identity, commitments, seed, bytes);
const code = (expected: string) => expect.objectContaining({ code: expected });

describe("sealing with SDR", () => {
  it.each([
    [1024, 2],
    [2048, 2],
    [1024, 4],
    [1024, 11],
  ])("of %i bytes with %i layers agrees with the oracle and extracts", (bytes, layers) => {
    const own = sectorOf(sdrRow(bytes, 3, layers));
    const made = sdr.replicate(own.profile, own.identity, own.data);
    const reference = sdrReferenceSeal(own);
    expect(made.commR).toEqual(reference.commR);
    expect(made.commRStar).toEqual(reference.commRStar);
    expect(made.replica).toEqual(reference.replica.leaves);
    const { data, labels, columns, replica } = parseSdrAux(own.profile, made.aux);
    expect(data.root).toEqual(own.identity.commD);
    expect(columns.root).toEqual(reference.commC);
    expect(replica).toEqual(parseReplicaTree(own.profile, made.replicaTree));
    expect(labels).toHaveLength(layers);
    expect(made.aux).toHaveLength(sdrAuxLength(own.profile));
    expect(made.replicaTree).toHaveLength(layerTreeLength(own.profile));
    expect(sdr.extract(own.profile, own.identity, made.replica)).toEqual(own.data);
  });

  it("gives any user bytes back, zero-filled to the sector", () => {
    holds(
      fc.property(fc.uint8Array({ maxLength: profile.userBytes }), (user) => {
        const { data, commD } = sdr.preproc(user, profile);
        const { replica } = sdr.replicate(profile, { ...identity, commD }, data);
        const back = unpadUser(sdr.extract(profile, { ...identity, commD }, replica));
        expect(back.subarray(0, user.length)).toEqual(user);
        expect(back.subarray(user.length).every((byte) => byte === 0)).toBe(true);
      }),
      { numRuns: 15 },
    );
  });

  it("gives equal data other replicas for each sector, miner, ticket, network and row", () => {
    const { data, commD } = sdr.preproc(new Uint8Array(0), profile);
    const own = { ...identity, commD };
    const others: [SectorProfile, Partial<SectorIdentity>][] = [
      [profile, {}],
      [profile, { sectorId: sectorId(2) }],
      [profile, { ticket: bytes32(1) }],
      [profile, { miner: seedAddress(1, "x") }],
      [profile, { networkId: bytes32(1) }],
      [{ ...profile, id: "another" }, {}],
    ];
    const nodes = others.flatMap(([row, change]) => {
      const { replica } = sdr.replicate(row, { ...own, ...change }, data);
      return Array.from({ length: 32 }, (_none, i) => replica.slice(i * 32, i * 32 + 32).join());
    });
    expect(new Set(nodes).size).toBe(32 * others.length);
    expect(sdrPorepId(bytes32(1), profile)).not.toEqual(sdrPorepId(bytes32(2), profile));
  });

  it("has the replica id of the description, which is not zigzag's", () => {
    expect(sdrReplicaIdOf(profile, identity)).toEqual(sdrReferenceId(profile, identity));
    expect(sdrReplicaIdOf(profile, identity)).not.toEqual(replicaIdOf(profile, identity));
  });

  it("does not give the data back under another identity", () => {
    const other = { ...identity, sectorId: sectorId(99) };
    expect(sdr.extract(profile, other, sealed.replica)).not.toEqual(sector.data);
  });

  it("reports rising progress, and stops when it is cancelled", () => {
    const own = sectorOf(sdrRow(65_536, 2));
    const shares: number[] = [];
    const { replica } = sdr.replicate(own.profile, own.identity, own.data, {
      progress: (done) => void shares.push(done),
    });
    expect(shares.length).toBeGreaterThan(6);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
    expect(unpadUser(sdr.extract(own.profile, own.identity, replica))).toEqual(userBytesOf(own.profile));
    const controller = new AbortController();
    const reason = utf8Bytes("enough");
    const hooks = { cancel: controller.signal, progress: () => controller.abort(reason) };
    const thrownBy = (work: () => unknown): unknown => {
      try {
        return work();
      } catch (error) {
        return error;
      }
    };
    expect(thrownBy(() => sdr.replicate(own.profile, own.identity, own.data, hooks))).toBe(reason);
    expect(thrownBy(() => sdr.extract(own.profile, own.identity, replica, hooks))).toBe(reason);
  });

  it("names bad input", () => {
    const { data } = sector;
    expect(() => sdr.replicate(profile, identity, data.subarray(32))).toThrow(code("proofs/bad-length"));
    expect(() => sdr.replicate(profile, identity, flipBit(data, 800))).toThrow(
      code("proofs/comm-d-mismatch"),
    );
    const unpadded = data.slice();
    unpadded[63] = 0x40;
    expect(() => sdr.replicate(profile, identity, unpadded)).toThrow(code("proofs/not-padded"));
    expect(() => sdr.extract(profile, identity, data.subarray(32))).toThrow(code("proofs/bad-length"));
    expect(() => sdr.extract(profile, identity, new Uint8Array(1024).fill(255))).toThrow(
      code("proofs/not-a-replica"),
    );
    expect(() => sdr.prove(profile, identity, data, seed)).toThrow(code("proofs/bad-length"));
    expect(() => sdr.preproc(new Uint8Array(1017), profile)).toThrow(code("proofs/too-much-data"));
    for (const part of ["networkId", "ticket", "commD"] as const) {
      const bad = { ...identity, [part]: new Uint8Array(31) };
      expect(() => sdrReplicaIdOf(profile, bad)).toThrow(code("proofs/bad-length"));
      expect(() => sdr.replicate(profile, bad, data)).toThrow(code("proofs/bad-length"));
      expect(() => sdr.extract(profile, bad, data)).toThrow(code("proofs/bad-length"));
      expect(() => sdr.prove(profile, bad, sealed.aux, seed)).toThrow(code("proofs/bad-length"));
    }
  });
});

describe("an honest SDR proof", () => {
  it("passes for any seed", () => {
    holds(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (any) => {
        const made = sdr.prove(profile, identity, sealed.aux, any);
        expect(sdr.verify(profile, identity, commitments, any, made)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it.each([
    [2, 1],
    [2, 40],
    [4, 3],
    [11, 3],
  ])("passes with %i layers and %i challenges", (layers, challenges) => {
    const own = sectorOf(sdrRow(1024, challenges, layers));
    const { aux, commR, commRStar } = sdr.replicate(own.profile, own.identity, own.data);
    const made = sdr.prove(own.profile, own.identity, aux, seed);
    expect(sdr.verify(own.profile, own.identity, { commR, commRStar }, seed, made)).toBe(true);
    expect(sdr.verify(own.profile, own.identity, { commR, commRStar }, bytes32(6), made)).toBe(false);
  });

  it("is the one that the description gives, at Filecoin's challenges", () => {
    const replicaId = sdrReplicaIdOf(profile, identity);
    const challenges = sdrReferencePoll(profile, replicaId, seed);
    expect(sdr.poll(profile, replicaId, sealed.commRStar, seed)).toEqual([challenges]);
    expect(pollSdr(profile, replicaId, bytes32(0), seed)).toEqual([challenges]);
    expect(proof).toEqual(assembleSdrProof(sector, sdrReferenceSeal(sector), challenges));
    const openings = sdrOpenings(sdrGraphOf(identity.networkId, profile), [challenges]);
    const lengths = Object.values(sdrProofLengths(profile, openings));
    expect(proof).toHaveLength(lengths.reduce((sum, length) => sum + length));
    expect(sdr.setup(profile, identity.networkId)).toBe(sdrGraphOf(identity.networkId, profile));
  });

  it("is no zigzag proof, and the other way round", () => {
    expect(zigzag.verify(profile, identity, commitments, seed, proof)).toBe(false);
    const row = { ...profile, sealChallenges: [2, 2] };
    const theirs = zigzag.replicate(row, identity, sector.data);
    const made = zigzag.prove(row, identity, theirs.aux, seed);
    expect(zigzag.verify(row, identity, theirs, seed, made)).toBe(true);
    expect(sdr.verify(row, identity, theirs, seed, made)).toBe(false);
  });
});

describe("a changed SDR proof", () => {
  it("fails with any bit flipped", () => {
    holds(
      fc.property(fc.nat({ max: proof.length * 8 - 1 }), (bit) => {
        expect(accepts(flipBit(proof, bit))).toBe(false);
      }),
      { numRuns: 100 },
    );
    for (let at = 0; at < proof.length; at += 32)
      expect(accepts(flipBit(proof, at * 8 + (at % 8)))).toBe(false);
  });

  it("fails with two nodes exchanged", () => refusesExchanged(proof, accepts, 60));

  it("fails when truncated or extended, and for random bytes; never throws", () => {
    refusesOtherLengths(proof, accepts, 100);
    refusesNoise(proof, accepts, 30);
  });

  it("fails with the same numbers in another encoding", () => {
    for (const changed of unreducedForms(proof)) expect(accepts(changed)).toBe(false);
  });
});

describe("an SDR proof beside another statement", () => {
  const identities = otherIdentities(sectorOf(profile, 2).identity.commD);

  it.each(identities)("fails for another %s", (_name, change) => {
    const other = { ...identity, ...change };
    expect(sdr.verify(profile, other, commitments, seed, proof)).toBe(false);
    // The one who has the other identity cannot make the proof from this replica either.
    const made = sdr.prove(profile, other, sealed.aux, seed);
    expect(sdr.verify(profile, other, commitments, seed, made)).toBe(false);
  });

  it("fails for another seed, commR, commR*, row", () => {
    for (let bit = 0; bit < 256; bit += 5) {
      expect(sdr.verify(profile, identity, commitments, flipBit(seed, bit), proof)).toBe(false);
      const commR = flipBit(sealed.commR, bit);
      expect(sdr.verify(profile, identity, { ...commitments, commR }, seed, proof)).toBe(false);
      const commRStar = flipBit(sealed.commRStar, bit);
      expect(sdr.verify(profile, identity, { ...commitments, commRStar }, seed, proof)).toBe(false);
    }
    for (const row of [sdrRow(1024, 4), sdrRow(2048, 3), sdrRow(1024, 3, 4), { ...profile, id: "x" }]) {
      expect(sdr.verify(row, identity, commitments, seed, proof)).toBe(false);
    }
  });

  it("fails, and does not throw, for parts of a wrong length or out of the field", () => {
    for (const bytes of noElements) {
      expect(sdr.verify(profile, identity, commitments, bytes, proof)).toBe(false);
      expect(sdr.verify(profile, identity, { ...commitments, commR: bytes }, seed, proof)).toBe(false);
      expect(sdr.verify(profile, identity, { ...commitments, commRStar: bytes }, seed, proof)).toBe(false);
      for (const part of ["networkId", "ticket", "commD"] as const) {
        expect(sdr.verify(profile, { ...identity, [part]: bytes }, commitments, seed, proof)).toBe(false);
      }
    }
  });
});

describe("a sector class with SDR", () => {
  const row = findProfile("sdr-2KiB") as SectorProfile;
  const classes = [vanillaClass(row)];
  const own = sectorOf(row);
  const sectors = (made: { readonly commR: Uint8Array; readonly replicaTree: Uint8Array }) => [
    { sectorId: own.identity.sectorId, sectorBytes: row.sectorBytes, ...made },
  ];

  it("seals, proves and is verified through the doors of every kind", async () => {
    const prover = createProver();
    const request = { classes, sectorBytes: row.sectorBytes, identity: own.identity };
    const { commR, commRStar, aux, replica } = await prover.replicate({ ...request, data: own.data });
    const made = await prover.proveSeal({ ...request, aux, commR, commRStar, seed });
    expect(createVerifier().verifySeal({ ...request, commR, commRStar, seed, proof: made })).toBe(true);
    expect(createVerifier().verifySeal({ ...request, commR, commRStar, seed: bytes32(6), proof: made })).toBe(
      false,
    );
    expect(await prover.extract({ ...request, replica })).toEqual(own.data);
  });

  it("has proofs of spacetime like any other", () => {
    const { commR, replicaTree } = runSteps(sdr.replicateSteps(row, own.identity, own.data));
    const { miner } = own.identity;
    for (const kind of ["window", "winning"] as const) {
      const post = provePost(kind, seed, miner, sectors({ commR, replicaTree }), classes);
      expect(verifyPost(kind, seed, miner, sectors({ commR, replicaTree }), post, classes)).toBe(true);
      const other = sectors({ commR: flipBit(commR, 3), replicaTree });
      expect(verifyPost(kind, seed, miner, other, post, classes)).toBe(false);
    }
  });
});
