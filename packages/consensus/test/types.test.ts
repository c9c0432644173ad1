/**
 * The encodings of everything that is hashed, signed or sent, against committed vectors: a change of one byte
 * would split a network. And what a peer may send instead is refused with a typed error, always.
 */
import { readFileSync } from "node:fs";
import type { Codec } from "@holdfast/base";
import {
  attoFil,
  bigEndian,
  blake2b256,
  channelId,
  cidOfCbor,
  concatBytes,
  decode,
  encode,
  epoch,
  fromHex,
  gasUnits,
  HoldfastError,
  nonce,
  sectorId,
  toHex,
} from "@holdfast/base";
import type { BlockHeader, FullBlock, Message, Sector } from "@holdfast/consensus";
import {
  actorRecordCodec,
  blockCid,
  blockHeaderCodec,
  blockSigningBytes,
  builtinAddresses,
  codeCid,
  createTipset,
  decodeBlock,
  devnetParams,
  encodeBlock,
  exitCodeTable,
  fullBlockCodec,
  isBlockSigned,
  isMessageSigned,
  isVoucherSigned,
  messageCid,
  messageSigningBytes,
  methods,
  networkIdOfGenesis,
  networkParamsCodec,
  receiptCodec,
  sectorCodec,
  signBlock,
  signedMessageCodec,
  signMessage,
  signVoucher,
  tipsetKey,
  voucherCodec,
  voucherSigningBytes,
} from "@holdfast/consensus";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fakeVrf, keysOf, testNetworkId } from "./support/world.ts";

const alice = keysOf("alice");
const bob = keysOf("bob");
const builtins = builtinAddresses(0);
const someCid = cidOfCbor(Uint8Array.of(0x80));

const message: Message = {
  to: bob.address,
  from: alice.address,
  nonce: nonce(7),
  value: attoFil(2_000_000_000_000_000_000n),
  method: "addAsk",
  params: Uint8Array.of(1, 2, 3),
  gasPrice: attoFil(5n),
  gasLimit: gasUnits(30_000),
};
const signed = signMessage(alice.privateKey, testNetworkId, message);
const header: BlockHeader = signBlock(alice.privateKey, testNetworkId, {
  miner: bob.address,
  height: epoch(42),
  parents: [someCid],
  parentWeight: 110_000n,
  parentState: someCid,
  ticket: fakeVrf("ticket"),
  electionProof: fakeVrf("election"),
  winningPost: Uint8Array.of(1, 2),
  stateRoot: someCid,
  messages: someCid,
  receipts: someCid,
  timestampMs: 1_700_000_004_200,
});
const voucher = signVoucher(alice.privateKey, testNetworkId, {
  payer: alice.address,
  channel: channelId(3),
  target: bob.address,
  amount: attoFil(99n),
  validAt: epoch(10),
  condition: { to: bob.address, method: "verifyPieceInclusion", params: Uint8Array.of(0x80) },
});
const receipt = { exitCode: 64, returns: Uint8Array.of(7), gasUsed: gasUnits(1234) };
const record = { code: codeCid("accountactor"), head: null, nonce: nonce(1), balance: attoFil(5n) };
const params = devnetParams({ name: "golden", roundMs: 100 });
const body: FullBlock = { header, messages: [signed] };

/** name → hexadecimal text. */
const sector: Sector = {
  sectorId: sectorId(7),
  sectorBytes: 2048,
  commD: new Uint8Array(32).fill(1),
  commR: new Uint8Array(32).fill(2),
  commRStar: new Uint8Array(32).fill(3),
  ticket: new Uint8Array(32).fill(4),
  expiration: epoch(9_000),
  pledge: attoFil(10n ** 15n),
  activatedAt: epoch(290),
  deadlineIndex: 2,
  lastProven: epoch(301),
  faultySince: null,
  recoveringSince: null,
  faultyPeriods: 0,
};

const produced: { readonly [name: string]: string } = {
  signedMessage: toHex(encode(signedMessageCodec, signed)),
  messageSigningBytes: toHex(messageSigningBytes(message, testNetworkId)),
  messageCid: messageCid(signed).toString(),
  blockHeader: toHex(encode(blockHeaderCodec, header)),
  blockSigningHash: toHex(blake2b256(blockSigningBytes(header, testNetworkId))),
  blockCid: blockCid(header).toString(),
  fullBlockHash: toHex(blake2b256(encodeBlock(body))),
  voucher: toHex(encode(voucherCodec, voucher)),
  voucherSigningBytes: toHex(voucherSigningBytes(voucher, testNetworkId)),
  receipt: toHex(encode(receiptCodec, receipt)),
  actorRecord: toHex(encode(actorRecordCodec, record)),
  networkParams: toHex(encode(networkParamsCodec, params)),
  submitPost: toHex(
    encode(methods.miner.submitPost.params, {
      windowStart: epoch(300),
      partitions: [0, 2],
      skipped: [sectorId(7)],
      proof: Uint8Array.of(1, 2, 3),
    }),
  ),
  sector: toHex(encode(sectorCodec, sector)),
  addressOfMarket: builtins.market,
  addressOfBroker: builtins.broker,
  addressOfReward: builtins.reward,
  codeOfAccount: codeCid("accountactor").toString(),
  codeOfMarket: codeCid("storagemarket").toString(),
  exitCodes: exitCodeTable.map((row) => `${row.code} ${row.name}`).join(", "),
};

