/**
 * Verifiers of idle space show what they run, by the rules that pinning nodes are admitted by: evidence of a listed
 * program, bound to key, peer, operator, network and a draw; judged in the block.
 */
import type { Address } from "@holdfast/base";
import { epoch, filToAtto } from "@holdfast/base";
import { vmExitCodes as codes, isInOffice, readIdleVerifiers } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { accountOf, idleParams, registered, smallProfile, verifiers } from "./idle-world.ts";
import { nextProgram, PinWorld, program } from "./pin-world.ts";
import { type Account, account, alice, bob, carol, hash32 } from "./world.ts";

const key = account("the enclave of bob's verifier");
const otherKey = account("another enclave");
const operator = bob;

class VerifierWorld extends PinWorld {
  constructor(params = {}) {
    super({ params: { idle: idleParams, ...params }, idleVerifiers: [] });
    this.admitted(operator.address, "v");
    const paid = { value: filToAtto(10) };
    this.send(operator, this.builtins.idle, "idle.postBond", { verifier: operator.address }, paid);
  }

  admitted(address: Address, peerId: string, expires = 100_000): number {
    const given = { operator: address, peerId, expires: epoch(expires) };
    return this.send(alice, this.builtins.idle, "idle.admitVerifier", given).exitCode;
  }

  attest(given: Parameters<PinWorld["proof"]>[2] = {}, by: Account = operator, of: Account = key): number {
    const proof = this.proof(of, "v", { use: "idle-verifier", ...given });
    const sent = { publicKey: this.proofKey("", of), proof };
    return this.send(by, this.builtins.idle, "idle.attestVerifier", sent).exitCode;
  }

  get entry() {
    const found = readIdleVerifiers(this.store, this.state).find((one) => one.operator === operator.address);
    if (found === undefined) throw new RangeError("the verifier is admitted");
    return found;
  }
  get isInOffice(): boolean {
    return isInOffice(this.entry, this.params.idle, this.height + 1);
  }
}

describe("evidence of a verifier", () => {
  it("gives its key a voice, until it is too old", () => {
    const world = new VerifierWorld();
    expect(world.isInOffice).toBe(false);
    expect(world.attest()).toBe(0);
    expect(world.isInOffice).toBe(true);
    const { key: signs, runs, validUntil } = world.entry;
    expect([signs, runs?.kind, runs?.program]).toEqual([key.address, "software", program]);
    world.skipTo(validUntil - 1);
    expect(world.isInOffice).toBe(false);
    expect(world.attest()).toBe(0);
    expect(world.isInOffice).toBe(true);
    world.money();
  });

  const refusals: readonly (readonly [string, Parameters<PinWorld["proof"]>[2], number])[] = [
    ["of a program that is not listed", { program: nextProgram }, codes.programNotAllowed],
    ["of another program than it names", { program: nextProgram, claimed: program }, codes.evidenceRefused],
    ["that was made for a pinning node", { use: "pin-node" }, codes.evidenceRefused],
    ["that was made for another operator", { operator: carol.address }, codes.evidenceRefused],
    ["that was made for another peer", { peerId: "w" }, codes.evidenceRefused],
    ["that was made for another network", { networkId: hash32("other") }, codes.evidenceRefused],
    ["that is bound to another draw", { nonceOf: 1 }, codes.evidenceRefused],
    ["of an enclave that can be looked into", { debug: true }, codes.evidenceRefused],
    ["whose draw lies too far back", { nonceEpoch: 2 }, codes.nonceTooOld],
  ];
  it.each(refusals)("is refused: %s", (_, given, exitCode) => {
    const world = new VerifierWorld();
    world.skipTo(60);
    expect(world.attest(given)).toBe(exitCode);
    expect(world.entry.key).toBeNull();
  });

  it("is refused where there is none by software, of a program whose time is over, and of who was not admitted", () => {
    const world = new VerifierWorld();
    expect(world.attest({ operator: carol.address }, carol)).toBe(codes.verifierUnknown);
    world.list(program, 30);
    world.skipTo(30);
    expect(world.attest()).toBe(codes.programExpired);
    const strict = new VerifierWorld({ softwareAttestation: false });
    expect(strict.attest()).toBe(codes.programNotAllowed);
  });

  it("is renewed by newer evidence only, and not of another peer than before", () => {
    const world = new VerifierWorld();
    const nonceEpoch = world.height;
    expect(world.attest({ nonceEpoch })).toBe(0);
    expect(world.attest({ nonceEpoch })).toBe(codes.nonceTooOld);
    expect(world.admitted(operator.address, "v", 90_000)).toBe(0);
    expect(world.isInOffice).toBe(true);
    expect(world.admitted(operator.address, "w")).toBe(0);
    expect(world.isInOffice).toBe(false);
    expect(world.attest()).toBe(codes.evidenceRefused);
    expect(world.attest({ peerId: "w" })).toBe(0);
  });

  it("of a new program brings a new key, one in the time in which a lie can be shown", () => {
    const world = new VerifierWorld();
    world.attest();
    world.list(nextProgram);
    world.skipTo(world.height + 5);
    const upgrade = () => world.attest({ program: nextProgram }, operator, otherKey);
    expect(upgrade()).toBe(codes.verifierKeyTooNew);
    world.skipTo(world.height + world.params.finalityEpochs);
    expect(upgrade()).toBe(0);
    const { key: signs, formerKey, bond } = world.entry;
    expect([signs, formerKey, bond]).toEqual([otherKey.address, key.address, filToAtto(10)]);
    expect(world.attest()).toBe(codes.verifierKeyTooNew);
    world.money();
  });

  it("binds a key to one verifier, also the one before", () => {
    const world = new VerifierWorld();
    world.attest();
    world.admitted(carol.address, "v");
    expect(world.attest({ operator: carol.address }, carol)).toBe(codes.verifierInvalid);
    expect(world.attest({ operator: carol.address }, carol, otherKey)).toBe(0);
  });

  it("is judged for the actor of idle space only", () => {
    const world = new VerifierWorld();
    const proof = world.proof(key, "v", { use: "idle-verifier" });
    const asked = { publicKey: world.proofKey("", key), peerId: "v", operator: operator.address, proof };
    expect(world.send(operator, world.builtins.pins, "pins.judgeVerifier", asked).exitCode).not.toBe(0);
  });
});

