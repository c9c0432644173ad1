/**
 * Messages that must never be executed: without their sender's signature, out of turn, once more, or for more than
 * there is. Each is right but for that one point.
 */
import { type Address, attoFil, gasUnits, nonce } from "@holdfast/base";
import type { SeededRandom } from "@holdfast/base/testing";
import {
  type Message,
  messageSigningBytes,
  readActor,
  type SignedMessage,
  type Tipset,
} from "@holdfast/consensus";
import type { RunningNode } from "../../compose.ts";

export interface Fraud {
  readonly thief: Address;
  readonly victim: Address;
  readonly random: SeededRandom;
  /** What the block stands on. */
  readonly base: Tipset;
}

type Fraudsters = Readonly<
  Record<string, (running: RunningNode, fraud: Fraud) => readonly SignedMessage[] | undefined>
>;

/** Tipsets in which a message of the past is looked for. */
const pastTipsets = 8;

function payment(
  { chain }: RunningNode,
  { from, to }: { readonly from: Address; readonly to: Address },
  { random, base }: Fraud,
): Message | undefined {
  const found = readActor(chain.store, chain.stateOf(base), from);
  if (found === undefined || from === to) return undefined;
  return {
    from,
    to,
    nonce: nonce(found.nonce),
    value: attoFil(BigInt(random.between(1, 1_000_000))),
    method: "",
    params: new Uint8Array(0),
    gasPrice: attoFil(1_000n),
    gasLimit: gasUnits(1_000_000),
  };
}

/** Money of somebody else, without that one's signature. */
export function theft(running: RunningNode, fraud: Fraud): SignedMessage | undefined {
  const { thief, victim, random } = fraud;
  const message = payment(running, { from: victim, to: thief }, fraud);
  return message === undefined ? undefined : { message, signature: random.bytes(65) };
}

/** Own money, signed; `change` makes it a fraud. */
export function spending(
  running: RunningNode,
  fraud: Fraud,
  change: (message: Message) => Partial<Message> = () => ({}),
): SignedMessage | undefined {
  const { thief, victim } = fraud;
  const right = payment(running, { from: thief, to: victim }, fraud);
  if (right === undefined) return undefined;
  const message = { ...right, ...change(right) };
  const { chain, wallet } = running;
  return { message, signature: wallet.sign(thief, messageSigningBytes(message, chain.networkId)) };
}

const listOf = (message: SignedMessage | undefined): readonly SignedMessage[] | undefined =>
  message === undefined ? undefined : [message];

export const frauds: Fraudsters = {
  "a stolen message": (running, fraud) => listOf(theft(running, fraud)),
  "a message before its turn": (running, fraud) =>
    listOf(spending(running, fraud, (right) => ({ nonce: nonce(right.nonce + 1) }))),
  "more than there is": (running, fraud) =>
    listOf(spending(running, fraud, () => ({ value: attoFil(10n ** 30n) }))),
  "a message twice": (running, fraud) => {
    const once = spending(running, fraud);
    return once === undefined ? undefined : [once, once];
  },
  "a message of the past": ({ chain }, { random, base }) => {
    const past: SignedMessage[] = [];
    let looked = 0;
    for (const tipset of chain.ancestors(base)) {
      if (looked === pastTipsets) break;
      looked += 1;
      past.push(...chain.messagesOf(tipset));
    }
    const state = chain.stateOf(base);
    const isUsed = ({ message: { from, nonce: used } }: SignedMessage): boolean =>
      used < (readActor(chain.store, state, from)?.nonce ?? 0);
    const used = past.filter(isUsed);
    return used.length === 0 ? undefined : [random.pick(used)];
  },
};
