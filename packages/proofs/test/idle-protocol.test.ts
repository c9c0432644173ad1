/**
 * The protocol of idle space. The range is compared with a model that holds all leaves; a space grows layer by layer
 * and shrinks file by file through what a verifier and a chain would judge; and whatever is not exactly that is
 * refused: another state, miner, network, registration, challenge or position, a path too short.
 */
import {
  accountAddress,
  type Codec,
  decode,
  encode,
  HoldfastError,
  publicKeyOf,
  seedAddress,
  sha256,
  signRecoverable,
  toHex,
} from "@holdfast/base";
import {
  emptyIdleRange,
  extendIdleRange,
  type IdleAppend,
  type IdleAppendChallenge,
  type IdleCertificate,
  type IdleRange,
  IdleRangeTree,
  type IdleState,
  idleAppendCodec,
  idleAppendDigest,
  idleCertificateSigningBytes,
  idleRangeRoot,
  idleReleaseCodec,
  idleSessionCodec,
  idleStateDigest,
  isIdleMember,
  isIdleRange,
  proposeIdleAppend,
  refuseIdleCertificate,
  releaseIdleFiles,
  signedIdleCertificateCodec,
  verifyIdleAppend,
  verifyIdleRelease,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seedOf } from "./idle-fixtures.ts";
import { grown, profile, until } from "./idle-space.ts";
import { flipBit, holds } from "./vectors.ts";

const leaf = (n: number): Uint8Array => sha256(new Uint8Array([n % 256, Math.floor(n / 256)]));

/** All nodes from all leaves, by the definition. */
class Model {
  leaves: Uint8Array[] = [];

  get range(): IdleRange {
    return extendIdleRange(emptyIdleRange, this.leaves);
  }
}

describe("the range of files", () => {
  it("is what it was", () => {
    const leaves = Array.from({ length: 13 }, (_none, n) => leaf(n));
    const roots = [0, 1, 2, 8, 13].map((count) =>
      toHex(idleRangeRoot(extendIdleRange(emptyIdleRange, leaves.slice(0, count)))),
    );
    expect(roots).toEqual([
      "5b8223f31410ea3d1c28e47c5a311601a2640df31427b2c5fb49ec5b61b92688",
      "eee8b08ca8f7d2205563413049110adc8d2041cd59693ea627caa5ccef847caf",
      "2990ff6811e9d7196bb2f82c9cf5eaeb7666a81e45a7f9347d9bea86118a5297",
      "2f6188d851fdcc696e376689fcc8588d3dfdfaa0075aff0159029c47a403847e",
      "fb7f4e55817de249d3c8df894a5ad97b6a833111049e60ef8028600b37c70fce",
    ]);
  });

  it("keeps what paths need, through appends, cuts and releases, and no more", () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant("append" as const) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("cut" as const), share: fc.nat(100) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("release" as const), share: fc.nat(100) }) },
    );
    holds(
      fc.property(fc.constantFrom(1, 2, 4), fc.array(step, { maxLength: 40 }), (group, steps) => {
        const tree = new IdleRangeTree(group);
        const model = new Model();
        let front = 0;
        for (const one of steps) {
          const rear = model.leaves.length;
          if (one.kind === "append") {
            const added = Array.from({ length: group }, (_none, i) => leaf(rear + i));
            tree.append(added);
            model.leaves.push(...added);
          } else if (one.kind === "release") {
            front += Math.floor(((rear - front) * one.share) / 100);
            tree.forget(front);
          } else {
            const least = Math.ceil(front / group);
            const groups = least + Math.floor(((rear / group - least) * one.share) / 100);
            tree.cut(groups * group);
            model.leaves.length = groups * group;
          }
          check(tree, model, front, group);
        }
        expect(tree.bytes).toBeLessThan(33 * 128 + 16 * (model.leaves.length - front + 40) * 32);
      }),
      { numRuns: 60 },
    );
  });

  it("is taken up behind everything that was released", () => {
    for (let count = 0; count < 20; count += 1) {
      const leaves = Array.from({ length: count }, (_none, n) => leaf(n));
      const tree = new IdleRangeTree(1);
      tree.beginWith(extendIdleRange(emptyIdleRange, leaves));
      const model = new Model();
      model.leaves = leaves;
      for (let n = count; n < count + 9; n += 1) {
        tree.append([leaf(n)]);
        model.leaves.push(leaf(n));
      }
      check(tree, model, count, 1);
    }
  });

  it("shows a member at its own number only", () => {
    const leaves = Array.from({ length: 11 }, (_none, n) => leaf(n));
    const tree = new IdleRangeTree(1);
    for (const one of leaves) tree.append([one]);
    const range = tree.peaks();
    for (let n = 0; n < 11; n += 1) {
      const path = tree.path(n, [leaf(n)]);
      for (let m = -1; m < 12; m += 1) expect(isIdleMember(range, m, leaf(n), path)).toBe(n === m);
      expect(isIdleMember(range, n, leaf(n + 1), path)).toBe(false);
      expect(isIdleMember(range, n, leaf(n), [...path, leaf(0)])).toBe(false);
      if (path.length > 0) expect(isIdleMember(range, n, leaf(n), path.slice(1))).toBe(false);
    }
    expect(isIdleMember({ leaves: 4, peaks: range.peaks.slice(0, 1) }, 3.5, leaf(3), [])).toBe(false);
    expect(isIdleRange({ leaves: 11, peaks: range.peaks.slice(1) })).toBe(false);
    expect(isIdleRange({ leaves: -1, peaks: [] })).toBe(false);
  });
});

