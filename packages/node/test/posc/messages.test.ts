/** Questions to pinning nodes: what is passed on, answered, ignored, and held against a neighbour. */
import {
  accountAddress,
  decode,
  encode,
  epoch,
  type GossipVerdict,
  generateKey,
  type PeerId,
  publicKeyOfKey,
  rawCid,
  signRecoverable,
  silentLogger,
} from "@holdfast/base";
import { SeededRandom, SimClock } from "@holdfast/base/testing";
import {
  type PinKeyAnswer,
  type PinKeyFacts,
  pinKeyMessageCodec,
  pinKeySigningBytes,
  pinListMessageCodec,
} from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { limits } from "../../src/limits.ts";
import { keyTopic, listTopic, type PoscNeeds } from "../../src/posc/index.ts";
import { openMessages } from "../../src/posc/messages.ts";

const networkId = new Uint8Array(32).fill(3);
const random = new SeededRandom("messages");
const keyPair = () => {
  const secret = generateKey("secp256k1", random);
  const publicKey = publicKeyOfKey(secret);
  const sign = (bytes: Uint8Array) => signRecoverable(secret.privateKey, bytes);
  return { address: accountAddress(1, publicKey), publicKey, sign };
};
const [own, foreign] = [keyPair(), keyPair()];
const node = {
  ...{ key: own.address, peerId: "12D3KooW", kind: "software", validUntil: epoch(900) },
  ...{ program: new Uint8Array(32).fill(5), evidence: new Uint8Array(32).fill(6) },
  ...{ set: rawCid(Uint8Array.of(1)), setCount: 2 },
};
const [keys, lists] = [keyTopic("test"), listTopic("test")];
const never = new AbortController().signal;
const drain = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((done) => setImmediate(done));
};

/** `isNode`: this is the pinning node 0. */
function worldOf({ isNode = true, publishes = async (): Promise<void> => undefined } = {}) {
  const at = { height: 9, validUntil: node.validUntil };
  const clock = new SimClock();
  const handlers = new Map<string, (bytes: Uint8Array, from: PeerId) => GossipVerdict>();
  const published: { readonly topic: string; readonly bytes: Uint8Array }[] = [];
  const view = () => ({
    ...{ height: at.height, slotEpochs: 5 },
    node: (number: number) => (number === 0 ? { ...node, validUntil: at.validUntil } : undefined),
  });
  const wire = {
    subscribe(topic: string, handler: (bytes: Uint8Array, from: PeerId) => GossipVerdict) {
      handlers.set(topic, handler);
      return () => void handlers.delete(topic);
    },
    async publish(topic: string, bytes: Uint8Array) {
      await publishes();
      published.push({ topic, bytes });
    },
  };
  const chain = { network: "test", networkId, view, onHead: () => () => undefined };
  const needs = { chain, wire, clock, random, logger: silentLogger } as unknown as PoscNeeds;
  const messages = openMessages(needs, () => (isNode ? { node: 0, key: own } : undefined));
  return {
    ...{ at, clock, messages, published, handlers },
    hear: (topic: string, bytes: Uint8Array, from = "a neighbour") =>
      handlers.get(topic)?.(bytes, from as PeerId),
  };
}

const question = (about = 0): Uint8Array =>
  encode(pinKeyMessageCodec, { kind: "question", version: 1, node: about, nonce: random.bytes(16) });

function answer(change: Partial<PinKeyFacts> = {}, key = own): Uint8Array {
  const { kind: evidenceKind, key: account, peerId, program, evidence, validUntil } = node;
  const facts = {
    ...{ node: 0, nonce: new Uint8Array(16), key: account, peerId, program, evidence, validUntil },
    evidenceKind: evidenceKind as PinKeyFacts["evidenceKind"],
    ...change,
  };
  const signature = key.sign(pinKeySigningBytes(facts, networkId));
  return encode(pinKeyMessageCodec, { kind: "answer", version: 1, ...facts, signature });
}

