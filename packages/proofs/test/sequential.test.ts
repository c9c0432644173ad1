/**
 * The sequential proof of spacetime. The three holes of the version of 2019 have a test each (the last epoch
 * unchecked, the delayed values never compared, the second sector never challenged), each with a verifier that has
 * the hole and accepts; and no value of the question or byte of the proof can change.
 */
import {
  addressBytes,
  bigEndian,
  concatBytes,
  sectorId,
  seedAddress,
  sha256,
  utf8Bytes,
} from "@holdfast/base";
import {
  challengedNodes,
  evaluateVdf,
  openingLength,
  openLeaves,
  parseReplicaTree,
  poseidonHasher,
  proveSequential,
  proveSequentialSteps,
  runSteps,
  type SequentialQuestion,
  type SequentialStatement,
  type StoredSector,
  sectorProfile,
  verifyOpening,
  verifySequential,
  verifyVdf,
  zigzag,
} from "@holdfast/proofs";
import * as door from "@holdfast/proofs/verify";
import { describe, expect, it } from "vitest";
import { bytes32, sectorOf } from "./reference.ts";
import { flipBit } from "./vectors.ts";

/** A sector whose tree lies in memory. */
type Kept = StoredSector & { readonly replicaTree: Uint8Array };

function stored(sectorBytes: number, id: number): Kept {
  const { profile, identity, data } = sectorOf(sectorProfile(sectorBytes), id);
  const { commR, replicaTree } = zigzag.replicate(profile, identity, data);
  return { sectorId: sectorId(id), sectorBytes, commR, replicaTree };
}

const sectors = [stored(1024, 7), stored(2048, 3)];
const [small, large] = sectors as [Kept, Kept];
const question: SequentialQuestion = {
  networkId: bytes32(7),
  miner: seedAddress(1, "miner"),
  seed: bytes32(11),
  rounds: 3,
  iterations: 40,
};
const proof = proveSequential(question, sectors);
const honest: SequentialStatement = { ...question, sectors, proof };
const accepts = (change: Partial<SequentialStatement>): boolean => verifySequential({ ...honest, ...change });

const delayBytes = 512;

describe("a sequential proof", () => {
  it("passes over sectors of mixed sizes, in whatever order", () => {
    expect(accepts({})).toBe(true);
    expect(door.verifySequential(honest)).toBe(true);
    expect(accepts({ sectors: [large, small] })).toBe(true);
    expect(proveSequential(question, [large, small])).toEqual(proof);
  });

  it("passes with one round, and with one sector", () => {
    for (const rounds of [1, 2]) {
      const asked = { ...question, rounds };
      expect(verifySequential({ ...asked, sectors, proof: proveSequential(asked, sectors) })).toBe(true);
    }
    expect(accepts({ sectors: [small], proof: proveSequential(question, [small]) })).toBe(true);
  });

  it("fails with any part of the question changed", () => {
    const changes: Partial<SequentialStatement>[] = [
      { networkId: bytes32(8) },
      { miner: seedAddress(1, "other") },
      { seed: bytes32(12) },
      { rounds: 2 },
      { rounds: 4 },
      { rounds: 1 },
      { iterations: 39 },
      { iterations: 41 },
      { sectors: [small] },
      { sectors: [large] },
      { sectors: [] },
      { sectors: [small, large, large] },
      { sectors: [small, { ...large, sectorId: sectorId(4) }] },
      { sectors: [small, { ...large, sectorId: small.sectorId }] },
      { sectors: [{ ...small, commR: large.commR }, large] },
      { sectors: [small, { ...large, sectorBytes: 1024 }] },
      { sectors: [small, { ...large, sectorBytes: 1000 }] },
      { sectors: [small, { ...large, commR: new Uint8Array(31) }] },
      ...[0, -1, 1.5, 1025, Number.NaN].map((rounds) => ({ rounds })),
      ...[0, -1, 1.5, 2 ** 41, Number.NaN].map((iterations) => ({ iterations })),
      ...[0, 31, 33].map((length) => ({ seed: new Uint8Array(length) })),
      ...[0, 31, 33].map((length) => ({ networkId: new Uint8Array(length) })),
      { classes: [] },
    ];
    for (const change of changes) expect(accepts(change)).toBe(false);
  });

  it("fails with bits changed in every part of it, cut, or longer", () => {
    for (let at = 0; at < proof.length; at += 53) {
      expect(accepts({ proof: flipBit(proof, at * 8 + (at % 8)) })).toBe(false);
    }
    for (let length = 0; length < proof.length; length += 401) {
      expect(accepts({ proof: proof.subarray(0, length) })).toBe(false);
    }
    expect(accepts({ proof: proof.subarray(0, -1) })).toBe(false);
    for (const more of [1, 32, delayBytes]) {
      expect(accepts({ proof: concatBytes(proof, new Uint8Array(more)) })).toBe(false);
    }
  });
});

