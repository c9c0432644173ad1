/** The table of methods as callers see it, and who may call what across actors. */
import { attoFil, c, encode, epoch, filToAtto } from "@holdfast/base";
import type { ActorMethod } from "@holdfast/consensus";
import { exitCodeTable, methods, none, vmExitCodes } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { codesWith } from "./canaries.ts";
import { alice, bob, codecsOf, createMiner, type MethodPath, World, workerKey } from "./world.ts";

const names = Object.fromEntries(
  Object.entries(methods).map(([actor, table]) => [actor, Object.keys(table)]),
);

const marketMethods = [
  "createMiner",
  "updatePower",
  "updateIdlePower",
  "enrolDeadline",
  "getGapEnd",
  "getTotalPower",
  "getMinerPower",
  "listMiners",
  "sectorsLost",
  "addBalance",
  "withdrawBalance",
  "getBalance",
  "publishDeals",
  "activateDeal",
  "extendDeal",
  "releaseDeal",
  "reportCancelledChannel",
  "settleDeals",
  "getDeal",
  "verifyDeal",
  "verifyRelease",
  "cronTick",
];

const idleMethods = [
  "admitVerifier",
  "attestVerifier",
  "removeVerifier",
  "postBond",
  "withdrawBond",
  "accuseVerifier",
  "register",
  "deposit",
  "withdraw",
  "announce",
  "giveUp",
  "certify",
  "release",
  "answer",
  "settle",
  "leave",
  "minerSlashed",
  "getMiner",
  "getVerifiers",
  "cronTick",
];

const pinMethods = [
  "setProgram",
  "clearProgram",
  "admitNode",
  "renewNode",
  "setNodeTerms",
  "leave",
  "withdrawStake",
  "claimEarned",
  "addPin",
  "extendPin",
  "removePin",
  "settlePins",
  "repairPin",
  "submitReport",
  "disprove",
  "reportEquivocation",
  "challengeSample",
  "answerChallenge",
  "closeChallenge",
  "askOrder",
  "answerAsk",
  "closeAsk",
  "judgeVerifier",
  "getNode",
  "findNode",
  "getPin",
  "getProgram",
  "getSlotPrice",
  "getHeld",
];

