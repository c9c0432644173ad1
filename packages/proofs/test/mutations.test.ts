/**
 * Ten thousand mutations of honest statements, none accepted: every bit of a commitment, other miners, sectors,
 * tickets, networks, epochs, seeds; every byte of the proofs, every cut, longer ones, other encodings of the same
 * numbers. And the rate at which a replica that lost a part of its nodes is caught, against theory.
 *
 * Poseidon hashes are remembered by their input (a test of acceptance, not of speed): a mutation costs the hashes
 * above what it changed.
 */
import {
  bigEndian,
  concatBytes,
  littleEndian,
  readLittleEndian,
  sectorId,
  seedAddress,
  sha256,
  utf8Bytes,
} from "@holdfast/base";
import {
  commP,
  createVerifier,
  defaultClasses,
  detectionProbability,
  frModulus,
  installTreeKernel,
  layoutPieces,
  type PieceInclusionStatement,
  type PostKind,
  type PostStatement,
  postChallenges,
  provePieceInclusion,
  provePost,
  type SealStatement,
  type Statement,
  sectorProfile,
  sectorProfiles,
  treeKernel,
  vanillaClass,
  verifyStatement,
  zigzag,
} from "@holdfast/proofs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bytes32, sectorOf } from "./reference.ts";
import { flipBit } from "./vectors.ts";

let restore = (): void => undefined;
beforeAll(() => {
  const { poseidonRow } = treeKernel;
  const known = new Map<string, Uint8Array>();
  restore = installTreeKernel({
    poseidonRow: (row, arity) => {
      const parents = new Uint8Array(row.length / arity);
      for (let at = 0; at < row.length; at += arity * 32) {
        const group = row.subarray(at, at + arity * 32);
        const key = `${arity} ${String.fromCharCode(...group)}`;
        const hash = known.get(key) ?? poseidonRow(group, arity);
        known.set(key, hash);
        parents.set(hash, at / arity);
      }
      return parents;
    },
  });
});
afterAll(() => restore());

/** Randomness of one epoch of one network, as a chain would draw it. */
const randomness = (networkId: Uint8Array, epoch: number): Uint8Array =>
  sha256(concatBytes(utf8Bytes("test randomness\n"), networkId, bigEndian(epoch, 8)));

const miner = seedAddress(1, "miner");
const network = bytes32(7);
const epoch = 1000;
const seed = randomness(network, epoch);
const sector = sectorOf(sectorProfile(1024));
const sealed = zigzag.replicate(sector.profile, sector.identity, sector.data);
const { commR, commRStar, replicaTree } = sealed;
const stored = { sectorId: sectorId(1), sectorBytes: 1024, commR, replicaTree };

const seal: SealStatement = {
  classes: defaultClasses,
  sectorBytes: 1024,
  identity: sector.identity,
  commR,
  commRStar,
  seed,
  proof: zigzag.prove(sector.profile, sector.identity, sealed.aux, seed),
};
const postOf = (kind: PostKind): PostStatement => ({
  classes: defaultClasses,
  kind,
  seed,
  miner,
  sectors: [{ sectorId: stored.sectorId, sectorBytes: 1024, commR }],
  proof: provePost(kind, seed, miner, [stored]),
});
const pieces = [1, 2].map((salt) => commP(new Uint8Array(127).fill(salt)));
const piece = pieces[1] ?? commP(utf8Bytes("never"));
const inclusion: PieceInclusionStatement = {
  commD: layoutPieces(pieces, 512).commD,
  sectorBytes: 512,
  commP: piece.commitment,
  paddedBytes: piece.paddedBytes,
  proof: provePieceInclusion(pieces, 512, 1),
};
const honest = {
  seal: { check: "seal", statement: seal },
  window: { check: "post", statement: postOf("window") },
  winning: { check: "post", statement: postOf("winning") },
  inclusion: { check: "pieceInclusion", statement: inclusion },
} as const satisfies Record<string, Statement>;

interface Mutation {
  /** What was changed. */
  readonly part: string;
  readonly statement: Statement;
}

type Bytes32 = readonly [part: string, value: Uint8Array, put: (value: Uint8Array) => Statement];