type Hole = "last round" | "compared outputs" | "second sector";

/**
 * Prover and verifier once more, from the description. The prover uses one hole; the verifier leaves out the check
 * that closes it. Without a hole both agree with the fast code.
 */
const hash = (name: string, ...parts: Uint8Array[]): Uint8Array =>
  sha256(concatBytes(utf8Bytes(`holdfast sequential post${name} 1\n`), ...parts));
const sorted = [large, small];

function rootHash(): Uint8Array {
  const records = sorted.map(({ sectorId: id, sectorBytes, commR }) =>
    sha256(concatBytes(bigEndian(id, 8), commR, utf8Bytes(sectorProfile(sectorBytes).id))),
  );
  const { networkId, miner, seed, rounds, iterations } = question;
  const counts = concatBytes(bigEndian(rounds, 4), bigEndian(iterations, 8));
  return hash("", networkId, addressBytes(miner), seed, counts, sha256(concatBytes(...records)));
}

function challengesOf(head: Uint8Array, hole?: Hole): number[][] {
  return sorted.map(({ sectorId: id, sectorBytes }, i) => {
    const { windowChallenges, nodes } = sectorProfile(sectorBytes);
    if (hole === "second sector" && i > 0) return [0, 1, 2]; // what the forger happens to keep
    return [...challengedNodes(hash(" challenge", head, bigEndian(id, 8)), windowChallenges, nodes)];
  });
}

function forge(hole?: Hole): Uint8Array {
  const root = rootHash();
  let mix = hash(" mix", root);
  const parts: Uint8Array[] = [Uint8Array.of(1)];
  for (let round = 0; round < question.rounds; round += 1) {
    const head = concatBytes(root, mix, bigEndian(round, 4));
    const all = challengesOf(head, hole).map((leaves, i) => {
      const { sectorBytes, replicaTree } = sorted[i] as Kept;
      return openLeaves(parseReplicaTree(sectorProfile(sectorBytes), replicaTree), leaves);
    });
    const openings = concatBytes(...all);
    const isLast = round + 1 === question.rounds;
    if (isLast) {
      parts.push(hole === "last round" ? new Uint8Array(openings.length) : openings);
      break;
    }
    const delayed = hash(" delay", head, sha256(openings));
    const { output, proof: delayProof } = evaluateVdf(delayed, question.iterations);
    // The value that is mixed was chosen, not computed: no delay lies between the rounds.
    const mixed = hole === "compared outputs" ? bytes32(77) : output;
    parts.push(openings, output, delayProof);
    mix = hash(" mix", head, delayed, sha256(mixed));
  }
  return concatBytes(...parts);
}

function blindVerify(whole: Uint8Array, hole?: Hole): boolean {
  const root = rootHash();
  let mix = hash(" mix", root);
  let end = 1;
  for (let round = 0; round < question.rounds; round += 1) {
    const isLast = round + 1 === question.rounds;
    if (isLast && hole === "last round") return true;
    const head = concatBytes(root, mix, bigEndian(round, 4));
    const start = end;
    for (const [i, leaves] of challengesOf(head, hole).entries()) {
      const { commR, sectorBytes } = sorted[i] as Kept;
      const { nodes } = sectorProfile(sectorBytes);
      const opening = whole.subarray(end, end + openingLength(poseidonHasher, nodes, leaves));
      if (!verifyOpening(poseidonHasher, commR, nodes, leaves, opening)) return false;
      end += opening.length;
    }
    if (isLast) break;
    const input = hash(" delay", head, sha256(whole.subarray(start, end)));
    const output = whole.subarray(end, end + 256);
    const delayProof = whole.subarray(end + 256, end + delayBytes);
    if (!verifyVdf({ input, iterations: question.iterations, output, proof: delayProof })) return false;
    const mixed = hole === "compared outputs" ? bytes32(77) : output;
    mix = hash(" mix", head, input, sha256(mixed));
    end += delayBytes;
  }
  return end === whole.length;
}

