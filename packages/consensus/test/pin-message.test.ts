/** The questions of pinning nodes and their signed answers: their bytes, what a signature covers, damage. */
import { readFileSync } from "node:fs";
import {
  blake2b256,
  type Codec,
  cidOfCbor,
  decode,
  encode,
  epoch,
  HoldfastError,
  seedAddress,
  signRecoverable,
  toHex,
  utf8Bytes,
} from "@holdfast/base";
import {
  isPinKeyAnswerSigned,
  isPinListAnswerSigned,
  type PinKeyAnswer,
  type PinListAnswer,
  pinKeyMessageCodec,
  pinKeySigningBytes,
  pinListMessageCodec,
  pinListSigningBytes,
  pinReportCodec,
  signPinReport,
} from "@holdfast/consensus";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keysOf, testNetworkId } from "./support/world.ts";

const node = keysOf("a pinning node");
const hash = (text: string): Uint8Array => blake2b256(utf8Bytes(text));
const question = { node: 3, nonce: hash("a nonce").slice(0, 16) };
const keyFacts = {
  ...question,
  key: node.address,
  peerId: "12D3KooWNRgiFRiyixcVhNBwhQjyzGqwG9Uvgis3TPtFBvBNM7gr",
  evidenceKind: "tdx" as const,
  program: hash("a program"),
  evidence: hash("a quote"),
  validUntil: epoch(20_000),
};
const listFacts = { ...question, key: node.address, set: cidOfCbor(Uint8Array.of(0x80)), count: 12 };
const keyAnswer: PinKeyAnswer = {
  ...keyFacts,
  signature: signRecoverable(node.privateKey, pinKeySigningBytes(keyFacts, testNetworkId)),
};
const listAnswer: PinListAnswer = {
  ...listFacts,
  signature: signRecoverable(node.privateKey, pinListSigningBytes(listFacts, testNetworkId)),
};
const zeros = new Uint8Array(32);
const report = signPinReport(node.privateKey, testNetworkId, {
  ...{ node: 3, key: node.address, slot: 17, slotHash: hash("slot"), previous: zeros, set: listFacts.set },
  ...{ count: 12, added: [4, 9], program: "holdfast 0.1.0" },
  samples: [
    { pin: 4, root: listFacts.set, block: listFacts.set, answer: hash("answer"), bytes: 1, elapsedMs: 2 },
    { pin: 9, root: listFacts.set, block: null, answer: zeros, bytes: 0, elapsedMs: 3 },
  ],
});

const messages: readonly (readonly [string, Codec<unknown>, unknown])[] = [
  ["report", pinReportCodec as Codec<unknown>, report],
  ["keyQuestion", pinKeyMessageCodec as Codec<unknown>, { kind: "question", version: 1, ...question }],
  ["keyAnswer", pinKeyMessageCodec as Codec<unknown>, { kind: "answer", version: 1, ...keyAnswer }],
  ["cidQuestion", pinListMessageCodec as Codec<unknown>, { kind: "question", version: 1, ...question }],
  ["cidAnswer", pinListMessageCodec as Codec<unknown>, { kind: "answer", version: 1, ...listAnswer }],
];
const path = new URL("../../../vectors/consensus/pin-messages.json", import.meta.url);
const vectors = JSON.parse(readFileSync(path, "utf8")) as { readonly [name: string]: string };

describe("messages of pinning nodes", () => {
  it.each(messages)("%s has the bytes that it always had", (name, codec, message) => {
    expect(toHex(encode(codec, message))).toBe(vectors[name]);
    expect(decode(codec, encode(codec, message))).toEqual(message);
  });

  it("are signed under one network, one word and every field", () => {
    expect(isPinKeyAnswerSigned(keyAnswer, testNetworkId)).toBe(true);
    expect(isPinListAnswerSigned(listAnswer, testNetworkId)).toBe(true);
    expect(isPinKeyAnswerSigned(keyAnswer, hash("another network"))).toBe(false);
    expect(isPinListAnswerSigned(listAnswer, hash("another network"))).toBe(false);
    const keyChanges: Partial<PinKeyAnswer>[] = [
      ...[{ node: 4 }, { nonce: new Uint8Array(16) }, { key: seedAddress(1, "another") }, { peerId: "x" }],
      ...[{ evidenceKind: "software" as const }, { program: zeros }, { evidence: zeros }],
      { validUntil: epoch(20_001) },
    ];
    for (const change of keyChanges)
      expect(isPinKeyAnswerSigned({ ...keyAnswer, ...change }, testNetworkId)).toBe(false);
    const listChanges: Partial<PinListAnswer>[] = [
      ...[{ node: 4 }, { nonce: new Uint8Array(16) }, { key: seedAddress(1, "another") }, { count: 13 }],
      { set: cidOfCbor(Uint8Array.of(0x81, 0)) },
    ];
    for (const change of listChanges)
      expect(isPinListAnswerSigned({ ...listAnswer, ...change }, testNetworkId)).toBe(false);
    const swapped = { ...listAnswer, signature: keyAnswer.signature };
    expect(isPinListAnswerSigned(swapped, testNetworkId)).toBe(false);
  });

  it.each(messages)("%s, damaged, either keeps its bytes or is refused", (_name, codec, message) => {
    const bytes = encode(codec, message);
    const change = fc.record({ at: fc.nat(bytes.length - 1), to: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const damaged = Uint8Array.from(bytes);
        for (const { at, to } of changes) damaged[at] = to;
        try {
          expect(encode(codec, decode(codec, damaged))).toEqual(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(HoldfastError);
        }
      }),
      { numRuns: 200 },
    );
  });
});