/** Every bit of 32 bytes flipped, and lengths that are none. */
function* bitsOf([part, value, put]: Bytes32): Generator<Mutation> {
  for (let bit = 0; bit < value.length * 8; bit += 1) yield { part, statement: put(flipBit(value, bit)) };
  for (const length of [0, 31, 33]) {
    yield { part, statement: put(concatBytes(value, bytes32(0)).slice(0, length)) };
  }
}

/** Changes of a proof: `values` other values for each byte, all cuts, some tails, unreduced numbers. */
function* changesOfProof(statement: Statement, values: number): Generator<Mutation> {
  const { proof } = statement.statement;
  const put = (changed: Uint8Array): Statement =>
    ({ ...statement, statement: { ...statement.statement, proof: changed } }) as Statement;
  for (let at = 0; at < proof.length; at += 1) {
    for (let i = 1; i <= values; i += 1) {
      const changed = proof.slice();
      // With few values a different one at each byte, so that all bits come up.
      changed[at] = (changed[at] ?? 0) ^ (values === 255 ? i : ((at * 37 + i * 101) % 255) + 1);
      yield { part: "proof", statement: put(changed) };
    }
  }
  for (let length = 0; length < proof.length; length += values > 1 ? 1 : 7) {
    yield { part: "length", statement: put(proof.subarray(0, length)) };
  }
  for (const more of [1, 8, 31, 32, 64]) {
    yield { part: "length", statement: put(concatBytes(proof, new Uint8Array(more))) };
    yield { part: "length", statement: put(concatBytes(proof, proof.subarray(-more))) };
  }
  if (statement.check === "pieceInclusion") return;
  for (let at = 1; at + 32 <= proof.length; at += 32) {
    const changed = proof.slice();
    const value = readLittleEndian(proof.subarray(at, at + 32)) + frModulus;
    if (value >= 2n ** 256n) continue;
    changed.set(littleEndian(value, 32), at);
    yield { part: "unreduced", statement: put(changed) };
  }
}

function* changesOfSeal(): Generator<Mutation> {
  const { identity } = seal;
  const put = (part: string, change: Partial<SealStatement>): Mutation => ({
    part,
    statement: { check: "seal", statement: { ...seal, ...change } },
  });
  const named = (part: string, change: Partial<SealStatement["identity"]>): Mutation =>
    put(part, { identity: { ...identity, ...change } });
  for (let i = 0; i < 1000; i += 1) {
    yield named("miner", { miner: seedAddress(1, `miner ${i}`) });
    yield named("sector", { sectorId: sectorId(i + 2) });
    yield put("epoch", { seed: randomness(network, epoch + 1 + i) });
    yield put("network of the seed", { seed: randomness(sha256(bigEndian(i, 8)), epoch) });
    yield named("network", { networkId: sha256(bigEndian(i, 8)) });
    yield named("ticket", { ticket: randomness(network, i) });
  }
  for (const sectorBytes of [0, 512, 2048, 4096, 1000, Number.NaN]) yield put("size", { sectorBytes });
  const others = sectorProfiles.filter((row) => row.sectorBytes === 1024 && row.id !== sector.profile.id);
  for (const row of others) yield put("class", { classes: [vanillaClass(row)] });
  yield put("class", { classes: [] });
  const fields: Bytes32[] = [
    ["network", identity.networkId, (networkId) => named("", { networkId }).statement],
    ["ticket", identity.ticket, (ticket) => named("", { ticket }).statement],
    ["commD", identity.commD, (commD) => named("", { commD }).statement],
    ["commR", seal.commR, (value) => put("", { commR: value }).statement],
    ["commR*", seal.commRStar, (value) => put("", { commRStar: value }).statement],
    ["seed", seal.seed, (value) => put("", { seed: value }).statement],
  ];
  for (const field of fields) yield* bitsOf(field);
}

