/**
 * Attested pinning by its rules: which programs may run, who is admitted, and what is ordered. Money is added up after
 * every block that matters.
 */
import { attoFil, encode, epoch, equalBytes, filToAtto } from "@holdfast/base";
import {
  listPins,
  maxPinSlots,
  methods,
  pinSlotPrice,
  pinsStateCodec,
  readPin,
  vmExitCodes as x,
} from "@holdfast/consensus";
import { anyPlatform } from "@holdfast/proofs/attestation";
import { describe, expect, it } from "vitest";
import { brokenPins } from "./canaries.ts";
import { created, open } from "./multisigs.ts";
import { authority, nextProgram, operator, PinWorld, program, running, stake } from "./pin-world.ts";
import { account, alice, bob, carol, hash32 } from "./world.ts";

describe("the list of programs", () => {
  const ref = { kind: "software", program } as const;

  it("is the authority's, and names an end for each", () => {
    const world = new PinWorld();
    const { pins } = world.builtins;
    const entry = { ...ref, name: "tests", expires: epoch(70), platform: anyPlatform };
    expect(world.send(bob, pins, "pins.setProgram", entry).exitCode).toBe(x.notAuthorized);
    expect(world.send(authority, pins, "pins.setProgram", entry).exitCode).toBe(0);
    expect(world.ask(pins, "pins.getProgram", ref).returns).toEqual(entry);
    expect(world.ask(pins, "pins.getProgram", { ...ref, kind: "sgx-dcap" }).exitCode).toBe(
      x.programNotAllowed,
    );
  });

  it("is a multisig's where that is the authority: no signer alone, but all that it asks for", () => {
    // The same messages make it at the same address.
    const upgradeAuthority = created(new PinWorld());
    const world = new PinWorld({ params: { upgradeAuthority } });
    const { pins } = world.builtins;
    expect(created(world)).toBe(upgradeAuthority);
    expect(world.list(program)).toBe(x.notAuthorized);
    const { params } = methods.pins.setProgram;
    const platform = { ...anyPlatform, leastTcbEvaluation: 3 };
    const entry = { ...ref, name: "tests", expires: epoch(70), platform };
    const proposal = {
      ...{ to: pins, value: attoFil(0n), method: "setProgram", params: encode(params, entry) },
    };
    const proposed = world.send(alice, upgradeAuthority, "multisig.propose", proposal);
    const { transactionId = -1 } = proposed.returns ?? {};
    expect(world.ask(pins, "pins.getProgram", ref).exitCode).toBe(x.programNotAllowed);
    const { hash } = open(world, upgradeAuthority, transactionId);
    const approved = world.send(bob, upgradeAuthority, "multisig.approve", { transactionId, hash });
    expect(approved.returns?.outcome).toMatchObject({ exitCode: 0 });
    expect(world.ask(pins, "pins.getProgram", ref).returns).toEqual(entry);
    world.money();
  });

  it("takes none by software on a network that asks for real enclaves", () => {
    const world = new PinWorld({ params: { softwareAttestation: false } });
    expect(world.list(nextProgram)).toBe(x.programInvalid);
  });

  it("is cleared by anybody, after the end", () => {
    const world = new PinWorld();
    const { pins } = world.builtins;
    world.list(program, 30);
    expect(world.send(carol, pins, "pins.clearProgram", ref).exitCode).toBe(x.programNotOver);
    world.skipTo(30);
    expect(world.send(carol, pins, "pins.clearProgram", ref).exitCode).toBe(0);
    expect(world.send(carol, pins, "pins.clearProgram", ref).exitCode).toBe(x.programNotAllowed);
  });
});