interface Vectors {
  readonly ours: { readonly [name: string]: string };
  readonly reference: { readonly [name: string]: string };
}
const path = new URL("../../../vectors/consensus/types.json", import.meta.url);
const vectors = JSON.parse(readFileSync(path, "utf8")) as Vectors;

describe("encodings", () => {
  it.each(Object.keys(produced))("%s is what it always was", (name) => {
    expect(produced[name]).toBe(vectors.ours[name]);
  });

  it("the vectors know every encoding of this test", () => {
    expect(Object.keys(vectors.ours).sort()).toEqual(Object.keys(produced).sort());
  });

  it("addresses and codes of the built-in actors are go-filecoin's", () => {
    expect(builtins.market).toBe(vectors.reference["address storage"]);
    expect(builtins.broker).toBe(vectors.reference["address payments"]);
    expect(builtins.reward).toBe(vectors.reference["address filecoin"]);
    for (const name of ["accountactor", "storagemarket", "paymentbroker", "mineractor"]) {
      const digest = toHex(codeCid(name).multihash.digest);
      expect(digest).toBe(vectors.reference[`code ${name}`]);
    }
  });
});

const codecs: readonly (readonly [string, Codec<unknown>, Uint8Array])[] = [
  ["signed message", signedMessageCodec as Codec<unknown>, encode(signedMessageCodec, signed)],
  ["header", blockHeaderCodec as Codec<unknown>, encode(blockHeaderCodec, header)],
  ["full block", fullBlockCodec as Codec<unknown>, encodeBlock(body)],
  ["voucher", voucherCodec as Codec<unknown>, encode(voucherCodec, voucher)],
  ["receipt", receiptCodec as Codec<unknown>, encode(receiptCodec, receipt)],
  ["actor record", actorRecordCodec as Codec<unknown>, encode(actorRecordCodec, record)],
  ["network params", networkParamsCodec as Codec<unknown>, encode(networkParamsCodec, params)],
];

describe("sector classes", () => {
  it("are one for each size, of a row that there is", () => {
    const [first] = params.sectorClasses;
    const twice = { ...params, sectorClasses: [...params.sectorClasses, ...(first ? [first] : [])] };
    const unknown = {
      ...params,
      sectorClasses: params.sectorClasses.map((one) => ({ ...one, profile: "zigzag-3KiB" })),
    };
    for (const wrong of [twice, unknown]) {
      expect(() => decode(networkParamsCodec, encode(networkParamsCodec, wrong))).toThrow(
        expect.objectContaining({ code: "codec/out-of-range" }),
      );
    }
  });
});

describe("damaged encodings", () => {
  it.each(codecs)("of a %s either keep their bytes or are refused", (_name, codec, bytes) => {
    const change = fc.record({ at: fc.nat(bytes.length - 1), to: fc.nat(255) });
    const property = fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      const damaged = Uint8Array.from(bytes);
      for (const { at, to } of changes) damaged[at] = to;
      try {
        expect(encode(codec, decode(codec, damaged))).toEqual(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(HoldfastError);
      }
    });
    fc.assert(property, { numRuns: 400 });
  });

  it.each(codecs)("a %s with a byte more or less is refused", (_name, codec, bytes) => {
    expect(() => decode(codec, bytes.subarray(0, -1))).toThrow(HoldfastError);
    expect(() => decode(codec, concatBytes(bytes, Uint8Array.of(0)))).toThrow(HoldfastError);
  });

  it("a body with more messages than any network allows is refused", () => {
    const many = { header, messages: Array.from({ length: 8_193 }, () => signed) };
    expect(() => encodeBlock(many)).toThrow(HoldfastError);
    expect(decodeBlock(encodeBlock(body)).messages).toHaveLength(1);
  });
});

