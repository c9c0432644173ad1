/**
 * An actor that tries everything an actor must not do, as Lotus' chaos actor does: each attempt ends with the code
 * it deserves, without effect on anybody's state or money. What it tries in vain it can also try to hide: it catches
 * what is thrown at it. What it may not have of the VM itself is in chaos-context.test.ts.
 */
import type { Address } from "@holdfast/base";
import { attoFil, c, decode, encode, epoch, putObject, rawCid, utf8Bytes } from "@holdfast/base";
import type { ActorContext } from "@holdfast/consensus";
import {
  builtinAddresses,
  codeNameOfCid,
  codeNames,
  maxCallDepth,
  methods,
  vmExitCodes as x,
} from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import {
  type Attempt,
  alice,
  bob,
  chaosAddress,
  fresh,
  miner,
  noParams,
  nothing,
  only,
  run,
  script,
  send,
  stateCodec,
  swallow,
} from "./support/chaos.ts";

const builtins = builtinAddresses(1);
let leaked: ActorContext | undefined;

describe("an actor that means harm cannot", () => {
  const visible: readonly (readonly [what: string, saw: number, attempt: Attempt])[] = [
    ["send what it does not have", x.insufficientBalance, (ctx) => send(ctx, bob.address, "", 10n ** 30n)],
    ["take by sending a negative value", x.negativeValue, (ctx) => send(ctx, bob.address, "", -5n)],
    ["send to itself", x.selfSend, (ctx) => send(ctx, chaosAddress, "again")],
    ["call what has no code", x.noActorCode, (ctx) => send(ctx, fresh, "withdraw")],
    ["call a method of an account", x.unknownMethod, (ctx) => send(ctx, bob.address, "withdraw")],
    ["call an inherited name", x.unknownMethod, (ctx) => send(ctx, builtins.market, "toString")],
    ["call a constructor", x.unknownMethod, (ctx) => send(ctx, miner, "constructor")],
    ["reward itself", x.notAuthorized, (ctx) => send(ctx, builtins.reward, "awardBlock")],
    ["turn the network's clock", x.notAuthorized, (ctx) => send(ctx, builtins.market, "cronTick")],
    ["judge a miner", x.notAuthorized, (ctx) => send(ctx, miner, "onDeadline")],
    ["create a miner in a user's place", x.notAuthorized, (ctx) => send(ctx, builtins.market, "createMiner")],
    [
      "give itself power",
      x.unknownMiner,
      (ctx) => {
        const given = { added: 1_000n, removed: 0n, faulty: 0n };
        const params = encode(methods.market.updatePower.params, given);
        return send(ctx, builtins.market, "updatePower", 0n, params);
      },
    ],
    [
      "empty a miner",
      x.notOwner,
      (ctx) =>
        send(ctx, miner, "withdraw", 0n, encode(methods.miner.withdraw.params, { amount: attoFil(1n) })),
    ],
    ["pay a getter", x.insufficientBalance, (ctx) => send(ctx, miner, "getOwner", 1n)],
    ["hand over malformed parameters", x.invalidParams, (ctx) => send(ctx, miner, "getOwner", 0n, nothing)],
  ];
  it.each(visible)("%s", (_, saw, tried) => {
    const result = run(tried);
    expect(result.receipt.exitCode).toBe(x.ok);
    expect(result.saw).toBe(saw);
  });

  const ending: readonly (readonly [what: string, exitCode: number, attempt: Attempt])[] = [
    ["draw tomorrow's randomness", x.randomnessOutOfRange, (ctx) => ctx.rand(epoch(5), "t", nothing).length],
    [
      "take another actor's place",
      x.actorExists,
      only((ctx) => ctx.createNewActor(builtins.market, "testactor", noParams)),
    ],
    [
      "take an account's place",
      x.actorExists,
      only((ctx) => ctx.createNewActor(alice.address, "testactor", noParams)),
    ],
    [
      "create a miner behind the market's back",
      x.notAuthorized,
      only((ctx) => ctx.createNewActor(ctx.addressForNewActor(), codeNames.miner, noParams)),
    ],
    [
      "fill the state without paying for it",
      x.outOfGas,
      (ctx) => {
        for (let i = 0; i < 1_000; i++) ctx.writeState(c.bytes(2_000), new Uint8Array(2_000));
        return 0;
      },
    ],
  ];
  it.each(ending)("%s", (_, exitCode, tried) => {
    const { receipt, actor } = run(tried);
    expect(receipt.exitCode).toBe(exitCode);
    expect(actor(chaosAddress)?.head).toBeNull();
  });

  it("live on by catching its own failure", () => {
    const { receipt, actor } = run((ctx) => {
      swallow(() => ctx.fail(500, "caught"));
      ctx.writeState(stateCodec, { value: 2 });
      return 0;
    });
    expect(receipt.exitCode).toBe(500);
    expect(actor(chaosAddress)?.head).toBeNull();
  });

  it("work for nothing by catching the end of its gas", () => {
    const { receipt, actor } = run((ctx) => {
      for (let i = 0; i < 100; i++) swallow(() => ctx.charge(1_000_000_000));
      return 0;
    });
    expect(receipt).toMatchObject({ exitCode: x.outOfGas, gasUsed: 1_000_000 });
    expect(actor(chaosAddress)?.head).toBeNull();
  });

  it("keep half a creation by catching its failure", () => {
    let place: Address | undefined;
    const { receipt, actor } = run((ctx) => {
      const inner = script.attempt;
      place = ctx.addressForNewActor();
      script.attempt = (constructing) => constructing.fail(321, "no");
      swallow(() => ctx.createNewActor(place as Address, "testactor", noParams));
      script.attempt = inner;
      return 0;
    });
    expect(receipt.exitCode).toBe(321);
    expect(actor(place as Address)).toBeUndefined();
  });

  it("come back into itself through another", () => {
    const echo = (ctx: ActorContext): number => {
      const params = encode(methods.multisig.propose.params, {
        to: chaosAddress,
        value: attoFil(0n),
        method: "again",
        params: noParams,
      });
      const made = ctx.send(
        builtins.init,
        "createMultisig",
        attoFil(0n),
        encode(methods.init.createMultisig.params, {
          signers: [chaosAddress],
          threshold: 1,
          unlockEpochs: 0,
        }),
      );
      const multisig = decode(c.address, made.returns);
      const proposed = ctx.send(multisig, "propose", attoFil(0n), params);
      return decode(methods.multisig.propose.returns, proposed.returns).outcome?.exitCode ?? 0;
    };
    expect(run(echo).saw).toBe(x.reentrantCall);
  });

  it("nest deeper than the limit, not even by creating as it goes", () => {
    let depth = 0;
    const deeper: Attempt = (ctx) => {
      depth += 1;
      ctx.createNewActor(ctx.addressForNewActor(), "testactor", noParams);
      return 0;
    };
    const { receipt } = run(deeper);
    expect(receipt.exitCode).toBe(x.callDepth);
    expect(depth).toBeLessThanOrEqual(maxCallDepth + 1);
  });

  it("act when its call is over", () => {
    run((ctx) => {
      leaked = ctx;
      return 0;
    });
    const ctx = leaked as ActorContext;
    expect(() => ctx.writeState(stateCodec, { value: 9 })).toThrow(/after its call/);
    expect(() => ctx.send(bob.address, "", attoFil(0n), nothing)).toThrow(/after its call/);
    expect(() => putObject(ctx.store, stateCodec, { value: 9 })).toThrow(/after its call/);
    expect(() => ctx.balance()).toThrow(/after its call/);
    expect(() => ctx.createNewActor(bob.address, "testactor", noParams)).toThrow(/after its call/);
    run((failing) => {
      leaked = failing;
      return failing.fail(500, "failed");
    });
    expect(() => leaked?.writeState(stateCodec, { value: 9 })).toThrow(/after its call/);
  });

  it("give itself another's code", () => {
    const { actor } = run(() => 0);
    const record = actor(chaosAddress);
    expect(record && codeNameOfCid(record.code)).toBe(rawCid(utf8Bytes("testactor")).toString());
  });

  it("spend what came with its message twice", () => {
    const { saw, actor } = run(
      (ctx) => {
        send(ctx, bob.address, "", 600n, nothing);
        return send(ctx, bob.address, "", 600n, nothing);
      },
      { value: 1_000n },
    );
    expect(saw).toBe(x.insufficientBalance);
    expect(actor(chaosAddress)?.balance).toBe(400n);
  });

  it("make an address that it did not pay for", () => {
    const { actor } = run((ctx) => send(ctx, fresh, "", 0n, nothing));
    expect(actor(fresh)).toBeUndefined();
  });
});
