/**
 * The hardened profile does not drift: fixed inputs give fixed commitments and proofs. A change of these
 * numbers is a change of what networks agree on, so it needs a profile with another id, not new vectors.
 */
import { fromHex, parseAddress, sectorId, sha256, toHex } from "@holdfast/base";
import {
  commRStarOf,
  graphOf,
  parseAux,
  provePost,
  replicaIdOf,
  sectorProfile,
  verifyPost,
  zigzag,
} from "@holdfast/proofs";
import { describe, expect, it } from "vitest";
import { referenceSeal } from "./reference.ts";
import { readVectors } from "./vectors.ts";

interface Golden {
  readonly sectorBytes: number;
  readonly profile: string;
  readonly userByte: number;
  readonly networkId: string;
  readonly miner: string;
  readonly sectorId: number;
  readonly ticket: string;
  readonly seed: string;
  readonly expected: object;
}

const { cases } = readVectors<{ readonly cases: readonly Golden[] }>("proofs", "zigzag");

function compute(golden: Golden): object {
  const profile = sectorProfile(golden.sectorBytes);
  const user = new Uint8Array(profile.userBytes).fill(golden.userByte);
  const { data, commD } = zigzag.preproc(user, profile);
  const miner = parseAddress(golden.miner);
  const identity = {
    networkId: fromHex(golden.networkId),
    miner,
    sectorId: sectorId(golden.sectorId),
    ticket: fromHex(golden.ticket),
    commD,
  };
  const seed = fromHex(golden.seed);
  const { commR, commRStar, aux, replica, replicaTree } = zigzag.replicate(profile, identity, data);
  const graph = graphOf(identity.networkId, profile);
  const replicaId = replicaIdOf(profile, identity);
  const roots = parseAux(profile, aux).layers.map((tree) => tree.root);
  const proof = zigzag.prove(profile, identity, aux, seed);
  const sectors = [{ sectorId: identity.sectorId, sectorBytes: profile.sectorBytes, commR, replicaTree }];
  const posts = (["window", "winning"] as const).map((kind) => provePost(kind, seed, miner, sectors));
  expect(zigzag.verify(profile, identity, { commR, commRStar }, seed, proof)).toBe(true);
  expect(verifyPost("window", seed, miner, sectors, posts[0] ?? proof)).toBe(true);
  expect(commRStarOf(replicaId, roots)).toEqual(commRStar);
  expect(referenceSeal({ profile, identity, data }).commRStar).toEqual(commRStar);
  return {
    parentsOf17Forward: graph.parentsOf("forward", 17),
    parentsOf17Reversed: graph.parentsOf("reversed", 17),
    replicaId: toHex(replicaId),
    commD: toHex(commD),
    layerRoots: roots.map(toHex),
    commR: toHex(commR),
    commRStar: toHex(commRStar),
    replicaSha256: toHex(sha256(replica)),
    challenges: zigzag.poll(profile, replicaId, commRStar, seed),
    proofBytes: proof.length,
    proofSha256: toHex(sha256(proof)),
    windowPostSha256: toHex(sha256(posts[0] ?? proof)),
    winningPostSha256: toHex(sha256(posts[1] ?? proof)),
  };
}

describe("the hardened ZigZag profile", () => {
  it.each(cases)("gives what it always gave: $profile of byte $userByte", (golden) => {
    expect(sectorProfile(golden.sectorBytes).id).toBe(golden.profile);
    expect(compute(golden)).toEqual(golden.expected);
  });
});
