/**
 * What an actor may not have of the VM itself: addresses that are none, codes that are none, gas from nowhere,
 * randomness that is not there yet, other people's bytes, a turn while it is not its turn. Each attempt ends with
 * a code of the table, changes nothing and costs what it used. After what Lotus' chaos actor tries (facts only):
 * actors created with bad codes and addresses, odd receivers, changes of state outside of its own moment, aborts
 * with codes that are not the actor's to use. Callers are checked by the table of methods, so they cannot be
 * checked twice or not at all, and no function deletes an actor.
 */
import type { Address } from "@holdfast/base";
import {
  accountAddress,
  attoFil,
  c,
  cidOfCbor,
  encode,
  epoch,
  equalBytes,
  parseAddress,
  publicKeyOf,
  seedAddress,
  zeroAddress,
} from "@holdfast/base";
import type { ActorContext } from "@holdfast/consensus";
import {
  builtinAddresses,
  codeNames,
  exitCodeTable,
  inclusionGas,
  maxStateObjectBytes,
  usualGas,
  vmExitCodes as x,
} from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import {
  type Attempt,
  alice,
  bob,
  chaosAddress,
  fresh,
  noParams,
  nothing,
  only,
  run,
  script,
  send,
  stateCodec,
  swallow,
  world,
} from "./support/chaos.ts";

const builtins = builtinAddresses(1);
const abroad = accountAddress(0, publicKeyOf(alice.privateKey));
const at = (value: unknown) => value as ReturnType<typeof epoch>;
const place = (ctx: ActorContext): Address => ctx.addressForNewActor();
const create = (addressOf: (ctx: ActorContext) => Address, code = "testactor") =>
  only((ctx) => ctx.createNewActor(addressOf(ctx), code, noParams));
const draw = (value: unknown, tag = "t", entropy = nothing) =>
  only((ctx) => ctx.rand(at(value), tag, entropy));

type Row = readonly [what: string, code: number, attempt: Attempt];

describe("an actor sees the refusal of", () => {
  const rows: readonly Row[] = [
    ["money for another network", x.invalidReceiver, (ctx) => send(ctx, abroad, "", 1n, nothing)],
    ["money for nobody", x.invalidReceiver, (ctx) => send(ctx, zeroAddress(1), "", 1n, nothing)],
    ["money for a word", x.invalidReceiver, (ctx) => send(ctx, "everybody" as Address, "", 1n, nothing)],
    ["a call of nothing", x.invalidReceiver, (ctx) => send(ctx, "" as Address, "try")],
    [
      "an amount that is none",
      x.illegalCall,
      (ctx) => ctx.send(bob.address, "", 5 as never, nothing).exitCode,
    ],
    [
      "more than there is in the world",
      x.insufficientBalance,
      (ctx) => send(ctx, bob.address, "", 2n ** 300n),
    ],
    ["less than nothing, far below", x.negativeValue, (ctx) => send(ctx, bob.address, "", -(2n ** 300n))],
    ["a name longer than any", x.unknownMethod, (ctx) => send(ctx, builtins.market, "x".repeat(100_000))],
    ["a constructor by its name", x.unknownMethod, (ctx) => send(ctx, builtins.init, "constructor")],
    ["a method of the prototype", x.unknownMethod, (ctx) => send(ctx, builtins.init, "__proto__")],
    ["a method that only accounts call", x.notAuthorized, (ctx) => send(ctx, builtins.market, "createMiner")],
    [
      "a method of the market alone",
      x.notAuthorized,
      (ctx) => send(ctx, world.miners[0]?.address as Address, "onDeadline"),
    ],
    ["a deletion: there is no such method", x.unknownMethod, (ctx) => send(ctx, bob.address, "delete")],
  ];
  it.each(rows)("%s", (_, code, attempt) => {
    const { receipt, saw, actor } = run(attempt, { value: 1_000n, gasLimit: 4_900_000 });
    expect(receipt.exitCode).toBe(x.ok);
    expect(saw).toBe(code);
    expect(actor(chaosAddress)?.balance).toBe(1_000n);
    expect(actor(fresh)).toBeUndefined();
  });
});

