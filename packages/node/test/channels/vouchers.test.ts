/** Vouchers off the chain: their text, every reason for which one is refused, and what is kept of many. */
import {
  type AttoFil,
  attoFil,
  blake2b256,
  channelId,
  encode,
  epoch,
  filToAtto,
  HoldfastError,
  utf8Bytes,
} from "@holdfast/base";
import { builtinAddresses, signVoucher, type Voucher, voucherCodec } from "@holdfast/consensus";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseVoucher, voucherText } from "../../src/channels/index.ts";
import { limits } from "../../src/limits.ts";
import { BadChain, Party, payer, target } from "./two-parties.ts";

const codeOf = (run: () => unknown): string => {
  try {
    run();
    return "taken";
  } catch (error) {
    return error instanceof HoldfastError ? error.code : String(error);
  }
};
const nothing = new Uint8Array(0);
const fil = filToAtto;

const anyVoucher: fc.Arbitrary<Voucher> = fc.record({
  payer: fc.constant(payer.address),
  target: fc.constant(target.address),
  channel: fc.nat().map(channelId),
  amount: fc.bigInt({ min: 0n, max: 10n ** 30n }).map(attoFil),
  validAt: fc.nat().map(epoch),
  condition: fc.option(
    fc.record({
      to: fc.constant(builtinAddresses(1).market),
      method: fc.stringMatching(/^[a-z]{1,20}$/),
      params: fc.uint8Array({ maxLength: 300 }),
    }),
    { nil: null },
  ),
  signature: fc.uint8Array({ minLength: 65, maxLength: 65 }),
});

describe("the text of a voucher", () => {
  it("is read back as the same voucher, and is the only text of it", () => {
    fc.assert(
      fc.property(anyVoucher, fc.nat(), fc.nat({ max: 63 }), (voucher, at, to) => {
        const text = voucherText(voucher);
        expect(encode(voucherCodec, parseVoucher(`  ${text}\n`))).toEqual(encode(voucherCodec, voucher));
        const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        const place = 4 + (at % (text.length - 4));
        const changed = text.slice(0, place) + alphabet[to] + text.slice(place + 1);
        if (changed === text) return;
        // Refused, or another voucher: never the same one in another spelling.
        let other: Voucher | undefined;
        try {
          other = parseVoucher(changed);
        } catch (error) {
          expect((error as HoldfastError).code).toBe("channels/malformed-voucher");
          return;
        }
        expect(encode(voucherCodec, other)).not.toEqual(encode(voucherCodec, voucher));
      }),
      { numRuns: 200, seed: 5 },
    );
  });

  it("is refused when it is cut off, empty, of another kind, too long or random", () => {
    const text = voucherText(
      signVoucher(payer.privateKey, blake2b256(utf8Bytes("n")), {
        payer: payer.address,
        target: target.address,
        channel: channelId(1),
        amount: fil(1n),
        validAt: epoch(0),
        condition: null,
      }),
    );
    const wrong = [
      "",
      "hfv1",
      text.slice(0, -1),
      `${text}A`,
      text.slice(4),
      `hfv2${text.slice(4)}`,
      `${text}=`,
    ];
    for (const one of wrong) expect(codeOf(() => parseVoucher(one))).toBe("channels/malformed-voucher");
    const long = `hfv1${"A".repeat(limits.voucherTextBytes)}`;
    expect(codeOf(() => parseVoucher(long))).toBe("channels/malformed-voucher");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const random = `hfv1${Buffer.from(bytes).toString("base64url")}`;
        expect(codeOf(() => parseVoucher(random))).toBe("channels/malformed-voucher");
      }),
      { numRuns: 200, seed: 5 },
    );
  });
});

/** A channel of 100 FIL, buried; and a way to sign anything in it. */
async function opened() {
  const chain = new BadChain();
  const [pays, gets] = [new Party(chain, payer), new Party(chain, target)];
  const eol = epoch(500);
  const terms = { from: payer.address, target: target.address, amount: fil(100n), eol };
  const id = channelId((await pays.room.create(terms)).nonce);
  chain.mine(() => true);
  const signed = (change: Partial<Voucher> = {}, key = payer.privateKey): string =>
    voucherText(
      signVoucher(key, chain.networkId, {
        payer: payer.address,
        target: target.address,
        channel: id,
        amount: fil(5n),
        validAt: epoch(0),
        condition: null,
        ...change,
      }),
    );
  const add = (text: string) => codeOf(() => gets.room.add(text, nothing));
  return { chain, pays, gets, id, signed, add };
}