describe("the holes of 2019", () => {
  it("are measured against an oracle that agrees with the prover and the verifier", () => {
    expect(forge()).toEqual(proof);
    expect(blindVerify(proof)).toBe(true);
  });

  it.each(["last round", "compared outputs", "second sector"] as const)(
    "a proof through the hole of the %s is refused; without that check it would pass (canary)",
    (hole) => {
      const forged = forge(hole);
      expect(blindVerify(forged, hole)).toBe(true);
      expect(accepts({ proof: forged })).toBe(false);
      expect(blindVerify(forged)).toBe(false);
    },
  );

  it("a delay that was computed for another round, miner or length does not count", () => {
    // The two delays of the proof exchanged; each is the true delay of its own input.
    const lengths = [0, 1].map((round) => openingBytes(round));
    const first = 1 + (lengths[0] ?? 0);
    const second = first + delayBytes + (lengths[1] ?? 0);
    const swapped = proof.slice();
    swapped.set(proof.subarray(second, second + delayBytes), first);
    swapped.set(proof.subarray(first, first + delayBytes), second);
    expect(accepts({ proof: swapped })).toBe(false);
    const shorter = proof.slice();
    const { output, proof: delayProof } = evaluateVdf(delayInputOf(0), question.iterations - 1);
    shorter.set(output, first);
    shorter.set(delayProof, first + 256);
    expect(accepts({ proof: shorter })).toBe(false);
    const same = evaluateVdf(delayInputOf(0), question.iterations);
    expect(proof.subarray(first, first + delayBytes)).toEqual(concatBytes(same.output, same.proof));
  });
});

/** The mixes of the honest proof, by the oracle. */
function heads(): Uint8Array[] {
  const root = rootHash();
  let mix = hash(" mix", root);
  let end = 1;
  return [0, 1, 2].map((round) => {
    const head = concatBytes(root, mix, bigEndian(round, 4));
    const length = lengthAt(head);
    const input = hash(" delay", head, sha256(proof.subarray(end, end + length)));
    end += length;
    mix = hash(" mix", head, input, sha256(proof.subarray(end, end + 256)));
    end += delayBytes;
    return head;
  });
}
const lengthAt = (head: Uint8Array): number =>
  challengesOf(head).reduce((sum, leaves, i) => {
    const { nodes } = sectorProfile((sorted[i] as Kept).sectorBytes);
    return sum + openingLength(poseidonHasher, nodes, leaves);
  }, 0);
const openingBytes = (round: number): number => lengthAt(heads()[round] as Uint8Array);
const delayInputOf = (round: 0): Uint8Array => {
  const head = heads()[round] as Uint8Array;
  return hash(" delay", head, sha256(proof.subarray(1, 1 + lengthAt(head))));
};

describe("proving in sequence", () => {
  const code = (expected: string) => expect.objectContaining({ code: expected });

  it("reports how far it is and can be given up", () => {
    const shares: number[] = [];
    const steps = proveSequentialSteps({ ...question, iterations: 3000 }, [small]);
    runSteps(steps, { progress: (share) => void shares.push(share) });
    expect(shares.length).toBeGreaterThan(10);
    expect(shares.at(-1)).toBe(1);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    const reason = new Error("enough");
    const cancel = AbortSignal.abort(reason);
    expect(() => proveSequential({ ...question, iterations: 2 ** 30 }, [small], { cancel })).toThrow(reason);
  });

  it("names damaged files and refuses what is no question", () => {
    const damaged = { ...large, replicaTree: large.replicaTree.slice().fill(0) };
    expect(() => proveSequential(question, [small, damaged])).toThrow(code("proofs/comm-r-mismatch"));
    expect(() => proveSequential(question, [])).toThrow(code("proofs/no-sectors"));
    expect(() => proveSequential(question, [small, small])).toThrow(code("proofs/duplicate-sector"));
    const unknown = { ...small, sectorBytes: 5 };
    expect(() => proveSequential(question, [unknown])).toThrow(code("proofs/unknown-sector-size"));
    expect(() => proveSequential({ ...question, seed: bytes32(1).subarray(1) }, [small])).toThrow(
      code("proofs/bad-length"),
    );
    expect(() => proveSequential({ ...question, rounds: 0 }, [small])).toThrow(code("proofs/bad-rounds"));
    expect(() => proveSequential({ ...question, iterations: 2 ** 41 }, [small])).toThrow(
      code("vdf/bad-iterations"),
    );
  });
});
