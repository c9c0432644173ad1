/** What a verifier has signed is looked at before a miner stakes anything on it. */
import {
  accountAddress,
  blake2b256,
  epoch,
  publicKeyOf,
  seedAddress,
  signRecoverable,
  utf8Bytes,
} from "@holdfast/base";
import { type IdleVerdict, idleVerdictBytes } from "@holdfast/consensus";
import {
  emptyIdleRange,
  type IdleAppend,
  type IdleCertificate,
  idleCertificateSigningBytes,
  idleProfiles,
  idleStateDigest,
  proposeIdleAppend,
  startIdleState,
} from "@holdfast/proofs";
import { expect, it } from "vitest";
import { isCertificateOf, isVerdictOn } from "../../src/verifier/worth.ts";

const keyOf = (name: string): Uint8Array => blake2b256(utf8Bytes(name));
const key = keyOf("verifier");
const verifier = accountAddress(1, publicKeyOf(key));
const bytes = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const networkId = bytes(1);

it("a verdict on other answers, over too soon, or not signed by its verifier is worth nothing", () => {
  const about = { networkId, audit: bytes(2), total: bytes(3), settleBy: 40 };
  const isWorth = (change: Partial<IdleVerdict> = {}, by = key): boolean => {
    const verdict = { verifier, audit: bytes(2), total: bytes(3), validUntil: epoch(40), ...change };
    return isVerdictOn(
      { verdict, signature: signRecoverable(by, idleVerdictBytes(verdict, networkId)) },
      about,
    );
  };
  expect(isWorth()).toBe(true);
  expect(isWorth({ audit: bytes(4) })).toBe(false);
  expect(isWorth({ total: bytes(4) })).toBe(false);
  expect(isWorth({ validUntil: epoch(39) })).toBe(false);
  expect(isWorth({}, keyOf("another"))).toBe(false);
});

it("a certificate for another state, over too soon, or not signed by its verifier is worth nothing", () => {
  const profile = idleProfiles.get("idle-32KiB");
  if (profile === undefined) throw new RangeError("the small profile is there");
  const miner = seedAddress(1, "miner");
  const state = startIdleState({ networkId, miner, profile: profile.id, nonce: bytes(5) });
  const before = idleStateDigest(state);
  const roots = { columnRoot: bytes(6), fileRoots: Array.from({ length: profile.files }, () => bytes(7)) };
  const append: IdleAppend = { before, range: emptyIdleRange, roots, under: null, validUntil: epoch(99) };
  const change = proposeIdleAppend(state, profile, append, 9);
  if ("refused" in change) throw new RangeError(change.refused);
  const isWorth = (other: Partial<IdleCertificate> = {}, by = key): boolean => {
    const certificate = { before, after: change.state, validUntil: epoch(10), verifier, ...other };
    const signature = signRecoverable(by, idleCertificateSigningBytes(certificate));
    return isCertificateOf({ certificate, signature }, { state, profile, append, height: 9 });
  };
  expect(isWorth()).toBe(true);
  expect(isWorth({ after: { ...change.state, root: bytes(8) } })).toBe(false);
  expect(isWorth({ before: bytes(8) })).toBe(false);
  expect(isWorth({ validUntil: epoch(9) })).toBe(false);
  expect(isWorth({}, keyOf("another"))).toBe(false);
});
