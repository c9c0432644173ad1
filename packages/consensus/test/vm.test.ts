/** What the VM promises to actors and to senders: reverts, nesting, gas, creation, randomness, money. */
import type { Address } from "@holdfast/base";
import {
  addressBytes,
  attoFil,
  c,
  decode,
  encode,
  epoch,
  gasUnits,
  Hamt,
  rawCid,
  utf8Bytes,
} from "@holdfast/base";
import type { ActorRecord, Receipt, SignedMessage } from "@holdfast/consensus";
import {
  actorRecordCodec,
  applyBlock,
  builtinAddresses,
  callReadOnly,
  codeNameOfCid,
  exitCodeMeaning,
  exitCodeTable,
  inclusionGas,
  maxCallDepth,
  messageCid,
  moneyInvariant,
  readActor,
  signedMessageCodec,
  usualGas,
  vmExitCodes,
} from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { noParams, sendCodec, sendResultCodec, testStateCodec } from "./support/test-actor.ts";
import type { MessageFields } from "./support/world.ts";
import { createWorld, keysOf, message, testActorAddress } from "./support/world.ts";

const world = createWorld({ miners: [1] });
const [alice, bob] = world.accounts as [(typeof world.accounts)[0], (typeof world.accounts)[0]];
const miner = world.miners[0]?.address as Address;
const owner = world.miners[0]?.owner as Address;
const price = 3n;

/** Applies messages as one block on the genesis. */
function run(...messages: SignedMessage[]) {
  const { store, env, genesis } = world;
  const block = { miner, height: epoch(1) };
  const result = applyBlock({ store, parentState: genesis.state, block, messages, env });
  moneyInvariant(store, result.stateRoot, genesis.total);
  const actor = (address: Address): ActorRecord | undefined => readActor(store, result.stateRoot, address);
  return { ...result, actor, receipt: result.receipts.at(-1) as Receipt };
}

const call = (method: string, params: Uint8Array, fields: Partial<MessageFields> = {}) =>
  message(alice, { nonce: 0, to: testActorAddress, method, params, gasPrice: price, ...fields });

function counter(result: ReturnType<typeof run>, address: Address = testActorAddress): number | undefined {
  const head = result.actor(address)?.head;
  if (!head) return undefined;
  return decode(testStateCodec, world.store.get(head) as Uint8Array).count;
}

const relay = (to: Address, method: string, params: Uint8Array, value = 0n): Uint8Array =>
  encode(sendCodec, { to, method, value: attoFil(value), params });

