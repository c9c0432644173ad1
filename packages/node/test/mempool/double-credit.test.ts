/**
 * A deposit that is credited, and a chain that is left afterwards (exchanges, 2021): whoever waits for more rounds on
 * top of a message than a fork is deep never hears of the branch that is left, and who looked too early sees it taken
 * back.
 */
import { attoFil, encode, gasUnits, nonce } from "@holdfast/base";
import {
  messageCid,
  messageSigningBytes,
  readActor,
  type SignedMessage,
  signedMessageCodec,
} from "@holdfast/consensus";
import { createNetwork, type TestNetwork, type TestNode } from "@holdfast/node/testing";
import { expect, it } from "vitest";
import { messageTopic } from "../../src/mempool/pool.ts";

const confirmations = 12;
const signal = new AbortController().signal;

const height = ({ node }: TestNode): number => node.chain.head().height;
const weight = ({ node }: TestNode): bigint => node.chain.weightOf(node.chain.head().key) ?? 0n;

/** The payer's next message: to whom it likes. */
function payment(net: TestNetwork, payer: TestNode, to: TestNode): SignedMessage {
  const { chain } = net.client.node;
  const message = {
    from: payer.account,
    to: to.account,
    nonce: nonce(readActor(chain.store, chain.headState().state, payer.account)?.nonce ?? 0),
    value: attoFil(1_000_000n),
    method: "",
    params: new Uint8Array(0),
    gasPrice: attoFil(1n),
    gasLimit: gasUnits(1_000_000),
  };
  const toSign = messageSigningBytes(message, chain.networkId);
  return { message, signature: payer.node.wallet.sign(payer.account, toSign) };
}

it("a deposit on a branch that is left is taken back, and no wait for more rounds than the fork has ends", async () => {
  const net = await createNetwork({ miners: 2, seed: "double credit", params: { finalityEpochs: 32 } });
  await using _ = net;
  await net.advance("5s");
  const [left, right] = net.miners;
  const [bootstrap] = net.nodes;
  if (left === undefined || right === undefined || bootstrap === undefined)
    throw new RangeError("there are two miners and a first node");
  const topic = messageTopic(net.client.node.chain.params.name);
  const [paid, kept] = [payment(net, right, net.client), payment(net, right, left)];
  // The payer tells the one side that it pays, and the other that it has spent the money elsewhere.
  net.wire.partition([["client", left.name]]);
  await net.settle(net.client.node.wire.connect(`/sim/${left.name}`));
  await net.settle(left.node.wire.publish(topic, encode(signedMessageCodec, paid)));
  await net.settle(net.client.node.wire.publish(topic, encode(signedMessageCodec, paid)));
  await net.settle(bootstrap.node.wire.publish(topic, encode(signedMessageCodec, kept)));
  await net.settle(right.node.wire.publish(topic, encode(signedMessageCodec, kept)));

  const cid = messageCid(paid);
  const { sender } = net.client.node;
  expect(await net.advanceUntil(() => sender.find(cid)?.mined !== undefined, 60_000)).toBe(true);
  const early = await net.settle(sender.wait(cid, { confirmations: 0 }));
  expect(early.receipt.exitCode).toBe(0);
  const answers: string[] = [];
  const late = sender.wait(cid, { confirmations, timeoutMs: 900_000 }).then(
    () => answers.push("final"),
    (error: { readonly code: string }) => answers.push(error.code),
  );
  const from = height(net.client);
  expect(await net.advanceUntil(() => height(net.client) >= from + 6, 200_000)).toBe(true);
  expect(answers).toEqual([]);

  await net.settle(left.stop());
  expect(await net.advanceUntil(() => weight(bootstrap) > weight(net.client), 200_000)).toBe(true);
  net.wire.heal();
  await net.settle(net.client.node.wire.connect("/sim/bootstrap"));
  const isOver = () => net.client.node.chain.head().key === bootstrap.node.chain.head().key;
  expect(await net.advanceUntil(isOver, 120_000)).toBe(true);
  expect(sender.find(messageCid(kept))?.mined).toBeDefined();
  expect(sender.find(cid)?.mined).toBeUndefined();
  const { state } = sender.find(cid) === undefined
    ? { state: "unknown" }
    : await net.settle(net.client.node.handlers["message.show"]({ cid: cid.toString() }, signal));
  expect(state).not.toBe("mined");
  const overAt = height(net.client);
  expect(await net.advanceUntil(() => height(net.client) > overAt + confirmations, 200_000)).toBe(true);
  expect(answers).not.toContain("final");
  await net.advance("900s");
  await late;
  expect(answers).not.toContain("final");
});
