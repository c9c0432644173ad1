/**
 * Two questions to a pinning node, each on a topic of its own, and its signed answers: which key it has, and what it
 * holds. Whoever hears an answer compares it with the chain before passing it on, so what goes round is true, and who
 * asks learns that the node is there and has its key. Invariants: a node answers a bounded number of questions in a
 * slot, and no more questions about one node are passed on, of which one neighbour has a part; nothing is passed on
 * that was not verified.
 */
import {
  abortable,
  type Cancel,
  type Codec,
  decode,
  encode,
  equalBytes,
  type GossipVerdict,
  HoldfastError,
  type PeerId,
  toHex,
} from "@holdfast/base";
import {
  isPinKeyAnswerSigned,
  isPinListAnswerSigned,
  type PinKeyAnswer,
  type PinKeyFacts,
  type PinKeyMessage,
  type PinListAnswer,
  type PinListFacts,
  type PinListMessage,
  type PinNode,
  pinKeyMessageCodec,
  pinKeySigningBytes,
  pinListMessageCodec,
  pinListSigningBytes,
  pinNonceBytes,
  pinSlotAt,
} from "@holdfast/consensus";
import { withDeadline } from "../framing.ts";
import { limits } from "../limits.ts";
import { poscErrors } from "./errors.ts";
import type { PoscKey, PoscNeeds } from "./needs.ts";

export const keyTopic = (network: string): string => `/holdfast/pin/key/1.0.0/${network}`;
export const listTopic = (network: string): string => `/holdfast/pin/cid/1.0.0/${network}`;

type MessagesNeeds = Pick<PoscNeeds, "chain" | "wire" | "clock" | "random" | "logger">;

export interface Answers {
  readonly key: PinKeyAnswer;
  readonly list: PinListAnswer;
}

export interface Messages {
  /** Both questions; `posc/no-answer`, the signal's reason. */
  ask(node: number, signal: Cancel): Promise<Answers>;
  stop(): void;
}

/** What a kind of message is, beside the question that both have. */
interface Subject<Facts extends { readonly node: number; readonly key: string }, Message> {
  readonly topic: string;
  readonly codec: Codec<Message>;
  /** What the chain says. */
  facts(node: PinNode, question: { readonly node: number; readonly nonce: Uint8Array }): Facts;
  bytes(facts: Facts, networkId: Uint8Array): Uint8Array;
  isSigned(answer: Facts & { readonly signature: Uint8Array }, networkId: Uint8Array): boolean;
}

const keySubject = (network: string): Subject<PinKeyFacts, PinKeyMessage> => ({
  topic: keyTopic(network),
  codec: pinKeyMessageCodec,
  facts: ({ key, peerId, kind: evidenceKind, program, evidence, validUntil }, { node, nonce }) => ({
    ...{ node, nonce, key, peerId, evidenceKind, program, evidence, validUntil },
  }),
  bytes: pinKeySigningBytes,
  isSigned: isPinKeyAnswerSigned,
});
const listSubject = (network: string): Subject<PinListFacts, PinListMessage> => ({
  topic: listTopic(network),
  codec: pinListMessageCodec,
  facts: ({ key, set, setCount: count }, { node, nonce }) => ({ node, nonce, key, set, count }),
  bytes: pinListSigningBytes,
  isSigned: isPinListAnswerSigned,
});

/** `self` is this node, if it is one of the network and its key is the chain's. */
export function openMessages(
  needs: MessagesNeeds,
  self: () => { readonly node: number; readonly key: PoscKey } | undefined,
): Messages {
  const { network } = needs.chain;
  const keys = new Dialogue(needs, keySubject(network), self);
  const lists = new Dialogue(needs, listSubject(network), self);
  return {
    async ask(node, signal) {
      const [key, list] = await Promise.all([keys.ask(node, signal), lists.ask(node, signal)]);
      return { key, list };
    },
    stop() {
      keys.stop();
      lists.stop();
    },
  };
}

type Message<Facts> =
  | { readonly kind: "question"; readonly version: 1; readonly node: number; readonly nonce: Uint8Array }
  | ({ readonly kind: "answer"; readonly version: 1; readonly signature: Uint8Array } & Facts);

class Dialogue<Facts extends PinKeyFacts | PinListFacts, Wire> {
  readonly #needs: MessagesNeeds;
  readonly #subject: Subject<Facts, Wire>;
  readonly #self: () => { readonly node: number; readonly key: PoscKey } | undefined;
  readonly #end: () => void;
  /** Who waits for an answer, by the nonce of the question. */
  readonly #asking = new Map<string, (answer: Facts & { readonly signature: Uint8Array }) => void>();
  /** From whom questions of this slot came, by the number of the node that they are about. */
  #heard: { readonly slot: number; readonly from: Map<number, PeerId[]> } = { slot: -1, from: new Map() };