describe("admission", () => {
  it("takes a stake and evidence of an allowed program, bound to who asks", () => {
    const world = new PinWorld();
    const node = world.admit("a");
    const { operator: by, status, validUntil, stake: locked, position } = node.state;
    expect({ by, status, locked, position }).toEqual({
      by: operator.address,
      status: "active",
      locked: stake,
      position: 0,
    });
    expect(validUntil).toBeGreaterThan(world.height + 1_990);
    expect(world.money().pins).toBe(stake);
  });

  type Refusal = [string, Parameters<PinWorld["tryAdmit"]>[1], number, string];
  const refusals: readonly Refusal[] = [
    ["a stake that is too small", { value: attoFil(stake - 1n) }, x.stakeTooSmall, ""],
    ["a program that is not listed", { program: nextProgram }, x.programNotAllowed, ""],
    [
      "evidence of another program than it names",
      { program: nextProgram, claimed: program },
      x.evidenceRefused,
      "measurement-not-allowed",
    ],
    ...(
      [
        ["made for another operator", { operator: carol.address }, "report-data-mismatch"],
        ["made for another peer", { peerId: "peer-of-somebody" }, "report-data-mismatch"],
        ["made for another network", { networkId: hash32("other") }, "report-data-mismatch"],
        ["bound to another draw", { nonceOf: 1 }, "report-data-mismatch"],
        ["of an enclave that can be looked into", { debug: true }, "debug-enabled"],
        ["with collateral that is out of date", { atSeconds: 1_600_000_000 }, "tcb-info-crl-expired"],
        ["of a platform that is revoked", { tcbStatus: "Revoked" }, "tcb-revoked"],
        ["of a platform whose certificate is revoked", { revoked: true }, "pck-certificate-revoked"],
        ["of a platform without updates", { tcbStatus: "OutOfDate" }, "tcb-out-of-date"],
      ] as const
    ).map(([what, given, code]) => [`evidence ${what}`, given, x.evidenceRefused, code] satisfies Refusal),
    ["a draw that is to come", { nonceEpoch: 1_000 }, x.nonceTooOld, ""],
    ["a draw that lies too far back", { nonceEpoch: 2 }, x.nonceTooOld, ""],
  ];
  it.each<Refusal>(refusals)("refuses %s, and keeps no money", (_, given, exitCode, code) => {
    const world = new PinWorld();
    world.skipTo(60);
    const refused = world.tryAdmit("a", given);
    expect(refused.exitCode).toBe(exitCode);
    expect(refused.text).toContain(code);
    expect(world.money().pins).toBe(0n);
  });

  it("asks of platforms what the line of the program says, from then on", () => {
    const world = new PinWorld();
    const refused = (name: string, given: Parameters<PinWorld["tryAdmit"]>[1] = {}): string => {
      const { exitCode, text } = world.tryAdmit(name, given);
      expect(exitCode).toBe(x.evidenceRefused);
      return text;
    };
    world.list(program, 1_000_000, { leastTcbEvaluation: 2 });
    expect(refused("a")).toContain("tcb-info-too-old");
    world.list(program, 1_000_000, { leastTcbEvaluation: 1, tcbStatuses: ["UpToDate"] });
    expect(refused("a", { tcbStatus: "SWHardeningNeeded" })).toContain("tcb-hardening-needed");
    const node = world.admit("a");
    // Raised: whoever is in keeps its time, and does not get in again by what was enough before.
    world.list(program, 1_000_000, { leastTcbEvaluation: 2 });
    world.skipTo(100);
    const renewal = { node: 0, publicKey: world.proofKey("a") };
    const renew = () => {
      const proof = world.proof(account("node a"), "peer-a");
      return world.send(operator, world.builtins.pins, "pins.renewNode", { ...renewal, proof });
    };
    expect(renew()).toMatchObject({ exitCode: x.evidenceRefused });
    expect(renew().text).toContain("tcb-info-too-old");
    expect(node.state.status).toBe("active");
    world.list(program);
    expect(renew().exitCode).toBe(0);
  });

  it("refuses a program whose time is over", () => {
    const world = new PinWorld();
    world.list(program, 20);
    world.skipTo(20);
    expect(world.tryAdmit("a").exitCode).toBe(x.programExpired);
  });

  it("gives a key and a peer id to one node: two stores cannot be paid for one", () => {
    const world = new PinWorld();
    world.admit("a");
    expect(world.tryAdmit("a").exitCode).toBe(x.pinNodeExists);
    expect(world.tryAdmit("a", {}, operator).exitCode).toBe(x.pinNodeExists);
    expect(world.money().pins).toBe(stake);
  });

  it("is renewed with newer evidence only, and the same again gains nothing", () => {
    const world = new PinWorld();
    const node = world.admit("a");
    const publicKey = world.proofKey("a");
    const before = node.state.validUntil;
    world.skipTo(100);
    const proof = world.proof(account("node a"), "peer-a");
    const renew = () =>
      world.send(operator, world.builtins.pins, "pins.renewNode", { node: 0, publicKey, proof });
    expect(renew().returns).toBeGreaterThan(before);
    expect(renew().exitCode).toBe(x.nonceTooOld);
    const stranger = world.send(carol, world.builtins.pins, "pins.renewNode", { node: 0, publicKey, proof });
    expect(stranger.exitCode).toBe(x.notOperator);
  });

  it("takes a new version and a new key: orders and reports stay", () => {
    const { world, a, order } = running();
    world.list(nextProgram);
    world.reportAll([a]);
    const before = a.state;
    const proof = world.proof(account("new key of a"), "peer-a", { program: nextProgram });
    const publicKey = world.proofKey("", account("new key of a"));
    const renewed = world.send(operator, world.builtins.pins, "pins.renewNode", {
      node: a.number,
      publicKey,
      proof,
    });
    expect(renewed.exitCode).toBe(0);
    world.nextSlot();
    const upgraded = world.withKey(a, account("new key of a"));
    expect(upgraded.submit().returns).toBe(1_000_000);
    const { set, index, program: runs } = upgraded.state;
    expect(set).toEqual(before.set);
    expect(index).toBe(before.index + 1_000_000);
    expect(equalBytes(runs, nextProgram)).toBe(true);
    expect(readPin(world.store, world.state, order.number)?.replicas).toHaveLength(3);
  });
});