describe("signatures", () => {
  it("are for one network: with the same byte, name and keys another genesis takes none of them", () => {
    const elsewhere = networkIdOfGenesis(someCid);
    expect(networkIdOfGenesis(blockCid(header))).not.toEqual(elsewhere);
    expect(isMessageSigned(signed, elsewhere)).toBe(false);
    expect(isVoucherSigned(voucher, elsewhere)).toBe(false);
    expect(isBlockSigned(header, alice.address, elsewhere)).toBe(false);
  });

  it("cover every field of a message", () => {
    expect(isMessageSigned(signed, testNetworkId)).toBe(true);
    const changes: Partial<Message>[] = [
      { to: alice.address },
      { from: bob.address },
      { nonce: nonce(8) },
      { value: attoFil(1n) },
      { method: "addAs" },
      { params: Uint8Array.of(1, 2) },
      { gasPrice: attoFil(6n) },
      { gasLimit: gasUnits(1) },
    ];
    for (const change of changes) {
      expect(isMessageSigned({ ...signed, message: { ...message, ...change } }, testNetworkId)).toBe(false);
    }
  });

  it("cover every field of a voucher", () => {
    expect(isVoucherSigned(voucher, testNetworkId)).toBe(true);
    const changes = [
      { channel: channelId(4) },
      { target: alice.address },
      { amount: attoFil(100n) },
      { validAt: epoch(9) },
      { condition: null },
      { condition: { to: bob.address, method: "x", params: Uint8Array.of(0x80) } },
    ];
    for (const change of changes)
      expect(isVoucherSigned({ ...voucher, ...change }, testNetworkId)).toBe(false);
  });

  it("cover every field of a header", () => {
    expect(isBlockSigned(header, alice.address, testNetworkId)).toBe(true);
    const other = cidOfCbor(Uint8Array.of(0x81, 0));
    const changes: Partial<BlockHeader>[] = [
      { miner: alice.address },
      { height: epoch(43) },
      { parents: [] },
      { parentWeight: 0n },
      { parentState: other },
      { ticket: fakeVrf("x") },
      { electionProof: fakeVrf("x") },
      { winningPost: new Uint8Array(0) },
      { stateRoot: other },
      { messages: other },
      { receipts: other },
      { timestampMs: 1 },
    ];
    for (const change of changes)
      expect(isBlockSigned({ ...header, ...change }, alice.address, testNetworkId)).toBe(false);
  });

  it("of one kind never serve for another", () => {
    const starts = [
      messageSigningBytes(message, testNetworkId),
      voucherSigningBytes(voucher, testNetworkId),
      blockSigningBytes(header, testNetworkId),
    ];
    expect(new Set(starts.map((bytes) => toHex(bytes.subarray(0, 15)))).size).toBe(3);
  });
});

describe("tipsets", () => {
  const blocks = [0, 1, 2].map((n) => ({
    ...header,
    miner: keysOf(`miner ${n}`).address,
    ticket: bigEndian(9 - n, 96),
  }));
  const codeOf = (headers: BlockHeader[]): string => {
    try {
      createTipset(headers);
      return "accepted";
    } catch (error) {
      return error instanceof HoldfastError ? error.code : String(error);
    }
  };

  it("do not depend on the order of their blocks", () => {
    const tipset = createTipset(blocks);
    const again = createTipset([...blocks].reverse());
    expect(again.key).toBe(tipset.key);
    expect(tipsetKey(blocks.map(blockCid))).toBe(tipset.key);
    expect(tipset.blocks.map((block) => block.ticket.at(-1))).toEqual([7, 8, 9]);
    expect(tipset.minTicket).toEqual(bigEndian(7, 96));
    expect(tipset.cids.join(",")).toBe(tipset.key);
  });

  it("refuse what does not belong together", () => {
    const [a, b] = blocks as [BlockHeader, BlockHeader];
    expect(codeOf([])).toBe("tipset/empty");
    expect(codeOf([a, a])).toBe("tipset/duplicate-block");
    expect(codeOf([a, { ...b, miner: a.miner }])).toBe("tipset/two-blocks-of-one-miner");
    expect(codeOf([a, { ...b, height: epoch(43) }])).toBe("tipset/different-heights");
    expect(codeOf([a, { ...b, parents: [] }])).toBe("tipset/different-parents");
    expect(codeOf([a, { ...b, parentWeight: 0n }])).toBe("tipset/different-parent-weights");
    const parentState = blockCid(a);
    expect(codeOf([a, { ...b, parentState }])).toBe("tipset/different-parent-states");
    const many = Array.from({ length: 65 }, (_, n) => ({ ...a, miner: keysOf(`many ${n}`).address }));
    expect(codeOf(many)).toBe("tipset/too-many-blocks");
  });
});

describe("hexadecimal vectors", () => {
  it("decode to what was encoded", () => {
    const bytes = fromHex(vectors.ours.blockHeader ?? "");
    expect(decode(blockHeaderCodec, bytes)).toEqual(header);
    expect(decode(voucherCodec, fromHex(vectors.ours.voucher ?? ""))).toEqual(voucher);
  });
});