  constructor(
    needs: MessagesNeeds,
    subject: Subject<Facts, Wire>,
    self: () => { readonly node: number; readonly key: PoscKey } | undefined,
  ) {
    this.#needs = needs;
    this.#subject = subject;
    this.#self = self;
    this.#end = needs.wire.subscribe(subject.topic, (bytes, from) => this.#hear(bytes, from));
  }

  stop(): void {
    this.#end();
  }

  async ask(node: number, outer: Cancel): Promise<Facts & { readonly signature: Uint8Array }> {
    const { clock, random, wire } = this.#needs;
    const { topic, codec } = this.#subject;
    const nonce = random.bytes(pinNonceBytes);
    const name = toHex(nonce);
    const { promise, resolve } = Promise.withResolvers<Facts & { readonly signature: Uint8Array }>();
    this.#asking.set(name, resolve);
    const question: Message<Facts> = { kind: "question", version: 1, node, nonce };
    const options = { timeoutMs: limits.pinQuestionMs, protocol: topic, outer };
    try {
      return await withDeadline(clock, options, async (signal) => {
        await wire.publish(topic, encode(codec, question as Wire));
        return await abortable(signal, promise);
      });
    } catch (error) {
      outer.throwIfAborted();
      throw poscErrors.noAnswer({ node }, error);
    } finally {
      this.#asking.delete(name);
    }
  }

  #hear(bytes: Uint8Array, from: PeerId): GossipVerdict {
    const message = this.#decoded(bytes);
    if (message === undefined) return "reject";
    const node = this.#needs.chain.view().node(message.node);
    if (node === undefined) return "ignore";
    if (message.kind === "question") return this.#heardQuestion(message, node, from);
    const { networkId } = this.#needs.chain;
    const { signature: _, kind: __, ...said } = message;
    // The chain moves: an answer of a moment ago may be true of another head. Verifying costs more.
    const expected = { ...this.#subject.facts(node, message), version: 1 };
    if (!isSame(said, expected)) return "ignore";
    if (!this.#subject.isSigned(message, networkId)) return "reject";
    this.#asking.get(toHex(message.nonce))?.(message);
    return "accept";
  }

  #heardQuestion(
    question: { readonly node: number; readonly nonce: Uint8Array },
    node: PinNode,
    from: PeerId,
  ): GossipVerdict {
    const { slotEpochs, height } = this.#needs.chain.view();
    const slot = pinSlotAt(slotEpochs, height + 1);
    if (this.#heard.slot !== slot) this.#heard = { slot, from: new Map() };
    const before = this.#heard.from.get(question.node) ?? [];
    const ofPeer = before.filter((peer) => peer === from).length;
    if (before.length >= limits.pinQuestionsPerSlot || ofPeer >= limits.pinQuestionsPerPeer) return "ignore";
    this.#heard.from.set(question.node, [...before, from]);
    const self = this.#self();
    if (self !== undefined && self.node === question.node && self.key.address === node.key)
      void this.#answer(question, node, self.key);
    return "accept";
  }

  async #answer(
    question: { readonly node: number; readonly nonce: Uint8Array },
    node: PinNode,
    key: PoscKey,
  ): Promise<void> {
    const { chain, wire, logger } = this.#needs;
    const { topic, codec, bytes } = this.#subject;
    try {
      const facts = this.#subject.facts(node, question);
      const signature = key.sign(bytes(facts, chain.networkId));
      const answer = { ...facts, kind: "answer", version: 1, signature };
      await wire.publish(topic, encode(codec, answer as Wire));
    } catch (error) {
      logger.debug("a question is not answered", { topic, detail: String(error) });
    }
  }

  #decoded(bytes: Uint8Array): Message<Facts> | undefined {
    try {
      const options = { maxBytes: limits.pinMessageBytes };
      return decode(this.#subject.codec, bytes, options) as Message<Facts>;
    } catch (error) {
      if (error instanceof HoldfastError) return undefined;
      throw error;
    }
  }
}

function isSame(said: object, expected: object): boolean {
  const right = expected as { readonly [field: string]: unknown };
  return Object.entries(said).every(([field, value]) => {
    const other = right[field];
    if (value instanceof Uint8Array) return other instanceof Uint8Array && equalBytes(value, other);
    return String(value) === String(other);
  });
}
