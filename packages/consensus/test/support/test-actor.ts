/**
 * An actor for tests of the VM: it counts, fails, burns gas, calls others and creates copies of itself, as it
 * is told.
 */
import type { Address, AttoFil, Codec, Epoch } from "@holdfast/base";
import { Amt, attoFil, c, encode } from "@holdfast/base";
import type { ActorContext } from "@holdfast/consensus";
import { defineActor, defineMethod } from "@holdfast/consensus";

export interface Send {
  readonly to: Address;
  readonly method: string;
  readonly value: AttoFil;
  readonly params: Uint8Array;
}
export const sendCodec: Codec<Send> = c.tuple("Send", {
  to: c.address,
  method: c.text(64),
  value: c.attoFil,
  params: c.bytes(100_000),
});
export const sendResultCodec = c.tuple("SendResult", { exitCode: c.uint(), returns: c.bytes(100_000) });

const stateCodec = c.tuple("TestState", { count: c.uint(), note: c.bytes(100_000) });
const nothing = c.list(c.cbor, 0);
const count = c.uint();

const add = (ctx: ActorContext, by: number): number => {
  const state = ctx.hasState() ? ctx.readState(stateCodec) : { count: 0, note: new Uint8Array(0) };
  ctx.writeState(stateCodec, { ...state, count: state.count + by });
  return state.count + by;
};

export const testMethods = {
  increment: defineMethod({ params: count, returns: count, payable: true, run: add }),
  /** Changes state and money first, so that the revert has something to undo. */
  fail: defineMethod({
    params: count,
    returns: nothing,
    payable: true,
    run(ctx, exitCode) {
      add(ctx, 1000);
      return ctx.fail(exitCode, "as told");
    },
  }),
  burnGas: defineMethod({
    params: count,
    returns: nothing,
    run(ctx, units) {
      add(ctx, 1000);
      ctx.charge(units);
      return [];
    },
  }),
  note: defineMethod({
    params: c.bytes(100_000),
    returns: nothing,
    run(ctx, note) {
      ctx.writeState(stateCodec, { count: 0, note });
      return [];
    },
  }),
  /** Counts, sends, counts again: a nested failure must not take the outer changes with it. */
  relay: defineMethod({
    params: sendCodec,
    returns: sendResultCodec,
    payable: true,
    run(ctx, { to, method, value, params }) {
      add(ctx, 1);
      const result = ctx.send(to, method, value, params);
      add(ctx, 1);
      return result;
    },
  }),
  create: defineMethod({
    params: c.bool,
    returns: c.address,
    run(ctx, refuse) {
      const address = ctx.addressForNewActor();
      ctx.createNewActor(address, "testactor", encode(c.bool, refuse));
      return address;
    },
  }),
  createTwice: defineMethod({
    params: nothing,
    returns: c.list(c.address, 2),
    run(ctx) {
      return [0, 1].map(() => {
        const address = ctx.addressForNewActor();
        ctx.createNewActor(address, "testactor", encode(c.bool, false));
        return address;
      });
    },
  }),
  /** Installs itself at a given address. */
  createAt: defineMethod({
    params: c.address,
    returns: nothing,
    run(ctx, address) {
      ctx.createNewActor(address, "testactor", encode(c.bool, false));
      return [];
    },
  }),
  draw: defineMethod({
    params: c.epoch,
    returns: c.fixedBytes(32),
    run: (ctx: ActorContext, at: Epoch) => ctx.rand(at, "test", new Uint8Array(0)),
  }),
  whoCalls: defineMethod({
    params: nothing,
    returns: c.tuple("Caller", { from: c.address, isAccount: c.bool, balance: c.attoFil, nonce: c.nonce }),
    payable: true,
    run: (ctx: ActorContext) => ({
      from: ctx.message.from,
      isAccount: ctx.isFromAccountActor(),
      balance: ctx.balance(),
      nonce: ctx.message.nonce,
    }),
  }),
  onlySystem: defineMethod({ params: nothing, returns: nothing, access: "system", run: () => [] }),
  onlyAccounts: defineMethod({ params: nothing, returns: nothing, access: "account", run: () => [] }),
  onlyMarket: defineMethod({
    params: nothing,
    returns: nothing,
    access: { builtin: "market" },
    run: () => [],
  }),
  /** Returns more than a receipt may hold. */
  shout: defineMethod({
    params: nothing,
    returns: c.bytes(2 ** 24),
    run: () => new Uint8Array(1_048_577),
  }),
  /** Trusts its caller's number: the greatest one is no index of a list, and looking it up throws. */
  lookUp: defineMethod({
    params: c.tuple("LookUp", { index: count }),
    returns: count,
    run: (ctx: ActorContext, { index }) => Amt.empty(ctx.store, count).get(index) ?? 0,
  }),
  /** Throws what an actor must never throw. */
  crash: defineMethod({
    params: nothing,
    returns: count,
    run: (ctx: ActorContext) => {
      ctx.writeState(stateCodec, { count: 1, note: new Uint8Array(0) });
      ctx.readState(c.bool);
      return 0;
    },
  }),
};

export const testActor = defineActor({
  name: "testactor",
  methods: testMethods,
  constructorMethod: defineMethod({
    params: c.bool,
    returns: nothing,
    run(ctx, refuse) {
      if (refuse) ctx.fail(4242, "the constructor refuses");
      ctx.writeState(stateCodec, { count: 0, note: new Uint8Array(0) });
      return [];
    },
  }),
});

export const testStateCodec = stateCodec;
export const noParams = encode(nothing, []);
export const someMoney = attoFil(1000n);