function check(tree: IdleRangeTree, model: Model, front: number, group: number): void {
  const range = model.range;
  expect(tree.peaks()).toEqual(range);
  for (let n = front; n < model.leaves.length; n += 1) {
    const first = n - (n % group);
    const path = tree.path(n, model.leaves.slice(first, first + group));
    expect(isIdleMember(range, n, model.leaves[n] as Uint8Array, path)).toBe(true);
  }
}

describe("a space grows", () => {
  const challengeOf = (append: IdleAppend): IdleAppendChallenge => ({
    append: idleAppendDigest(append),
    height: until,
    nonce: seedOf(4),
    validUntil: until,
  });

  it("layer by layer, each shown to be labelled, from one set into the next", () => {
    for (let layers = 0; layers < 4; layers += 1) {
      const space = grown(layers);
      const append = space.request();
      const challenge = challengeOf(append);
      const proof = space.proof(append, challenge, seedOf(5));
      const given = { state: space.state, profile, append, challenge, randomness: seedOf(5), height: 9 };
      const change = verifyIdleAppend(given, proof);
      if ("refused" in change) throw new Error(change.refused);
      const { rear, front, sequence } = change.state;
      expect({ rear, front, sequence }).toEqual({ rear: 4 * (layers + 1), front: 0, sequence: layers + 1 });
      const refused = (other: Partial<typeof given>, bytes = proof) =>
        verifyIdleAppend({ ...given, ...other }, bytes);
      expect(refused({}, flipBit(proof, 77))).toEqual({ refused: "bad-proof" });
      expect(refused({ randomness: seedOf(6) })).toEqual({ refused: "bad-proof" });
      expect(refused({ challenge: { ...challenge, nonce: seedOf(9) } })).toEqual({ refused: "bad-proof" });
      expect(refused({ challenge: { ...challenge, append: seedOf(9) } })).toEqual({ refused: "stale" });
      expect(refused({ height: 101 })).toEqual({ refused: "expired" });
    }
  });

  it("on exactly the state that it names", () => {
    const space = grown(1);
    const append = space.request();
    const propose = (other: Partial<IdleAppend>, state: Partial<IdleState> = {}) =>
      proposeIdleAppend({ ...space.state, ...state }, profile, { ...append, ...other }, 9);
    expect(propose({})).toMatchObject({ state: { rear: 8, sequence: 2 } });
    for (const other of [{ nonce: seedOf(9) }, { miner: seedAddress(1, "other") }, { sequence: 2 }]) {
      expect(propose({}, other)).toEqual({ refused: "stale" });
    }
    expect(propose({ under: null })).toEqual({ refused: "bad-layer-under" });
    const under = append.under as NonNullable<typeof append.under>;
    expect(propose({ under: { ...under, columnRoot: seedOf(1) } })).toEqual({ refused: "bad-layer-under" });
    expect(propose({ under: { ...under, fileRoots: [] } })).toEqual({ refused: "bad-layer-under" });
    const fewer = { ...append.roots, fileRoots: append.roots.fileRoots.slice(1) };
    expect(propose({ roots: fewer })).toEqual({ refused: "bad-layer" });
    expect(propose({ range: { ...append.range, peaks: [seedOf(1)] } })).toEqual({ refused: "bad-peaks" });
    expect(propose({ range: emptyIdleRange })).toEqual({ refused: "bad-peaks" });
    const first = grown(0);
    const wrong = { ...first.request(), under };
    expect(proposeIdleAppend(first.state, profile, wrong, 9)).toEqual({ refused: "bad-layer-under" });
  });
});