describe("a message", () => {
  it("transfers value and charges the sender exactly price × gas used", () => {
    const before = readActor(world.store, world.genesis.state, alice.address)?.balance as bigint;
    const sent = message(alice, { nonce: 0, to: bob.address, value: 500n, gasPrice: price });
    const { receipt, actor } = run(sent);
    const size = encode(signedMessageCodec, sent).length;
    expect(receipt.exitCode).toBe(vmExitCodes.ok);
    expect(receipt.gasUsed).toBe(inclusionGas(usualGas, size) + usualGas.transfer);
    const fee = price * BigInt(receipt.gasUsed);
    expect(actor(alice.address)?.balance).toBe(before - 500n - fee);
    expect(actor(alice.address)?.nonce).toBe(1);
    expect(actor(bob.address)?.balance).toBe(before + 500n);
    expect(actor(owner)?.balance).toBe(world.params.blockReward + fee);
  });

  it("that fails changes nothing but nonce and fee", () => {
    const { receipt, actor, texts } = run(
      call("increment", encode(c.uint(), 1)),
      call("fail", encode(c.uint(), 777), { nonce: 1, value: 50n }),
    );
    expect(receipt).toMatchObject({ exitCode: 777, returns: new Uint8Array(0) });
    expect(texts[1]).toBe("as told");
    expect(actor(testActorAddress)?.balance).toBe(0n);
    expect(actor(alice.address)?.nonce).toBe(2);
    expect(
      counter(run(call("increment", encode(c.uint(), 1)), call("fail", encode(c.uint(), 9), { nonce: 1 }))),
    ).toBe(1);
  });

  it("that runs out of gas pays its whole limit and no more", () => {
    const before = readActor(world.store, world.genesis.state, alice.address)?.balance as bigint;
    const { receipt, actor } = run(call("burnGas", encode(c.uint(), 10_000_000), { gasLimit: 5_000 }));
    expect(receipt).toMatchObject({ exitCode: vmExitCodes.outOfGas, gasUsed: 5_000 });
    expect(actor(alice.address)?.balance).toBe(before - 5_000n * price);
    expect(actor(testActorAddress)?.head).toBeNull();
  });

  it("out of gas inside a nested call ends the whole message", () => {
    const inner = relay(testActorAddress, "x", new Uint8Array(0));
    const second = relay(bob.address, "", inner);
    const { receipt, actor } = run(
      call("relay", second, { gasLimit: inclusionGas(usualGas, 400) + usualGas.call + usualGas.nestedSend }),
    );
    expect(receipt.exitCode).toBe(vmExitCodes.outOfGas);
    expect(actor(testActorAddress)?.head).toBeNull();
  });

  it.each([
    ["unknown method", "noSuchMethod", noParams, vmExitCodes.unknownMethod],
    ["a name of the language", "constructor", noParams, vmExitCodes.unknownMethod],
    ["an inherited name", "toString", noParams, vmExitCodes.unknownMethod],
    ["no parameters", "increment", new Uint8Array(0), vmExitCodes.invalidParams],
    ["a wrong type", "increment", encode(c.text(5), "five"), vmExitCodes.invalidParams],
    ["trailing bytes", "increment", Uint8Array.of(1, 1), vmExitCodes.invalidParams],
    ["a longer form than needed", "increment", Uint8Array.of(0x18, 1), vmExitCodes.invalidParams],
    ["a float", "increment", Uint8Array.of(0xf9, 0, 0), vmExitCodes.invalidParams],
    ["too deep a nesting", "shout", new Uint8Array(4000).fill(0x81), vmExitCodes.invalidParams],
    ["a system method", "onlySystem", noParams, vmExitCodes.notAuthorized],
    ["another actor's method", "onlyMarket", noParams, vmExitCodes.notAuthorized],
    ["too large a result", "shout", noParams, vmExitCodes.returnTooLarge],
  ])("with %s reverts with its own code", (_, method, params, exitCode) => {
    expect(run(call(method, params)).receipt).toMatchObject({ exitCode, returns: new Uint8Array(0) });
  });

  it("to a method that is not payable gives the money back", () => {
    const { receipt, actor } = run(call("burnGas", encode(c.uint(), 1), { value: 10n }));
    expect(receipt.exitCode).toBe(vmExitCodes.notPayable);
    expect(actor(testActorAddress)?.balance).toBe(0n);
  });

  it("to an address without code reverts, and a plain transfer to it makes an empty actor", () => {
    const nobody = keysOf("nobody").address;
    expect(run(message(alice, { nonce: 0, to: nobody, method: "x" })).receipt.exitCode).toBe(
      vmExitCodes.noActorCode,
    );
    const paid = run(message(alice, { nonce: 0, to: nobody, value: 5n }));
    const code = paid.actor(nobody)?.code;
    expect(code?.toString()).toBe(rawCid(utf8Bytes("emptyactor")).toString());
    const both = run(
      message(alice, { nonce: 0, to: nobody, value: 5n }),
      message(alice, { nonce: 1, to: nobody, method: "x" }),
    );
    expect(both.receipt.exitCode).toBe(vmExitCodes.noActorCode);
  });

  it("of value 0 leaves no record behind", () => {
    const nobody = keysOf("nobody").address;
    const { receipt, actor } = run(message(alice, { nonce: 0, to: nobody }));
    expect(receipt.exitCode).toBe(vmExitCodes.ok);
    expect(actor(nobody)).toBeUndefined();
  });

  it("turns an empty actor that sends into an account", () => {
    const fresh = keysOf("fresh");
    const { actor } = run(
      message(alice, { nonce: 0, to: fresh.address, value: 1000n }),
      message(fresh, { nonce: 0, to: bob.address, value: 1n }),
    );
    expect(codeNameOfCid(actor(fresh.address)?.code as ActorRecord["code"])).toBe("accountactor");
    expect(actor(fresh.address)).toMatchObject({ nonce: 1, balance: 999n });
  });
});

