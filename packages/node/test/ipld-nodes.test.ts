/** Nodes of others: what DAG-JSON and DAG-CBOR are taken for, and that nobody finds other links in them than we do. */
import { CID, encodeCbor, parseCid, rawCid, utf8Bytes } from "@holdfast/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { linkOf, linksIn, readNode } from "../src/ipld-nodes.ts";

const link = rawCid(utf8Bytes("a block"));
const nodeCid = (code: number): CID => CID.createV1(code, link.multihash);
const [cbor, json] = [nodeCid(0x71), nodeCid(0x0129)];
const read = (text: string) => readNode(json, utf8Bytes(text));

describe("a node in DAG-JSON", () => {
  it("has links and bytes where maps say so", () => {
    const value = read(
      ` { "b" : [ 1, -2.5e1, {"/": "${link}"} ], "a": {"/": {"bytes": "AQID"}}, "": null } `,
    );
    expect(value).toEqual({ b: [1, -25, link], a: Uint8Array.of(1, 2, 3), "": null });
    expect(linksIn(value ?? null)).toEqual([link]);
    expect(read('{"/": 1}')).toEqual({ "/": 1 });
    expect(read(`{"a": 1, "/": "text"}`)).toEqual({ a: 1, "/": "text" });
    expect(read("18446744073709551615")).toBe(2n ** 64n - 1n);
  });

  it.each([
    ["a name that is there twice", '{"a":1,"a":2}'],
    ["the same name in two spellings", '{"a":1,"\\u0061":2}'],
    ["a link that is none", '{"/":"no CID"}'],
    ["a link with something beside it", `{"/":"${link}","a":1}`],
    ["bytes with something beside them", '{"/":{"bytes":"AQID"},"a":1}'],
    ["bytes with something in them", '{"/":{"bytes":"AQID","a":1}}'],
    ["bytes that are no base64", '{"/":{"bytes":"AQI*"}}'],
    ["bytes with bits to spare", '{"/":{"bytes":"AR"}}'],
    ["a number beyond 64 bits", "18446744073709551616"],
    ["a number without end", "1e999"],
    ["something after the end", "{} {}"],
    ["no JSON", "{'a':1}"],
    ["a comma too many", "[1,]"],
    ["a control character in a text", '"\u0001"'],
    ["nothing", ""],
    ["what is too deep", "[".repeat(130) + "]".repeat(130)],
    ["what is far too deep", "[".repeat(1_000_000)],
  ])("is refused with %s", (_name, text) => {
    expect(read(text)).toBeUndefined();
  });

  it("is read as every other JSON is", () => {
    const asJson = fc.property(fc.jsonValue({ stringUnit: "binary" }), fc.nat(3), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      const wanted: unknown = JSON.parse(text);
      const isLarge = (part: unknown) => Number.isInteger(part) && !Number.isSafeInteger(part);
      fc.pre(
        !text.includes('"/"') &&
          !JSON.stringify(wanted, (_, part) => (isLarge(part) ? "<large>" : part)).includes("<large>"),
      );
      expect(read(text)).toEqual(wanted);
    });
    fc.assert(asJson);
  });
});

describe("a node in DAG-CBOR", () => {
  it("has links where they are tagged, and nowhere else", () => {
    const value = readNode(cbor, encodeCbor({ map: { "/": link.toString() }, link }));
    expect(linksIn(value ?? null)).toEqual([parseCid(link.toString())]);
    expect(linkOf({ "/": link.toString() })).toBeUndefined();
  });
});