describe("a verifier whose program may run no more", () => {
  it("has no voice from then on, however long its evidence would count", () => {
    const [verifier] = verifiers as [Account];
    const vouched = { operator: verifier.address, key: verifier.address, peerId: "v", bond: filToAtto(10) };
    const world = new PinWorld({
      params: { idle: idleParams },
      idleVerifiers: [{ ...vouched, expires: epoch(100_000) }],
    });
    const space = registered(world);
    world.transfer(alice, verifier.address, filToAtto(1));
    const proof = world.proof(verifier, "v", { use: "idle-verifier", operator: verifier.address });
    const sent = { publicKey: world.proofKey("", verifier), proof };
    expect(world.send(verifier, world.builtins.idle, "idle.attestVerifier", sent).exitCode).toBe(0);
    space.fill(1);
    space.announce();
    world.mineTo(world.height + idleParams.drawDelayEpochs);
    world.list(program, world.height + 1);
    expect(space.certify(space.certification()).exitCode).toBe(codes.verifierNotSeated);
    world.list(program);
    expect(space.certify(space.certification()).exitCode).toBe(0);
  });
});

describe("a lying verifier that has attested", () => {
  it("pays once for a lie, also under the key before, and not for it when it is admitted again", () => {
    const world = new PinWorld({
      params: { idle: { ...idleParams, seats: 3 } },
      idleVerifiers: verifiers.map(({ address }) => ({
        ...{ operator: address, key: address, peerId: "v", bond: filToAtto(10), expires: epoch(100_000) },
      })),
    });
    const { idle } = world.builtins;
    const space = registered(world);
    space.fill(smallProfile.keptLayers);
    space.untilChallenged();
    const answers = space.answers().map((answer) => answer.with(answer.length - 1, 1));
    const { randomness, state } = space.audit;
    space.answer(answers);
    const until = epoch(space.record.challenge?.settleBy ?? 0);
    const [liar] = space.seated(randomness);
    if (liar === undefined) throw new RangeError("somebody has a seat");
    const verdict = space.verdict(answers, liar, until);
    const opened = space.opened(answers, 0);
    const accuse = () =>
      world.send(bob, idle, "idle.accuseVerifier", { verdict, state, randomness, opened }).exitCode;
    const attest = (of: Account): number => {
      const proof = world.proof(of, "v", { use: "idle-verifier", operator: liar.address });
      const sent = { publicKey: world.proofKey("", of), proof };
      return world.send(accountOf(liar.address), idle, "idle.attestVerifier", sent).exitCode;
    };
    world.transfer(alice, liar.address, filToAtto(1));
    world.skipTo(Math.max(world.params.finalityEpochs, until) + 1);
    expect(attest(key)).toBe(0);
    expect(accuse()).toBe(0);
    expect(accuse()).toBe(codes.verifierUnknown);
    const admission = { operator: liar.address, peerId: "v", expires: epoch(100_000) };
    world.send(alice, idle, "idle.admitVerifier", admission);
    world.send(bob, idle, "idle.postBond", { verifier: liar.address }, { value: filToAtto(10) });
    expect(attest(liar)).toBe(0);
    expect(accuse()).toBe(codes.idleEvidenceInvalid);
    world.money();
  });
});