describe("a space shrinks", () => {
  it("from the front, by no more than there is", () => {
    const { state } = grown(2);
    const release = { before: idleStateDigest(state), count: 3, validUntil: until };
    expect(verifyIdleRelease(state, release, 100)).toEqual({
      state: { ...state, front: 3, sequence: state.sequence + 1 },
    });
    expect(verifyIdleRelease(state, release, 101)).toEqual({ refused: "expired" });
    expect(verifyIdleRelease({ ...state, sequence: 5 }, release, 9)).toEqual({ refused: "stale" });
    for (const count of [0, -1, 1.5, 9]) {
      expect(releaseIdleFiles(state, count)).toEqual({ refused: "bad-count" });
    }
    const empty = releaseIdleFiles(state, 8);
    expect(empty).toMatchObject({ state: { front: 8, rear: 8 } });
  });
});

describe("a certificate", () => {
  const key = seedOf(7);
  const verifier = accountAddress(1, publicKeyOf(key));
  const space = grown(2);
  const { state } = space;
  const released = releaseIdleFiles(state, 3);
  const after = "state" in released ? released.state : state;
  const sign = (certificate: IdleCertificate) => ({
    certificate,
    signature: signRecoverable(key, idleCertificateSigningBytes(certificate)),
  });
  const certificate = { before: idleStateDigest(state), after, validUntil: until, verifier };

  it("leads on from one state, until its time, once", () => {
    const signed = sign(certificate);
    expect(decode(signedIdleCertificateCodec, encode(signedIdleCertificateCodec, signed))).toEqual(signed);
    expect(refuseIdleCertificate(signed, state, profile, 100)).toBeUndefined();
    expect(refuseIdleCertificate(signed, state, profile, 101)).toBe("expired");
    expect(refuseIdleCertificate(signed, after, profile, 9)).toBe("stale");
    const other = { ...signed, signature: flipBit(signed.signature, 5) };
    expect(refuseIdleCertificate(other, state, profile, 9)).toBe("bad-proof");
  });

  it("cannot say what no change makes", () => {
    const bad = (other: Partial<IdleState>) =>
      refuseIdleCertificate(sign({ ...certificate, after: { ...after, ...other } }), state, profile, 9);
    expect(bad({ sequence: after.sequence + 1 })).toBe("stale");
    for (const other of [
      { front: 9 },
      { front: state.front },
      { rear: 12 },
      { rear: 4 },
      { rear: 10 },
      { root: seedOf(1) },
      { top: seedOf(1) },
      { miner: seedAddress(1, "other") },
      { networkId: seedOf(2) },
      { nonce: seedOf(9) },
      { profile: "idle-1MiB" },
    ]) {
      expect(bad(other)).toBe("bad-state");
    }
  });
});

describe("messages", () => {
  it("have one encoding, and nothing else is taken for one", () => {
    const space = grown(1);
    const release = { before: seedOf(1), count: 3, validUntil: until };
    const session = { purpose: "log-out" as const, state: seedOf(1), nonce: seedOf(2), validUntil: until };
    once(idleAppendCodec, space.request());
    once(idleReleaseCodec, release);
    once(idleSessionCodec, session);
    once(idleSessionCodec, { ...session, purpose: "register" });
  });
});

function once<T>(codec: Codec<T>, value: T): void {
  const bytes = encode(codec, value);
  expect(decode(codec, bytes)).toEqual(value);
  holds(
    fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
      const other = flipBit(bytes, bit);
      try {
        expect(encode(codec, decode(codec, other))).toEqual(other);
      } catch (error) {
        expect(error).toBeInstanceOf(HoldfastError);
      }
    }),
    { numRuns: 100 },
  );
}
