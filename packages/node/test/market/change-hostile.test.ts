/** Changes of deals between one honest side and one that is not: each lie has its code, and no money is lost to it. */
import { attoFil, channelId, encode, epoch, type PeerId, parseCid } from "@holdfast/base";
import { builtinAddresses, methods, voucherSigningBytes } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { FrameReader, sendMessage } from "../../src/framing.ts";
import {
  type Amendment,
  amendmentAnswerBytes,
  amendmentAnswerCodec,
  amendmentCodec,
  amendmentIdOf,
  amendmentSigningBytes,
  amendProtocol,
  draftAmendedVoucher,
  isAmendmentAnswerSigned,
} from "../../src/market/amendment.ts";
import { ChangeStore } from "../../src/market/client/change-store.ts";
import { amendmentOf } from "../../src/market/client/change-views.ts";
import { proposalOf } from "../../src/market/client/follow.ts";
import { ClientStore } from "../../src/market/client/store.ts";
import { ask } from "../../src/market/talk.ts";
import { noise, signal, World } from "./support/world.ts";

const longer = 300;

/** A stored file, and an extension of its deal that the miner's policy has refused. */
async function refused() {
  const world = await World.create({ miners: 1 });
  await world.put(await world.import(noise(900)), { durationEpochs: 240 });
  const { client } = world;
  const miner = world.miner(0);
  const [deal] = client.market.deals();
  if (deal === undefined || deal.endHeight === null) throw new TypeError("there is a deal");
  const { dealId, endHeight } = deal;
  miner.market.policy({ extend: false });
  client.market.change(dealId, { kind: "extend", endHeight: endHeight + longer });
  await world.until(() => client.market.deal(dealId)?.amendments[0]?.state === "failed", 60);
  miner.market.policy({ extend: true });
  const attempt = new ClientStore(client.database).attemptOfDeal(dealId);
  const [change] = new ChangeStore(client.database).of(attempt?.id ?? 0);
  const amendment = change === undefined ? undefined : amendmentOf(change);
  if (attempt === undefined || amendment === undefined) throw new TypeError("it was signed");
  return { world, client, miner, dealId, endHeight, amendment, proposal: proposalOf(attempt) };
}

describe("a miner", () => {
  it("refuses each lie of a client with its code, and keeps none of them", async () => {
    const { world, client, miner, dealId, endHeight, amendment, proposal } = await refused();
    await using _ = world;
    const { networkId } = world.chain;
    const { keys, signer } = client;
    const target = miner.owner.address;
    /** Signed anew, so that only this one thing is wrong. */
    const signed = (over: Partial<Amendment>): Amendment => {
      const terms = { ...amendment, ...over };
      const vouchers = terms.vouchers.map((voucher) => {
        const draft = draftAmendedVoucher(proposal, target, terms, voucher);
        return { ...voucher, signature: signer.sign(keys.address, voucherSigningBytes(draft, networkId)) };
      });
      const signature = signer.sign(keys.address, amendmentSigningBytes(terms, networkId));
      return { ...terms, vouchers, signature };
    };
    const codeOf = async (asked: Amendment): Promise<string> => {
      const to = {
        peer: miner.wire.self as PeerId,
        protocol: amendProtocol,
        question: amendmentCodec,
        answer: amendmentAnswerCodec,
        timeoutMs: 10_000,
      };
      const answer = await world.settle(ask(client.needs, to, asked, signal));
      expect(isAmendmentAnswerSigned(answer, miner.worker.address)).toBe(true);
      expect(answer.amendment.equals(amendmentIdOf(asked))).toBe(true);
      return answer.isAccepted ? "accepted" : answer.code;
    };
    const height = world.height;
    const more = (value: bigint) => attoFil(value + 1n);
    const [first, ...rest] = amendment.vouchers;
    if (first === undefined) throw new TypeError("an extension has vouchers");
    const lies: readonly (readonly [string, Amendment])[] = [
      ["deal/channel-funds", signed({})],
      ["deal/bad-signature", { ...amendment, totalPrice: more(amendment.totalPrice) }],
      ["deal/unknown-deal", signed({ dealId: parseCid(proposal.payload.toString()) })],
      ["deal/amendment-times", signed({ validUntil: epoch(height) })],
      ["deal/amendment-times", signed({ validUntil: epoch(endHeight + 1) })],
      ["deal/amendment-times", signed({ endHeight: epoch(endHeight) })],
      ["deal/sector-ends-too-early", signed({ endHeight: epoch(endHeight + 1_000_000) })],
      ["deal/total-too-low", signed({ totalPrice: attoFil(amendment.totalPrice - 1n) })],
      ["deal/collateral-too-large", signed({ providerCollateral: more(amendment.providerCollateral) })],
      ["deal/collateral-too-small", signed({ clientCollateral: attoFil(0n) })],
      ["deal/no-vouchers", signed({ vouchers: [] })],
      ["deal/voucher-gap", signed({ vouchers: amendment.vouchers.slice(-1) })],
      [
        "deal/voucher-signature",
        { ...signed({}), vouchers: [{ ...first, signature: new Uint8Array(65) }, ...rest] },
      ],
      ["deal/no-vouchers", signed({ kind: "release", endHeight: epoch(endHeight) })],
      [
        "deal/settlement-too-low",
        signed({
          kind: "release",
          endHeight: epoch(endHeight),
          totalPrice: attoFil(1n),
          vouchers: [{ ...first, amount: attoFil(1n), validAt: epoch(0) }],
        }),
      ],
    ];
    for (const [code, lie] of lies) expect(await codeOf(lie)).toBe(code);
    expect((await miner.market.deal(dealId))?.amendments).toEqual([]);
    expect([world.count("extendDeal"), world.count("releaseDeal")]).toEqual([0, 0]);
  });
});