describe("an actor's call is ended by", () => {
  const rows: readonly Row[] = [
    ["creation of an unknown code", x.illegalCall, create(place, "nonsense")],
    ["creation of no code", x.illegalCall, create(place, "")],
    ["creation of an account", x.illegalCall, create(place, codeNames.account)],
    ["creation of a second reward actor", x.illegalCall, create(place, codeNames.reward)],
    ["creation of an empty actor", x.illegalCall, create(place, "emptyactor")],
    ["creation in its own place", x.actorExists, create(() => chaosAddress)],
    ["creation in a built-in place", x.actorExists, create(() => builtins.init)],
    ["creation nowhere", x.invalidReceiver, create(() => zeroAddress(1))],
    ["creation on another network", x.invalidReceiver, create(() => seedAddress(0, "abroad"))],
    ["creation at a word", x.invalidReceiver, create(() => "here" as Address)],
    ["randomness of its own epoch", x.randomnessOutOfRange, draw(1)],
    ["randomness of the future", x.randomnessOutOfRange, draw(2 ** 40)],
    ["randomness before the genesis", x.randomnessOutOfRange, draw(-1)],
    ["randomness between epochs", x.randomnessOutOfRange, draw(0.5)],
    ["randomness of no epoch", x.randomnessOutOfRange, draw(Number.NaN)],
    ["a draw with much entropy", x.illegalCall, draw(0, "t", new Uint8Array(1_025))],
    ["a draw with a long tag", x.illegalCall, draw(0, "t".repeat(1_025))],
    ["a charge below zero", x.illegalCall, only((ctx) => ctx.charge(-1_000))],
    ["a charge of parts", x.illegalCall, only((ctx) => ctx.charge(0.5))],
    ["a charge of no number", x.illegalCall, only((ctx) => ctx.charge(Number.NaN))],
    ["a charge of minus infinity", x.illegalCall, only((ctx) => ctx.charge(Number.NEGATIVE_INFINITY))],
    ["a charge of sectors below zero", x.illegalCall, only((ctx) => ctx.chargeSectors(-5))],
    ["a failure that says success", x.illegalCall, only((ctx) => ctx.fail(0, "all is well"))],
    ["a failure below zero", x.illegalCall, only((ctx) => ctx.fail(-7, "below"))],
    ["a failure beyond 16 bits", x.illegalCall, only((ctx) => ctx.fail(0x10000, "beyond"))],
    ["a failure of no number", x.illegalCall, only((ctx) => ctx.fail(Number.NaN, "none"))],
    [
      "an object of more than a MiB",
      x.stateTooLarge,
      only((ctx) => ctx.writeState(c.bytes(2 ** 22), new Uint8Array(2 ** 21))),
    ],
    [
      "bytes under another's name",
      x.illegalCall,
      only((ctx) => ctx.store.put(cidOfCbor(Uint8Array.of(1)), Uint8Array.of(2))),
    ],
  ];
  it.each(rows)("%s", (_, code, attempt) => {
    for (const tried of [attempt, only((ctx: ActorContext) => swallow(() => attempt(ctx)))]) {
      const { receipt, actor } = run(tried, { value: 1_000n });
      expect(receipt).toMatchObject({ exitCode: code, returns: nothing });
      expect(exitCodeTable.some((row) => row.code === receipt.exitCode)).toBe(true);
      expect(receipt.gasUsed).toBeLessThan(1_000_000);
      expect(actor(chaosAddress)).toMatchObject({ balance: 0n, head: null });
      const before = 100n * 10n ** 18n;
      expect(actor(alice.address)?.balance).toBe(before - BigInt(receipt.gasUsed));
    }
  });
});