function* changesOfPost(base: PostStatement): Generator<Mutation> {
  const put = (part: string, change: Partial<PostStatement>): Mutation => ({
    part,
    statement: { check: "post", statement: { ...base, ...change } },
  });
  const [own] = base.sectors;
  if (own === undefined) return;
  for (let i = 0; i < 500; i += 1) {
    yield put("miner", { miner: seedAddress(1, `miner ${i}`) });
    yield put("sector", { sectors: [{ ...own, sectorId: sectorId(i + 2) }] });
    yield put("epoch", { seed: randomness(network, epoch + 1 + i) });
    yield put("network of the seed", { seed: randomness(sha256(bigEndian(i, 8)), epoch) });
  }
  yield put("kind", { kind: base.kind === "window" ? "winning" : "window" });
  yield put("sectors", { sectors: [] });
  yield put("sectors", { sectors: [own, own] });
  yield put("sectors", { sectors: [own, { ...own, sectorId: sectorId(2) }] });
  for (const sectorBytes of [0, 512, 2048, 4096, 1000, Number.NaN]) {
    yield put("size", { sectors: [{ ...own, sectorBytes }] });
  }
  const fields: Bytes32[] = [
    ["seed", base.seed, (value) => put("", { seed: value }).statement],
    ["commR", own.commR, (value) => put("", { sectors: [{ ...own, commR: value }] }).statement],
  ];
  for (const field of fields) yield* bitsOf(field);
}

function* changesOfInclusion(): Generator<Mutation> {
  const put = (part: string, change: Partial<PieceInclusionStatement>): Mutation => ({
    part,
    statement: { check: "pieceInclusion", statement: { ...inclusion, ...change } },
  });
  for (const size of [0, 64, 128, 256, 384, 1024, 2048, -128, Number.NaN]) {
    if (size !== inclusion.paddedBytes) yield put("size", { paddedBytes: size });
    yield put("sector size", { sectorBytes: size });
  }
  yield* bitsOf(["commD", inclusion.commD, (commD) => put("", { commD }).statement]);
  yield* bitsOf(["commP", inclusion.commP, (value) => put("", { commP: value }).statement]);
}

const suites = {
  seal: function* () {
    yield* changesOfSeal();
    yield* changesOfProof(honest.seal, 1);
  },
  window: function* () {
    yield* changesOfPost(honest.window.statement);
    yield* changesOfProof(honest.window, 2);
  },
  winning: function* () {
    yield* changesOfPost(honest.winning.statement);
    yield* changesOfProof(honest.winning, 2);
  },
  inclusion: function* () {
    yield* changesOfInclusion();
    yield* changesOfProof(honest.inclusion, 255);
  },
} as const satisfies Record<keyof typeof honest, () => Generator<Mutation>>;

/** How often each part was changed; everything that is accepted is an error. */
function run(name: keyof typeof honest, verify: (one: Statement) => boolean): Map<string, number> {
  const counts = new Map<string, number>();
  const accepted: string[] = [];
  for (const { part, statement } of suites[name]()) {
    counts.set(part, (counts.get(part) ?? 0) + 1);
    if (verify(statement)) accepted.push(part);
  }
  expect(accepted).toEqual([]);
  return counts;
}

const verifier = createVerifier();
const verify = (statement: Statement): boolean => verifyStatement(verifier, statement);
const totals = new Map<string, number>();
/** Whose proof it is, of what, when and where: what a replay changes. */
const replayed = ["miner", "sector", "epoch", "network of the seed", "network", "ticket", "seed"];
let replays = 0;