describe("a received voucher", () => {
  it("is refused for each reason with a code of its own", async () => {
    const { chain, gets, signed, add, id } = await opened();
    expect(add(signed({ channel: channelId(99) }))).toBe("channels/no-channel");
    expect(add(signed({ target: payer.address }))).toBe("channels/wrong-channel");
    expect(add(signed({ validAt: epoch(500) }))).toBe("channels/expired");
    expect(add(signed({ amount: fil(101n) }))).toBe("channels/above-channel");
    expect(add(signed({ amount: attoFil(0n) }))).toBe("channels/worth-nothing");
    expect(add(signed({}, target.privateKey))).toBe("channels/bad-signature");
    expect(add(signed())).toBe("taken");
    expect(add(signed())).toBe("channels/not-better");
    expect(add(signed({ amount: fil(4n) }))).toBe("channels/not-better");
    expect(add(signed({ amount: fil(5n), validAt: epoch(9) }))).toBe("channels/not-better");
    await gets.room.redeem(payer.address, id, "redeem");
    chain.mine(() => true);
    expect(add(signed({ amount: fil(5n) }))).toBe("channels/worth-nothing");
    expect(gets.room.check(signed({ amount: fil(2n) }))).toMatchObject({
      good: false,
      code: "channels/worth-nothing",
      addsFil: "0",
    });
    expect(gets.room.check(signed({ amount: fil(7n) }))).toMatchObject({
      good: true,
      code: null,
      addsFil: "2",
    });
  });

  it("is refused by a node that has no key of its target", async () => {
    const { pays, signed } = await opened();
    expect(codeOf(() => pays.room.add(signed(), nothing))).toBe("channels/not-ours");
  });

  it("stays beside one that pays more but later, or asks for a condition", async () => {
    const { gets, signed, add, id } = await opened();
    const condition = {
      to: builtinAddresses(1).market,
      method: "getTotalPower",
      params: Uint8Array.of(0x80),
    };
    expect(add(signed({ amount: fil(9n), validAt: epoch(400) }))).toBe("taken");
    expect(add(signed({ amount: fil(8n), condition }))).toBe("taken");
    expect(add(signed({ amount: fil(5n) }))).toBe("taken");
    expect(gets.room.vouchers(payer.address, id)).toHaveLength(3);
    expect(gets.room.best(payer.address, id).amountFil).toBe("8");
    // All three add nothing to this one.
    expect(add(signed({ amount: fil(9n) }))).toBe("taken");
    expect(gets.room.vouchers(payer.address, id)).toHaveLength(1);
  });

  it("is one of so many of a channel and no more", async () => {
    const { signed, add } = await opened();
    const later = (step: number) => signed({ amount: attoFil(BigInt(step + 1)), validAt: epoch(step) });
    for (let step = 0; step < limits.vouchersPerChannel; step += 1) expect(add(later(step))).toBe("taken");
    expect(add(later(limits.vouchersPerChannel))).toBe("channels/full");
    expect(add(signed({ amount: fil(1n) }))).toBe("taken");
  });

  it("whose condition does not hold gives way to one that pays less without", async () => {
    const { chain, gets, signed, add, id } = await opened();
    const condition = { to: builtinAddresses(1).market, method: "noSuchMethod", params: nothing };
    expect(add(signed({ amount: fil(9n), condition }))).toBe("taken");
    expect(add(signed({ amount: fil(3n) }))).toBe("taken");
    await gets.room.redeem(payer.address, id, "redeem");
    chain.mine(() => true);
    expect(chain.channel(id)?.redeemed).toBe(fil(3n));
  });
});

describe("a given voucher", () => {
  it("is refused before anybody can see it if it promises nothing new or more than there is", async () => {
    const { pays, gets, id } = await opened();
    const give = (amount: AttoFil, by = pays) =>
      codeOf(() =>
        by.room.give({ payer: payer.address, channel: id, amount, validAt: epoch(0), condition: null }),
      );
    expect(give(fil(3n))).toBe("taken");
    expect(give(fil(3n))).toBe("channels/not-better");
    expect(give(fil(2n))).toBe("channels/not-better");
    expect(give(fil(101n))).toBe("channels/above-channel");
    expect(give(fil(9n), gets)).toBe("channels/not-ours");
    expect(pays.room.vouchers(undefined, undefined).map(({ side }) => side)).toEqual(["given"]);
  });
});

describe("the ways out of a channel", () => {
  it("name who takes what, by which command, from which height, at every stage", async () => {
    const { chain, pays, gets, id, signed, add } = await opened();
    const ways = () =>
      gets.room
        .show(payer.address, id)
        .waysOut.map(({ role, command, fromHeight, amountFil }) => [
          role,
          command.split(" ")[2],
          fromHeight,
          amountFil,
        ]);
    expect(ways()).toEqual([
      ["payer", "cancel", 2, "100"],
      ["payer", "reclaim", 500, "100"],
    ]);
    add(signed({ amount: fil(30n) }));
    expect(ways()[0]).toEqual(["target", "redeem", 2, "30"]);
    await pays.room.end({ method: "cancel", from: payer.address, channel: id });
    chain.mine(() => true);
    const [redeem, reclaim] = ways();
    expect(redeem).toEqual(["target", "redeem", 3, "30"]);
    expect(reclaim).toEqual(["payer", "reclaim", 2 + chain.params.channelCancelDelayEpochs, "100"]);
  });
});
