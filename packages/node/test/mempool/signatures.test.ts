/** Signatures of gossiped messages, verified elsewhere: one list at a time, verdicts in order, a lost list is told. */
import type { SignedMessage } from "@holdfast/consensus";
import { expect, it } from "vitest";
import { type AreSigned, SignatureLine } from "../../src/mempool/signatures.ts";

const networkId = new Uint8Array(32);
const message = (nonce: number): SignedMessage => ({ message: { nonce } }) as unknown as SignedMessage;
const nonceOf = ({ message: { nonce } }: SignedMessage): number => nonce;

it("what comes while a list is under way goes together in the next", async () => {
  const lists: number[][] = [];
  const gates: (() => void)[] = [];
  const areSigned: AreSigned = async (messages) => {
    lists.push(messages.map(nonceOf));
    await new Promise<void>((open) => gates.push(open));
    return messages.map((one) => nonceOf(one) % 2 === 0);
  };
  const line = new SignatureLine(areSigned, networkId);
  const verdicts = Array.from({ length: 7 }, (_, nonce) => line.isSigned(message(nonce)));
  expect(lists).toEqual([[0]]);
  expect(line.waiting).toBe(6);
  gates.shift()?.();
  expect(await verdicts[0]).toBe(true);
  expect(lists[1]).toEqual([1, 2, 3, 4, 5, 6]);
  gates.shift()?.();
  expect(await Promise.all(verdicts)).toEqual([true, false, true, false, true, false, true]);
  expect(line.waiting).toBe(0);
});

it("a list that fails fails for those in it, and for nobody after them", async () => {
  let isBroken = true;
  const areSigned: AreSigned = async (messages) => {
    if (isBroken) throw new TypeError("the threads are gone");
    return messages.map(() => true);
  };
  const line = new SignatureLine(areSigned, networkId);
  await expect(line.isSigned(message(1))).rejects.toThrow("the threads are gone");
  isBroken = false;
  expect(await line.isSigned(message(2))).toBe(true);
});
