/** Every reason that `message why` can give, each from the facts that make it, and with the command that helps. */
import {
  type Address,
  accountAddress,
  attoFil,
  blake2b256,
  epoch,
  gasUnits,
  MemoryBlockstore,
  nonce,
  publicKeyOf,
  utf8Bytes,
} from "@holdfast/base";
import {
  createGenesis,
  createTipset,
  devnetParams,
  messageCid,
  type SignedMessage,
  signMessage,
  type Tipset,
} from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { type MessageFacts, reasonsOf, type WaitReason, waitReasons } from "../../src/mempool/explain.ts";

const key = blake2b256(utf8Bytes("why alice"));
const alice: Address = accountAddress(1, publicKeyOf(key));
const sink = accountAddress(1, publicKeyOf(blake2b256(utf8Bytes("why sink"))));
const networkId = blake2b256(utf8Bytes("why"));
const params = devnetParams({ name: "why", roundMs: 1_000 });
const store = new MemoryBlockstore();
const balance = 1_000_000n;
const genesis = createGenesis(
  { params, accounts: [{ address: alice, balance: attoFil(balance) }], miners: [], timestampMs: 0 },
  store,
);

function message(
  number: number,
  given: { value?: bigint; price?: bigint; gas?: number } = {},
): SignedMessage {
  return signMessage(key, networkId, {
    from: alice,
    to: sink,
    nonce: nonce(number),
    value: attoFil(given.value ?? 0n),
    method: "",
    params: new Uint8Array(0),
    gasPrice: attoFil(given.price ?? 2n),
    gasLimit: gasUnits(given.gas ?? 1_000),
  });
}

/** The first reasons for a message among those that wait, below a head with these messages. */
function why(
  signed: SignedMessage,
  given: {
    readonly waiting?: readonly SignedMessage[];
    readonly block?: readonly SignedMessage[];
    readonly fate?: "expired" | "evicted";
    readonly facts?: Partial<MessageFacts>;
  } = {},
) {
  const { waiting = [signed], block = [], fate, facts } = given;
  const tipset: Tipset = { ...createTipset([genesis.header]), height: epoch(7) };
  const chain = {
    params,
    store,
    headState: () => ({ state: genesis.state, tipset }),
    messagesOf: () => block,
  };
  const pool = {
    get: (cid: ReturnType<typeof messageCid>) => waiting.find((one) => messageCid(one).equals(cid)),
    waitingAt: (from: Address, at: number) =>
      waiting.find(({ message: m }) => m.from === from && m.nonce === at),
    pending: () => waiting,
    fate: () => fate,
  };
  const own = { outcome: "open", minedAt: undefined, refusal: undefined } as const;
  const where = { chain, pool: pool as unknown as Parameters<typeof reasonsOf>[0]["pool"] };
  return reasonsOf(where, { cid: messageCid(signed), signed, ...own, ...facts });
}

/** A block that has no room, whose cheapest message pays 50. */
const full = [message(0, { price: 50n, gas: params.blockGasLimit })];
const first = message(0);
const second = message(1);

const cases: { readonly [Code in WaitReason]: () => ReturnType<typeof why> } = {
  mined: () => why(first, { facts: { minedAt: 5 } }),
  replaced: () => why(first, { facts: { outcome: "replaced" } }),
  cancelled: () => why(first, { facts: { outcome: "cancelled" } }),
  "nonce-gap": () => why(second),
  "nonce-order": () => why(second, { waiting: [first, second] }),
  balance: () => why(message(0, { value: balance })),
  "block-full": () => why(message(0, { price: 60n }), { block: full }),
  price: () => why(first, { block: full }),
  "not-in-pool": () => why(first, { waiting: [], facts: { refusal: "the pool is full" } }),
  expired: () => why(first, { waiting: [], fate: "expired" }),
  evicted: () => why(first, { waiting: [], fate: "evicted" }),
  "next-block": () => why(first),
};

/** For these nothing can be done, or nothing needs to be. */
const withoutFix: ReadonlySet<WaitReason> = new Set(["mined", "cancelled", "next-block"]);

describe("message why", () => {
  for (const code of waitReasons) {
    it(`says ${code}, and what helps`, () => {
      const reasons = cases[code]();
      const found = reasons.find((reason) => reason.code === code);
      expect(reasons.map((reason) => reason.code)).toContain(code);
      expect(found?.detail).not.toBe("");
      if (withoutFix.has(code)) expect(found?.fix).toBeNull();
      else expect(found?.fix).toMatch(/\w/);
    });
  }

  it("names the first thing that a block would notice, and all that follow", () => {
    const poor = message(2, { value: balance, price: 3n });
    const codes = why(poor, { waiting: [first, poor], block: full }).map(({ code }) => code);
    expect(codes).toEqual(["nonce-gap", "balance", "block-full", "price"]);
  });
});