describe("a nested call", () => {
  it("reverts alone", () => {
    const other = relay(builtinAddresses(1).market, "noSuchMethod", noParams);
    const result = run(call("relay", other));
    expect(result.receipt.exitCode).toBe(vmExitCodes.ok);
    expect(decode(sendResultCodec, result.receipt.returns).exitCode).toBe(vmExitCodes.unknownMethod);
    expect(counter(result)).toBe(2);
  });

  it("pays out of the actor's own balance and fails softly beyond it", () => {
    const within = run(call("relay", relay(bob.address, "", noParams, 30n), { value: 40n }));
    expect(decode(sendResultCodec, within.receipt.returns).exitCode).toBe(vmExitCodes.ok);
    expect(within.actor(testActorAddress)?.balance).toBe(10n);
    const beyond = run(call("relay", relay(bob.address, "", noParams, 41n), { value: 40n }));
    expect(decode(sendResultCodec, beyond.receipt.returns).exitCode).toBe(vmExitCodes.insufficientBalance);
    expect(beyond.actor(testActorAddress)?.balance).toBe(40n);
    expect(counter(beyond)).toBe(2);
  });

  it("to itself, or of a negative value, is refused", () => {
    const self = run(call("relay", relay(testActorAddress, "increment", encode(c.uint(), 1))));
    expect(decode(sendResultCodec, self.receipt.returns).exitCode).toBe(vmExitCodes.selfSend);
    const negative = run(call("relay", relay(bob.address, "", noParams, -1n)));
    expect(decode(sendResultCodec, negative.receipt.returns).exitCode).toBe(vmExitCodes.negativeValue);
  });

  it("cannot enter an actor that is still running, but can pay it", () => {
    const created = run(call("create", encode(c.bool, false)));
    const second = decode(c.address, created.receipt.returns);
    const back = (method: string, value: bigint) =>
      relay(second, "relay", relay(testActorAddress, method, encode(c.uint(), 1), value), value);
    const enter = run(
      call("create", encode(c.bool, false)),
      call("relay", back("increment", 0n), { nonce: 1 }),
    );
    const outer = decode(sendResultCodec, enter.receipt.returns);
    expect(decode(sendResultCodec, outer.returns).exitCode).toBe(vmExitCodes.reentrantCall);
    expect([counter(enter), counter(enter, second)]).toEqual([2, 2]);
    const pay = run(
      call("create", encode(c.bool, false)),
      call("relay", back("", 7n), { nonce: 1, value: 7n }),
    );
    expect(decode(sendResultCodec, decode(sendResultCodec, pay.receipt.returns).returns).exitCode).toBe(0);
    expect(pay.actor(testActorAddress)?.balance).toBe(7n);
  });

  it("ends at the greatest depth", () => {
    const chain = run(
      ...Array.from({ length: maxCallDepth }, (_, i) => call("create", encode(c.bool, false), { nonce: i })),
    );
    const actors = chain.receipts.map((receipt) => decode(c.address, receipt.returns));
    const path = actors.reduceRight(
      (inner, to) => relay(to, "relay", inner),
      relay(bob.address, "", noParams),
    );
    const messages = actors.map((_, i) => call("create", encode(c.bool, false), { nonce: i }));
    const { receipt } = run(...messages, call("relay", path, { nonce: maxCallDepth, gasLimit: 1_000_000 }));
    let returns = receipt.returns;
    let depth = 1;
    let exitCode: number = vmExitCodes.ok;
    while (exitCode === vmExitCodes.ok && returns.length > 0) {
      ({ exitCode, returns } = decode(sendResultCodec, returns));
      depth += 1;
    }
    expect(exitCode).toBe(vmExitCodes.callDepth);
    expect(depth - 1).toBe(maxCallDepth);
  });
});

describe("creating actors", () => {
  it("gives fresh addresses and keeps the money of a funded address", () => {
    const twice = run(call("createTwice", noParams));
    const [first, second] = decode(c.list(c.address, 2), twice.receipt.returns);
    expect(first).not.toBe(second);
    const target = keysOf("later an actor").address;
    const { actor, receipt } = run(
      message(alice, { nonce: 0, to: target, value: 99n }),
      call("createAt", encode(c.address, target), { nonce: 1 }),
    );
    expect(receipt.exitCode).toBe(vmExitCodes.ok);
    expect(actor(target)?.balance).toBe(99n);
    expect(actor(target)?.head).not.toBeNull();
  });

  it("refuses an address in use, and a constructor's refusal undoes everything", () => {
    expect(run(call("createAt", encode(c.address, bob.address))).receipt.exitCode).toBe(
      vmExitCodes.actorExists,
    );
    const refused = run(call("create", encode(c.bool, true)));
    expect(refused.receipt.exitCode).toBe(4242);
    expect(refused.actor(testActorAddress)?.head).toBeNull();
  });
});

