/**
 * No parameters, from anyone, make an actor fault: a fault would let one message stop a miner, and one block
 * stop a node. The parameters are found by probing each method's codec with a pool of edge values, so a new
 * method is fuzzed without a line here.
 */
import type { Address, CborValue, Codec } from "@holdfast/base";
import { addressBytes, encode, encodeCbor, epoch, HoldfastError } from "@holdfast/base";
import { builtinAddresses, callReadOnly, methods, vmExitCodes } from "@holdfast/consensus";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testMethods } from "./support/test-actor.ts";
import { createWorld, genesisParent, message, mineBlock, testActorAddress } from "./support/world.ts";

const world = createWorld({ miners: [2, 1] });
const [alice, bob] = world.accounts.map((keys) => keys.address) as [Address, Address];
const [miner] = world.miners;
if (miner === undefined) expect.fail("the world has a miner");
const builtins = builtinAddresses(1);

/** A state in which there is something to find: a channel, an ask. */
function richState() {
  const [payer] = world.accounts;
  if (payer === undefined) expect.fail("the world has accounts");
  const create = methods.broker.createChannel.params;
  const addAsk = methods.miner.addAsk.params;
  const { mined } = mineBlock(world, miner?.address ?? alice, { parent: genesisParent(world), height: 1 }, [
    message(payer, {
      nonce: 0,
      to: builtins.broker,
      method: "createChannel",
      value: 1000n,
      params: encode(create, { target: bob, eol: epoch(500) }),
    }),
    message(miner?.worker ?? payer, {
      nonce: 0,
      to: miner?.address ?? alice,
      method: "addAsk",
      params: encode(addAsk, {
        pricePerBytePerEpoch: 5n as never,
        minBytes: 1,
        maxBytes: 100,
        providerCollateralPercent: 40,
        clientCollateralPercent: 10,
        expiresAfterEpochs: 50,
      }),
    }),
  ]);
  return mined.stateRoot;
}
const state = richState();

const bytesOf = (length: number, fill: number) => new Uint8Array(length).fill(fill);
const pool: readonly CborValue[] = [
  0,
  1,
  2,
  255,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 40,
  Number.MAX_SAFE_INTEGER - 1,
  Number.MAX_SAFE_INTEGER,
  2n ** 64n - 1n,
  -1,
  "",
  "a",
  "x".repeat(64),
  true,
  false,
  null,
  [],
  [0],
  [0, 1, 2 ** 32 - 1],
  [Number.MAX_SAFE_INTEGER],
  ...[0, 1, 2, 16, 17, 32, 48, 65, 96].flatMap((length) => [bytesOf(length, 0), bytesOf(length, 0xff)]),
  Uint8Array.of(0, 1),
  Uint8Array.of(1, 1),
  ...[alice, bob, miner.address, ...Object.values(builtins)].map(addressBytes),
];

/** Where decoding fails: undefined if it does not. */
function failure(codec: Codec<unknown>, value: CborValue): HoldfastError | undefined {
  try {
    codec.fromCbor(value, codec.name);
    return undefined;
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
}

const arityOf = (codec: Codec<unknown>): number => {
  const expected = String(failure(codec, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])?.data.expected ?? "");
  return Number(/list of (\d+)/.exec(expected)?.[1] ?? 0);
};
const pathOf = (error: HoldfastError | undefined): string => String(error?.data.path ?? "accepted");

/** For each field of a method's parameters, the values of the pool that its codec takes. */
function fieldPools(codec: Codec<unknown>): CborValue[][] {
  const arity = arityOf(codec);
  const chosen: CborValue[] = [];
  const pools: CborValue[][] = [];
  const weird = { weird: { weird: 0 } };
  for (let i = 0; i < arity; i++) {
    const rest: CborValue[] = Array.from({ length: arity - i - 1 }, () => weird);
    const here = pathOf(failure(codec, [...chosen, weird, ...rest]));
    const fits = pool.filter(
      (value) => !pathOf(failure(codec, [...chosen, value, ...rest])).startsWith(here),
    );
    pools.push(fits);
    chosen.push(fits[0] ?? null);
  }
  return pools;
}

const targets = [
  ["init", builtins.init],
  ["market", builtins.market],
  ["broker", builtins.broker],
  ["reward", builtins.reward],
  ["miner", miner.address],
] as const;
const cases = targets.flatMap(([actor, to]) =>
  Object.entries(methods[actor])
    .filter(([, method]) => !("access" in method) || method.access === "account")
    .map(([name, method]) => [`${actor}.${name}`, to, name, method.params as Codec<unknown>] as const),
);

const senders = [undefined, alice, bob, miner.owner, miner.worker.address, miner.address, builtins.market];
const nonempty = (values: CborValue[]) => (values.length > 0 ? values : [null]);

/** The property: whatever the parameters, the sender and the height, the answer is an exit code. */
function neverFaults(to: Address, method: string, codec: Codec<unknown>) {
  const fields = fieldPools(codec).map((values) => fc.constantFrom(...nonempty(values)));
  const params = fc.oneof(
    { weight: 8, arbitrary: fc.tuple(...fields).map((values) => encodeCbor(values)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  );
  const height = fc.constantFrom(1, 2, 60, 499, 500, 501, 5000);
  return fc.property(params, fc.constantFrom(...senders), height, (bytes, from, at) => {
    const result = callReadOnly({
      store: world.store,
      state,
      env: world.env,
      height: epoch(at),
      to,
      method,
      params: bytes,
      ...(from === undefined ? {} : { from }),
    });
    expect(result.exitCode).not.toBe(vmExitCodes.unknownMethod);
  });
}

describe("no parameters make an actor fault:", () => {
  it("there are methods to try", () => {
    expect(cases.length).toBeGreaterThan(25);
    expect(fieldPools(methods.miner.getAsk.params as Codec<unknown>)[0]?.length).toBeGreaterThan(5);
  });

  it.each(cases)("%s", (_label, to, method, codec) => {
    fc.assert(neverFaults(to, method, codec), { numRuns: 150 });
  });

  it("an actor that trusts its caller's number would be found", () => {
    const { params } = testMethods.lookUp;
    expect(fc.check(neverFaults(testActorAddress, "lookUp", params), { numRuns: 150 }).failed).toBe(true);
  });

  it("nobody can ask in the name of an actor", () => {
    const ask = { store: world.store, state, env: world.env, height: epoch(1), params: Uint8Array.of(0x80) };
    const result = callReadOnly({
      ...ask,
      to: builtins.market,
      method: "getTotalPower",
      from: miner.address,
    });
    expect(result.exitCode).toBe(vmExitCodes.notAuthorized);
  });
});
