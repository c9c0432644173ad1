/**
 * An actor that does whatever a test tells it, and the block in which it does: for attempts at what no actor may do.
 * After every block all money is added up.
 */
import {
  type Address,
  accountAddress,
  attoFil,
  blake2b256,
  c,
  decode,
  epoch,
  publicKeyOf,
  seedAddress,
  utf8Bytes,
} from "@holdfast/base";
import {
  type ActorContext,
  applyBlock,
  builtinActors,
  CodeTable,
  defineActor,
  defineMethod,
  moneyInvariant,
  type Receipt,
  readActor,
} from "@holdfast/consensus";
import { createWorld, message } from "./world.ts";

export const world = createWorld({ miners: [1] });
export const [alice, bob] = world.accounts as [(typeof world.accounts)[0], (typeof world.accounts)[0]];
export const miner = world.miners[0]?.address as Address;
export const chaosAddress = seedAddress(1, "test actor");
export const stateCodec = c.tuple("ChaosState", { value: c.uint() });
export const nothing: Uint8Array = new Uint8Array(0);
export const noParams: Uint8Array = Uint8Array.of(0x80);
export const fresh = accountAddress(1, publicKeyOf(blake2b256(utf8Bytes("fresh"))));

/** What the actor does when it is called; the number it returns is the exit code that it saw, or 0. */
export type Attempt = (ctx: ActorContext) => number;

/** An attempt that either ends its call or sees nothing. */
export const only =
  (act: (ctx: ActorContext) => unknown): Attempt =>
  (ctx) => {
    act(ctx);
    return 0;
  };

export const script: { attempt: Attempt } = { attempt: () => 0 };

const chaos = defineActor({
  name: "testactor",
  methods: {
    try: defineMethod({
      params: c.list(c.cbor, 0),
      returns: c.uint(),
      payable: true,
      run: (ctx: ActorContext) => {
        ctx.writeState(stateCodec, { value: 1 });
        return script.attempt(ctx);
      },
    }),
    again: defineMethod({ params: c.list(c.cbor, 0), returns: c.uint(), run: () => 77 }),
    bytes: defineMethod({
      params: c.uint(),
      returns: c.bytes(4_194_304),
      run: (_ctx, length) => new Uint8Array(length),
    }),
    hold: defineMethod({
      params: c.bytes(4_194_304),
      returns: c.uint(),
      payable: true,
      run: (ctx, bytes) => {
        ctx.writeState(c.bytes(4_194_304), bytes);
        return bytes.length;
      },
    }),
  },
  constructorMethod: defineMethod({
    params: c.list(c.cbor, 0),
    returns: c.list(c.cbor, 0),
    run: (ctx: ActorContext) => {
      script.attempt(ctx);
      return [];
    },
  }),
});
export const chaosCodes = new CodeTable([...builtinActors, chaos]);

export interface RunOptions {
  readonly gasLimit?: number;
  readonly value?: bigint;
  readonly method?: string;
  readonly params?: Uint8Array;
}

/** One message of Alice to the actor, in a block of its own on the genesis. */
export function run(given: Attempt, options: RunOptions = {}) {
  script.attempt = given;
  const { store, env, genesis } = world;
  const { gasLimit = 1_000_000, value = 0n, method = "try", params = noParams } = options;
  const sent = message(alice, { nonce: 0, to: chaosAddress, method, params, gasLimit, value, gasPrice: 1n });
  const result = applyBlock({
    store,
    parentState: genesis.state,
    block: { miner, height: epoch(1) },
    messages: [sent],
    env: { ...env, codes: chaosCodes, verifiedMessages: new Set<string>() },
  });
  moneyInvariant(store, result.stateRoot, genesis.total);
  const receipt = result.receipts[0] as Receipt;
  const actor = (address: Address) => readActor(store, result.stateRoot, address);
  const saw = receipt.exitCode === 0 && method === "try" ? decode(c.uint(), receipt.returns) : undefined;
  return { receipt, actor, saw, state: result.stateRoot };
}

export const send = (ctx: ActorContext, to: Address, method: string, value = 0n, params = noParams): number =>
  ctx.send(to, method, attoFil(value), params).exitCode;

export const swallow = (act: () => unknown): number => {
  try {
    act();
    return 0;
  } catch {
    return 99;
  }
};