describe("mutations", () => {
  it.each(Object.keys(honest) as (keyof typeof honest)[])("of the %s statement are all refused", (name) => {
    expect(verify(honest[name])).toBe(true);
    const counts = run(name, verify);
    expect(verify(honest[name])).toBe(true);
    totals.set(
      name,
      [...counts.values()].reduce((sum, count) => sum + count, 0),
    );
    if (name !== "inclusion") replays += replayed.reduce((sum, part) => sum + (counts.get(part) ?? 0), 0);
    const parts = {
      seal: ["miner", "sector", "ticket", "epoch", "network", "seed", "commD", "commR", "commR*", "proof"],
      window: ["miner", "sector", "epoch", "network of the seed", "seed", "commR", "kind", "proof"],
      winning: ["miner", "sector", "epoch", "network of the seed", "seed", "commR", "kind", "proof"],
      inclusion: ["commD", "commP", "size", "sector size", "proof"],
    }[name];
    for (const part of parts) expect(counts.get(part)).toBeGreaterThan(0);
  });

  it("are ten thousand and more, those of the proofs' own bytes not counted", () => {
    expect(replays).toBeGreaterThanOrEqual(10_000);
    expect([...totals.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(10_000);
  });

  it("would be accepted by a verifier that takes one part for granted (canaries)", () => {
    const careless: [keyof typeof honest, string, (one: Statement) => Statement][] = [
      ["seal", "miner", (one) => within(one, ["identity", "miner"])],
      ["seal", "sector", (one) => within(one, ["identity", "sectorId"])],
      ["seal", "ticket", (one) => within(one, ["identity", "ticket"])],
      ["seal", "network", (one) => within(one, ["identity", "networkId"])],
      ["seal", "epoch", (one) => within(one, ["seed"])],
      ["window", "miner", (one) => within(one, ["miner"])],
      ["winning", "epoch", (one) => within(one, ["seed"])],
      ["window", "sector", (one) => within(one, ["sectors"])],
      ["inclusion", "commP", (one) => within(one, ["commP"])],
    ];
    for (const [name, part, forget] of careless) {
      const first = firstOf(suites[name](), part);
      expect(verify(first.statement)).toBe(false);
      expect(verify(forget(first.statement))).toBe(true);
    }
  });
});

function firstOf(mutations: Iterable<Mutation>, part: string): Mutation {
  for (const mutation of mutations) if (mutation.part === part) return mutation;
  throw new Error(`nothing changes ${part}`);
}

/** The statement with one part as in the honest one. */
function within(one: Statement, [first, second]: readonly string[]): Statement {
  const original = Object.values(honest).find(
    ({ check, statement }) =>
      check === one.check && (!("kind" in statement) || statement.kind === kindOf(one)),
  ) as Statement;
  const changed = one.statement as unknown as Record<string, unknown>;
  const source = original.statement as unknown as Record<string, unknown>;
  const key = first ?? "";
  const value =
    second === undefined
      ? source[key]
      : { ...(changed[key] as object), [second]: (source[key] as Record<string, unknown>)[second] };
  return { ...one, statement: { ...changed, [key]: value } } as unknown as Statement;
}
const kindOf = (one: Statement): PostKind | undefined =>
  one.check === "post" ? one.statement.kind : undefined;

describe("a replica that lost a part of its nodes", () => {
  const rows = [64 * 1024, 2 ** 20, 2 ** 23].flatMap((sectorBytes) =>
    (["window", "winning"] as const).flatMap((kind) =>
      [0.01, 0.05, 0.2].map((share) => ({ sectorBytes, kind, share })),
    ),
  );

  it.each(rows)("is caught as theory says: $sectorBytes bytes, $kind, $share lost", (row) => {
    const { sectorBytes, kind, share } = row;
    const profile = sectorProfile(sectorBytes);
    const lost = Math.round(profile.nodes * share);
    // Which nodes are lost does not matter: every challenge is uniform. A run at the start is as good as any.
    const rounds = 1500;
    let caught = 0;
    for (let i = 0; i < rounds; i += 1) {
      const post = { sectorId: sectorId(i), sectorBytes, commR };
      const asked = postChallenges(kind, randomness(network, i), miner, post, profile);
      if (asked.some((node) => node < lost)) caught += 1;
    }
    const challenges = kind === "window" ? profile.windowChallenges : profile.winningChallenges;
    const expected = detectionProbability(profile.nodes, lost, challenges);
    const deviation = Math.sqrt((expected * (1 - expected)) / rounds);
    expect(Math.abs(caught / rounds - expected)).toBeLessThan(4 * deviation);
  });

  it("cannot prove: the prover of 1 KiB fails exactly when a lost node is asked, as often as theory says", () => {
    const profile = sectorProfile(1024);
    const lost = [3, 17, 31];
    const damaged = { ...stored, replicaTree: replicaTree.slice() };
    for (const node of lost) damaged.replicaTree.fill(0, node * 32, node * 32 + 32);
    const rounds = 300;
    let failed = 0;
    for (let i = 0; i < rounds; i += 1) {
      const at = randomness(network, i);
      const asked = postChallenges("window", at, miner, stored, profile);
      const isAsked = asked.some((node) => lost.includes(node));
      let proof: Uint8Array | undefined;
      try {
        proof = provePost("window", at, miner, [damaged]);
      } catch (error) {
        expect(error).toMatchObject({ code: "proofs/comm-r-mismatch" });
        failed += 1;
      }
      // Siblings of asked nodes are nodes too: what is lost beside them is missed as well.
      if (isAsked) expect(proof).toBeUndefined();
    }
    const atLeast = detectionProbability(32, 3, profile.windowChallenges);
    const deviation = Math.sqrt((atLeast * (1 - atLeast)) / rounds);
    expect(failed / rounds).toBeGreaterThan(atLeast - 4 * deviation);
  });
});