describe("an actor cannot", () => {
  it("say that its gas ran out and have the rest taken from its caller", () => {
    const { receipt } = run(only((ctx) => ctx.fail(x.outOfGas, "so it seems")));
    expect(receipt.exitCode).toBe(x.outOfGas);
    expect(receipt.gasUsed).toBeLessThan(1_000_000);
  });

  it("give all its gas to another and go on when that fails", () => {
    let after = false;
    const { receipt, actor } = run(
      (ctx) => {
        const child = place(ctx);
        script.attempt = only(() => undefined);
        ctx.createNewActor(child, "testactor", noParams);
        script.attempt = only((inner) => inner.charge(10 ** 9));
        swallow(() => ctx.send(child, "try", attoFil(0n), noParams));
        after = swallow(() => ctx.send(bob.address, "", attoFil(1n), nothing)) === 0;
        return 0;
      },
      { value: 5n },
    );
    expect(receipt).toMatchObject({ exitCode: x.outOfGas, gasUsed: 1_000_000 });
    expect(after).toBe(false);
    expect(actor(chaosAddress)?.balance).toBe(0n);
  });

  it("act in another's turn: a caller stands still until it is answered", () => {
    const deeds: readonly ((outer: ActorContext) => unknown)[] = [
      (outer) => outer.writeState(stateCodec, { value: 9 }),
      (outer) => outer.send(bob.address, "", attoFil(1n), nothing),
      (outer) => outer.charge(1),
      (outer) => outer.rand(epoch(0), "t", nothing),
    ];
    for (const deed of deeds) {
      const { receipt, actor } = run(
        (outer) => {
          script.attempt = only(() => undefined);
          const child = place(outer);
          outer.createNewActor(child, "testactor", noParams);
          script.attempt = only(() => swallow(() => deed(outer)));
          return outer.send(child, "try", attoFil(0n), noParams).exitCode;
        },
        { value: 10n },
      );
      expect(receipt.exitCode).toBe(x.illegalCall);
      expect(actor(bob.address)?.balance).toBe(100n * 10n ** 18n);
    }
  });

  it("change what it was only given to read", () => {
    const bytes = encode(c.bytes(100), new Uint8Array(64).fill(3));
    const cid = cidOfCbor(bytes);
    const { saw } = run((ctx) => {
      const own = Uint8Array.from(bytes);
      ctx.store.put(cid, own);
      own.fill(0);
      ctx.store.get(cid)?.fill(0);
      return equalBytes(ctx.store.get(cid) ?? nothing, bytes) ? 1 : 2;
    });
    expect(saw).toBe(1);
    const tampering: readonly ((ctx: ActorContext) => unknown)[] = [
      (ctx) => Object.assign(ctx.params, { blockReward: 0n }),
      (ctx) => Object.assign(ctx.params.gas, { message: 0 }),
      (ctx) => (ctx.params.sectorClasses as unknown[]).push("mine"),
      (ctx) => Object.assign(ctx.builtins, { market: chaosAddress }),
      (ctx) => Object.assign(ctx.verifier, { verifySeal: () => true }),
      (ctx) => Object.assign(ctx, { height: 1_000_000 }),
    ];
    for (const tamper of tampering) expect(run((ctx) => swallow(() => tamper(ctx))).saw).toBe(99);
    const network = Uint8Array.from(world.env.networkId);
    run(only((ctx) => ctx.networkId.fill(0)));
    expect(world.env.networkId).toEqual(network);
  });

  it("read another's state or change it: there is no function, and a name leads to a copy", () => {
    const offered = new Set<string>();
    run(
      only((ctx) => {
        for (
          let at: object | null = ctx;
          at !== null && at !== Object.prototype;
          at = Object.getPrototypeOf(at)
        )
          for (const name of Object.getOwnPropertyNames(at)) offered.add(name);
      }),
    );
    for (const name of [
      "delete",
      "remove",
      "setBalance",
      "setHead",
      "setCode",
      "mint",
      "credit",
      "tree",
      "machine",
    ])
      expect(offered).not.toContain(name);
    const head = world.genesis.state;
    const before = Uint8Array.from(world.store.get(head) ?? nothing);
    run(only((ctx) => ctx.store.get(head)?.fill(0)));
    expect(world.store.get(head)).toEqual(before);
  });

  it("hand out addresses for nothing, or the same twice", () => {
    const seen: Address[] = [];
    const { receipt } = run(
      only((ctx) => {
        for (let i = 0; i < 10_000; i += 1) seen.push(place(ctx));
      }),
      { gasLimit: 20_000 },
    );
    expect(receipt).toMatchObject({ exitCode: x.outOfGas, gasUsed: 20_000 });
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeLessThan(20_000 / usualGas.call);
    expect(parseAddress(seen[0] ?? "")).toBe(seen[0]);
  });

  it("return more than a receipt holds, whoever asks", () => {
    const asked =
      (length: number): Attempt =>
      (ctx) => {
        script.attempt = only(() => undefined);
        const child = place(ctx);
        ctx.createNewActor(child, "testactor", noParams);
        return send(ctx, child, "bytes", 0n, encode(c.uint(), length));
      };
    const most = 1_048_576 - 5;
    const limits = { gasLimit: 4_000_000 };
    expect(run(asked(most), limits).saw).toBe(x.ok);
    expect(run(asked(most + 1), limits).saw).toBe(x.returnTooLarge);
    expect(maxStateObjectBytes).toBe(1_048_576);
    expect(inclusionGas(usualGas, 0)).toBe(usualGas.message);
  });

  it("be called while it creates, nor fill the stack by creating itself", () => {
    const { receipt } = run((ctx) => {
      const child = place(ctx);
      script.attempt = (inner) => {
        const back = send(inner, chaosAddress, "again");
        return back === x.reentrantCall ? 0 : inner.fail(500, `got in: ${back}`);
      };
      ctx.createNewActor(child, "testactor", noParams);
      return 0;
    });
    expect(receipt.exitCode).toBe(x.ok);
  });
});

describe("a defect of an actor", () => {
  it("aborts the block and leaves nothing: no chain can agree on how deep a machine's stack is", () => {
    const endless = (): number => endless() + 1;
    for (const defect of [
      () => endless(),
      () => Promise.reject as never,
      (ctx: ActorContext) => ctx.readState(c.bool) as never,
    ]) {
      const before = world.store.blockCount;
      const attempt: Attempt = defect as Attempt;
      expect(() => run(attempt)).toThrow();
      expect(world.store.blockCount).toBe(before);
    }
  });
});