describe("orders", () => {
  it("are paid beforehand for every node and slot, and what is too much comes back", () => {
    const world = new PinWorld();
    world.admit("a");
    const { root, bytes } = world.content.file("f", 4);
    const before = world.balance(alice.address);
    const { returns } = world.order(root, bytes, { wanted: 3, slots: 7, value: filToAtto(1n) });
    expect(returns).toBe(0);
    const cost = 3n * 7n * BigInt(bytes);
    expect(world.balance(alice.address)).toBe(before - cost);
    expect(world.money().pins).toBe(stake + cost);
    expect(pinSlotPrice(bytes, attoFil(2n ** 30n))).toBe(BigInt(bytes));
  });

  it("are refused where they are not possible, and keep no money", () => {
    const world = new PinWorld();
    world.admit("a", { capacity: 10_000, price: 5n });
    const { root, bytes } = world.content.file("f", 4);
    const cases: readonly (readonly [number, { exitCode: number }])[] = [
      [x.pinTermsInvalid, world.order(root, 0)],
      [x.pinTermsInvalid, world.order(root, bytes, { wanted: 0 })],
      [x.pinTermsInvalid, world.order(root, bytes, { slots: 0 })],
      [x.pinTermsInvalid, world.order(root, bytes, { price: 0n })],
      [x.pinUnderpaid, world.order(root, bytes, { value: 10n })],
      [x.noPinNodeFree, world.order(root, bytes, { price: 4n })],
      [x.noPinNodeFree, world.order(root, 10_001)],
    ];
    for (const [expected, { exitCode }] of cases) expect(exitCode).toBe(expected);
    expect(world.money().pins).toBe(stake);
  });

  it("are extended by anybody, to a bounded end", () => {
    const { world, order } = running();
    const { pins } = world.builtins;
    const end = readPin(world.store, world.state, order.number)?.endSlot ?? 0;
    const value = filToAtto(1n);
    const extend = (slots: number) =>
      world.send(carol, pins, "pins.extendPin", { pin: order.number, slots }, { value });
    expect(extend(0).exitCode).toBe(x.pinTermsInvalid);
    expect(extend(maxPinSlots).exitCode).toBe(x.pinTermsInvalid);
    expect(extend(5).returns).toBe(end + 5);
    const unpaid = world.send(carol, pins, "pins.extendPin", { pin: order.number, slots: 5 });
    expect(unpaid.exitCode).toBe(x.pinUnderpaid);
    world.toSlot(end + 5);
    expect(extend(5).exitCode).toBe(x.pinEnded);
    world.money();
  });

  it("end for the buyer alone, after the slot, and what was not used comes back", () => {
    const { world, order, a } = running();
    const { pins } = world.builtins;
    world.reportAll();
    expect(world.send(bob, pins, "pins.removePin", { pin: order.number }).exitCode).toBe(x.notBuyer);
    const before = world.balance(alice.address);
    const removed = world.send(alice, pins, "pins.removePin", { pin: order.number });
    // Of ten slots one can still be owed.
    expect(removed.returns).toBe(BigInt(order.bytes) * 3n * 9n);
    expect(world.balance(alice.address)).toBe(before + (removed.returns ?? 0n));
    world.nextSlot();
    expect(world.settle(order.number).returns).toBe(1);
    expect(a.state.earned).toBe(BigInt(order.bytes));
    expect(a.state.assignedBytes).toBe(0);
    expect(a.state.setCount).toBe(0);
    expect(world.balance(alice.address)).toBe(before + (removed.returns ?? 0n));
    world.money();
  });

  it("are listed page by page, and those that are over cost nothing however many they were", () => {
    const { world, order } = running();
    const many = 10 ** 12;
    const isAsGiven = brokenPins("addPin", (ctx, _, run) => {
      const before = ctx.readState(pinsStateCodec);
      ctx.writeState(pinsStateCodec, { ...before, nextOrder: many });
      return run();
    });
    world.useCodes(isAsGiven);
    expect(world.order(order.root, order.bytes).returns).toBe(many);
    world.useCodes(undefined);
    const page = (from: number, limit: number) => {
      const { entries, next } = listPins(world.store, world.state, { from, limit });
      return [entries.map(({ number }) => number), next];
    };
    expect(page(0, 10)).toEqual([[0, many], null]);
    expect(page(0, 1)).toEqual([[0], many]);
    expect([page(1, 1), page(many, 1), page(many + 1, 1)]).toEqual([
      [[many], null],
      [[many], null],
      [[], null],
    ]);
  });

  it("are drawn from nodes with room only, each once, and repaired from others", () => {
    const world = new PinWorld();
    for (const name of ["a", "b", "c", "d"]) world.admit(name, { capacity: name === "d" ? 100 : 5_000 });
    const { root, bytes } = world.content.file("f", 12);
    expect(world.order(root, bytes, { wanted: 5 }).returns).toBe(0);
    const replicas = readPin(world.store, world.state, 0)?.replicas.map(({ node }) => node) ?? [];
    expect([...replicas].sort()).toEqual([0, 1, 2]);
    world.admit("e");
    expect(world.send(carol, world.builtins.pins, "pins.repairPin", { pin: 0 }).returns).toBe(1);
    world.admit("f");
    expect(world.send(carol, world.builtins.pins, "pins.repairPin", { pin: 0 }).returns).toBe(1);
    const repair = world.send(carol, world.builtins.pins, "pins.repairPin", { pin: 0 });
    expect(repair.exitCode).toBe(x.nothingToRepair);
    world.money();
  });

  it("lose a node that leaves: it is paid to its last report, and another takes the place", () => {
    const { world, order, a } = running();
    world.admit("d");
    world.reportAll([a]);
    world.call("pins.leave", a.number);
    const found = world.send(carol, world.builtins.pins, "pins.repairPin", { pin: order.number });
    expect(found.returns).toBe(1);
    // The report of this very slot is not settled any more; those before it were of no slot that counts.
    expect(a.state.earned).toBe(0n);
    expect(a.state.setCount).toBe(0);
    const nodes = readPin(world.store, world.state, order.number)?.replicas.map(({ node }) => node);
    expect(nodes?.includes(a.number)).toBe(false);
    expect(nodes?.includes(3)).toBe(true);
    world.money();
  });
});