describe("methods", () => {
  it("are these, by name", () => {
    expect(names).toEqual({
      account: [],
      init: [
        "createMultisig",
        "scheduleUpgrade",
        "cancelUpgrade",
        "getProtocol",
        "getNetworkParams",
        "getNetworkName",
      ],
      market: marketMethods,
      miner: [
        "addAsk",
        "getAsks",
        "getAsk",
        "getOwner",
        "getWorker",
        "getWorkerKey",
        "getPeerId",
        "updatePeerId",
        "changeWorker",
        "confirmWorker",
        "changeOwner",
        "acceptOwner",
        "preCommitSector",
        "commitSector",
        "submitPost",
        "declareFaults",
        "declareRecovery",
        "extendSectors",
        "terminateSectors",
        "withdraw",
        "getPower",
        "getFreeBalance",
        "getSector",
        "getProvingDeadline",
        "verifyPieceInclusion",
        "getParties",
        "proveDealPieces",
        "getSectorsHealth",
        "reportConsensusFault",
        "onDeadline",
      ],
      broker: [
        "createChannel",
        "openChannel",
        "extend",
        "cancel",
        "reclaim",
        "redeem",
        "close",
        "voucher",
        "getChannel",
        "ls",
        "getEscrow",
      ],
      reward: ["awardBlock", "getPaid"],
      pins: pinMethods,
      multisig: ["propose", "approve", "cancel", "getMultisig", "getTransaction", "getFreeBalance"],
      idle: idleMethods,
    });
  });

  it("that take money are these", () => {
    const payable = Object.entries(methods).flatMap(([actor, table]) =>
      Object.entries<ActorMethod<unknown, unknown>>(table)
        .filter(([, method]) => method.payable === true)
        .map(([name]) => `${actor}.${name}`),
    );
    expect(payable).toEqual([
      "init.createMultisig",
      "market.createMiner",
      "market.addBalance",
      "market.publishDeals",
      "market.extendDeal",
      "miner.preCommitSector",
      "broker.createChannel",
      "broker.openChannel",
      "broker.extend",
      "idle.postBond",
      "idle.register",
      "idle.deposit",
      "pins.admitNode",
      "pins.addPin",
      "pins.extendPin",
      "pins.challengeSample",
      "pins.askOrder",
    ]);
  });

  it("without parameters take an empty list and nothing else", () => {
    const { params } = codecsOf("miner.getOwner");
    expect(encode(params, none)).toEqual(Uint8Array.of(0x80));
  });

  it("refuse trailing, missing and mistyped parameters before they run", () => {
    const world = new World();
    const miner = createMiner(world);
    const calls: readonly (readonly [string, readonly number[]])[] = [
      ["withdraw", []],
      ["withdraw", [0x80]],
      ["withdraw", [0x82, 0x40, 0x40]],
      ["withdraw", [0x81, 0x01]],
      ["withdraw", [0x81, 0x40, 0x00]],
      ["commitSector", [0x82, 0x20, 0x40]],
      ["submitPost", [0x82, 0x01, 0x60]],
    ];
    for (const [name, params] of calls) {
      const { exitCode } = world.sendRaw(alice, miner, name, Uint8Array.from(params));
      expect(exitCode).toBe(vmExitCodes.invalidParams);
    }
  });

  it("charge gas for every call, and end a call whose gas runs out without effect", () => {
    const world = new World();
    const miner = createMiner(world);
    const getters: readonly MethodPath[] = ["miner.getOwner", "miner.getPower", "miner.getAsks"];
    for (const path of getters) {
      expect(world.ask(miner, path, none).gasUsed).toBeGreaterThan(0);
    }
    const peerId = { peerId: "other-peer" };
    const { exitCode } = world.send(alice, miner, "miner.updatePeerId", peerId, { gasLimit: 3_300 });
    expect(exitCode).toBe(vmExitCodes.outOfGas);
    expect(world.ask(miner, "miner.getPeerId", none).returns).toBe("peer-of-the-tests");
  });

  it("never end with a code that has two meanings", () => {
    expect(new Set(exitCodeTable.map((row) => row.code)).size).toBe(exitCodeTable.length);
  });
});

describe("calls from an actor that is no account", () => {
  /** The reward actor with a method more: it passes a call of the broker or the market on. */
  const forward: ActorMethod<{ readonly toBroker: boolean; readonly params: Uint8Array }, number> = {
    params: c.tuple("Forward", { toBroker: c.bool, params: c.bytes(1_000) }),
    returns: c.uint(),
    run(ctx, { toBroker, params }) {
      const to = toBroker ? ctx.builtins.broker : ctx.builtins.market;
      return ctx.send(to, toBroker ? "createChannel" : "createMiner", filToAtto(1n), params).exitCode;
    },
  };
  const world = new World({ codes: codesWith("reward", "forward", forward) });
  const send = (toBroker: boolean, params: Uint8Array): number => {
    const bytes = encode(forward.params, { toBroker, params });
    const { exitCode, returns } = world.sendRaw(alice, world.builtins.reward, "forward", bytes);
    return exitCode === 0 ? (returns[1] ?? returns[0] ?? -1) : -exitCode;
  };

  it("cannot open channels", () => {
    const params = encode(codecsOf("broker.createChannel").params, {
      target: bob.address,
      eol: epoch(400),
    });
    expect(send(true, params)).toBe(vmExitCodes.notAccount);
    expect(world.money().escrow).toBe(0n);
  });

  it("cannot create miners", () => {
    const given = { worker: bob.address, workerKey, peerId: "peer" };
    expect(send(false, encode(codecsOf("market.createMiner").params, given))).toBe(vmExitCodes.notAuthorized);
    expect(world.ask(world.builtins.market, "market.listMiners", { from: 0, limit: 9 }).returns?.total).toBe(
      1,
    );
    expect(world.balance(world.builtins.market)).toBe(attoFil(0n));
  });
});