describe("randomness", () => {
  const draw = (at: number) => run(call("draw", encode(c.epoch, epoch(at)))).receipt;
  it("is offered for the epochs below the block only", () => {
    expect(draw(0).exitCode).toBe(vmExitCodes.ok);
    expect(draw(1).exitCode).toBe(vmExitCodes.randomnessOutOfRange);
    const { store, env, genesis, params } = world;
    const at = (height: number, asked: number) =>
      callReadOnly({
        store,
        state: genesis.state,
        env,
        height: epoch(height),
        to: testActorAddress,
        method: "draw",
        params: encode(c.epoch, epoch(asked)),
      }).exitCode;
    const back = params.ticketLookbackEpochs;
    expect(at(back + 5, 5)).toBe(vmExitCodes.ok);
    expect(at(back + 5, 4)).toBe(vmExitCodes.randomnessOutOfRange);
  });
});

describe("a read-only call", () => {
  const { store, env, genesis } = world;
  const ask = (method: string, params: Uint8Array, more: { from?: Address; value?: bigint } = {}) =>
    callReadOnly({
      store,
      state: genesis.state,
      env,
      height: epoch(1),
      to: testActorAddress,
      method,
      params,
      ...(more.from === undefined ? {} : { from: more.from }),
      ...(more.value === undefined ? {} : { value: attoFil(more.value) }),
    });

  it("needs no sender, counts as an account and can carry value", () => {
    const result = ask("whoCalls", noParams, { value: 5n });
    expect(result.exitCode).toBe(vmExitCodes.ok);
    expect(ask("onlyAccounts", noParams).exitCode).toBe(vmExitCodes.ok);
    const unknown = keysOf("never seen").address;
    expect(ask("onlyAccounts", noParams, { from: unknown }).exitCode).toBe(vmExitCodes.ok);
    expect(ask("onlyAccounts", noParams, { from: miner }).exitCode).toBe(vmExitCodes.notAuthorized);
    expect(ask("onlySystem", noParams).exitCode).toBe(vmExitCodes.notAuthorized);
    expect(ask("whoCalls", noParams, { from: unknown, value: 5n }).exitCode).toBe(
      vmExitCodes.insufficientBalance,
    );
  });

  it("can preview the opening of a channel without a sender", () => {
    const to = builtinAddresses(1).broker;
    const params = encode(c.tuple("CreateChannel", { target: c.address, eol: c.epoch }), {
      target: bob.address,
      eol: epoch(1000),
    });
    const result = callReadOnly({
      store,
      state: genesis.state,
      env,
      height: epoch(1),
      to,
      method: "createChannel",
      params,
      value: attoFil(100n),
    });
    expect(result.text).toBe("");
    expect(result.exitCode).toBe(vmExitCodes.ok);
    expect(result.gasUsed).toBeGreaterThan(0);
  });

  it("changes nothing", () => {
    expect(ask("increment", encode(c.uint(), 5)).exitCode).toBe(vmExitCodes.ok);
    expect(readActor(store, genesis.state, testActorAddress)?.head).toBeNull();
  });
});

describe("a fault", () => {
  it("aborts the block and leaves nothing in the store", () => {
    const before = world.store.blockCount;
    expect(() => run(call("crash", noParams))).toThrow();
    expect(world.store.blockCount).toBe(before);
  });
});

describe("exit codes", () => {
  it("have no collisions, and 0 is success alone", () => {
    const codes = exitCodeTable.map((row) => row.code);
    expect(new Set(codes).size).toBe(codes.length);
    expect(exitCodeTable.filter((row) => row.code === 0).map((row) => row.name)).toEqual(["ok"]);
    expect(exitCodeMeaning(7)).toContain("gas");
    expect(exitCodeMeaning(60_000)).toContain("60000");
    for (const row of exitCodeTable) expect(row.meaning.length).toBeGreaterThan(10);
  });
});

describe("the state", () => {
  it("is a HAMT from address bytes to records, readable without us", () => {
    const hamt = Hamt.load(world.store, actorRecordCodec, world.genesis.state);
    expect(hamt.get(addressBytes(alice.address))?.balance).toBe(100n * 10n ** 18n);
    expect(messageCid(message(alice, { nonce: 0 })).toString()).toMatch(/^bafy/);
    expect(gasUnits(1)).toBe(1);
  });
});