describe("a client", () => {
  it("whose miner says no and makes use of the signature keeps its side, and loses no collateral", async () => {
    await using world = await World.create({ miners: 1 });
    await world.put(await world.import(noise(900)), { durationEpochs: 240 });
    const { client } = world;
    const miner = world.miner(0);
    const [deal] = client.market.deals();
    const { dealId = "", endHeight = 0, channelId: channel = 0 } = deal ?? {};
    const end = (endHeight ?? 0) + longer;
    await world.settle(Promise.resolve(miner.market[Symbol.asyncDispose]()));
    const asked: Amendment[] = [];
    // First it wants the money; when it is there, it says no.
    const stop = miner.wire.handle(amendProtocol, async (stream) => {
      const amendment = await new FrameReader(stream).readMessage(amendmentCodec, signal);
      if (amendment === undefined) return;
      asked.push(amendment);
      const code = asked.length === 1 ? "deal/channel-funds" : "deal/not-by-policy";
      const reply = { amendment: amendmentIdOf(amendment), isAccepted: false, code, message: code };
      const answer = { ...reply, height: epoch(world.height) };
      const signature = miner.signer.sign(miner.worker.address, amendmentAnswerBytes(answer));
      await sendMessage(stream, amendmentAnswerCodec, { ...answer, signature }, signal);
      await stream.closeWrite();
    });
    client.market.change(dealId, { kind: "extend", endHeight: end });
    await world.until(() => client.market.deal(dealId)?.amendments[0]?.state === "failed", 60);
    expect(client.market.deal(dealId)?.amendments[0]?.code).toBe("deal/not-by-policy");
    stop();
    const amendment = asked.at(-1);
    if (amendment === undefined) throw new TypeError("it was asked");
    const {
      endHeight: later,
      totalPrice,
      clientCollateral,
      providerCollateral,
      validUntil,
      signature,
    } = amendment;
    const given = {
      endHeight: later,
      totalPrice,
      clientCollateral,
      providerCollateral,
      validUntil,
      signature,
    };
    const ref = { client: client.keys.address, channel: channelId(channel ?? 0) };
    const { market } = builtinAddresses(1);
    const sent = await world.settle(
      miner.sender
        .send({
          from: miner.owner.address,
          to: market,
          method: "extendDeal",
          params: encode(methods.market.extendDeal.params, { ...ref, ...given }),
          value: providerCollateral,
        })
        .catch(() => undefined),
    );
    await world.rounds(4);
    const isMade = sent !== undefined && world.count("extendDeal") === 1;
    // Without the client's deposit the chain refuses it; with it, the client takes the change as made.
    const shown = client.market.deal(dealId);
    expect(shown?.endHeight).toBe(isMade ? end : endHeight);
    expect(shown?.amendments[0]?.state).toBe(isMade ? "done" : "failed");
    expect(shown?.onChain?.status).toBe("active");
    expect(world.count("cancel")).toBe(0);
  });
});