describe("a question to a pinning node", () => {
  it("is passed on by everybody, and answered by the node alone, as the chain says", async () => {
    const [asked, other] = [worldOf(), worldOf({ isNode: false })];
    const bytes = question();
    for (const world of [asked, other]) expect(world.hear(keys, bytes)).toBe("accept");
    await drain();
    expect(other.published).toEqual([]);
    expect(asked.published.map(({ topic }) => topic)).toEqual([keys]);
    const [said] = asked.published;
    const {
      kind,
      version: _,
      signature,
      ...facts
    } = decode(pinKeyMessageCodec, said?.bytes ?? new Uint8Array()) as PinKeyAnswer & {
      readonly kind: string;
      readonly version: 1;
    };
    expect([kind, signature.length, facts.key]).toEqual(["answer", 65, own.address]);
    // What it answers, others take for true.
    expect(other.hear(keys, said?.bytes ?? new Uint8Array())).toBe("accept");
    expect(asked.hear(lists, bytes)).toBe("accept");
    await drain();
    const list = decode(pinListMessageCodec, asked.published[1]?.bytes ?? new Uint8Array());
    expect(list).toMatchObject({ kind: "answer", count: 2, key: own.address });
  });

  it("about a node that nobody knows is ignored", async () => {
    const world = worldOf();
    expect(world.hear(keys, question(7))).toBe("ignore");
    await drain();
    expect(world.published).toEqual([]);
  });

  it("is one of so many in a slot, of all and of each neighbour; the next slot brings as many again", async () => {
    const world = worldOf();
    const { pinQuestionsPerPeer: each, pinQuestionsPerSlot: all } = limits;
    const ask = (from: string, times: number) =>
      Array.from({ length: times }, () => world.hear(keys, question(), from));
    const taken = (verdicts: readonly (GossipVerdict | undefined)[]) =>
      verdicts.filter((one) => one === "accept").length;
    expect(taken(ask("loud", 50))).toBe(each);
    // Whoever is loud has shut nobody out.
    expect(world.hear(keys, question(), "quiet")).toBe("accept");
    for (let other = 0; other < all; other += 1) ask(`other ${other}`, each);
    expect(world.hear(keys, question(), "late")).toBe("ignore");
    await drain();
    expect(world.published).toHaveLength(all);
    // The two topics are counted by themselves.
    expect(world.hear(lists, question(), "loud")).toBe("accept");
    world.at.height += 5;
    expect(taken(ask("loud", 50))).toBe(each);
  });
});

describe("an answer of a pinning node", () => {
  it("is held against who passes it on where no key of its own has signed it, or it is no message", () => {
    const world = worldOf({ isNode: false });
    expect(world.hear(keys, answer())).toBe("accept");
    expect(world.hear(keys, answer({}, foreign))).toBe("reject");
    expect(world.hear(keys, Uint8Array.of(1, 2, 3))).toBe("reject");
    expect(world.hear(keys, new Uint8Array(limits.pinMessageBytes + 1))).toBe("reject");
    const good = answer();
    for (let at = 0; at < good.length; at += 1) {
      const changed = good.map((byte, index) => (index === at ? byte ^ 1 : byte));
      expect([at, world.hear(keys, changed)]).not.toEqual([at, "accept"]);
    }
  });

  it("that is signed and not what this head says goes no further: the chain may have moved", () => {
    const world = worldOf({ isNode: false });
    expect(world.hear(keys, answer({ validUntil: epoch(901) }))).toBe("ignore");
    expect(world.hear(keys, answer({ peerId: "12D3KooX" }))).toBe("ignore");
    expect(world.hear(keys, answer({ key: foreign.address }, foreign))).toBe("ignore");
    expect(world.hear(keys, answer({ node: 1 }))).toBe("ignore");
    world.at.validUntil = epoch(901);
    expect(world.hear(keys, answer({ validUntil: epoch(901) }))).toBe("accept");
  });

  it("is given to who asked with its nonce; nobody else's is, and without one the time runs out", async () => {
    const [asker, asked] = [worldOf({ isNode: false }), worldOf()];
    const found = asker.messages.ask(0, never);
    await drain();
    expect(asker.published).toHaveLength(2);
    asker.hear(keys, answer()); // true, and of another question
    for (const { topic, bytes } of asker.published) asked.hear(topic, bytes, "the asker");
    await drain();
    for (const { topic, bytes } of asked.published) expect(asker.hear(topic, bytes)).toBe("accept");
    const { key, list } = await found;
    expect([key.peerId, list.count]).toEqual([node.peerId, 2]);

    const silent = expect(asker.messages.ask(0, never)).rejects.toMatchObject({ code: "posc/no-answer" });
    await asker.clock.settle(silent, { limitMs: 2 * limits.pinQuestionMs, drain });
    asker.messages.stop();
    expect(asker.handlers.size).toBe(0);
  });

  it("is waited for no more by who calls off while the question is on its way out", async () => {
    const stop = new AbortController();
    const asker = worldOf({ isNode: false, publishes: drain });
    const asked = expect(asker.messages.ask(0, stop.signal)).rejects.toThrow("called off");
    stop.abort(new Error("called off"));
    await asked; // what nobody handles fails the run
  });
});
