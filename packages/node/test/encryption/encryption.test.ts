/** Encrypted files and folders as people put and get them: the same bytes, any range of them, and nothing else. */
import { readFileSync } from "node:fs";
import { type FolderItem, folderFromTar, folderToTar } from "@holdfast/api/folder-tar";
import {
  ageHeaderPrefix,
  fromHex,
  printAgeIdentity,
  printAgeRecipient,
  toHex,
  utf8Bytes,
  utf8Text,
} from "@holdfast/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noise } from "../market/support/keys.ts";
import {
  allOf,
  chunked,
  codeOf,
  digest,
  memoryFiles,
  type Person,
  personWith,
  read,
  signal,
} from "./support.ts";

const kib64 = 65_536;

async function put(
  { files }: Person,
  bytes: Uint8Array,
  options: { sha256?: string; recipients?: string[] } = {},
) {
  return files.importFile(chunked(bytes), signal, { encrypt: options });
}

describe("an encrypted file", () => {
  it("comes back whole to its owner, and says nothing of itself to others but its size", async () => {
    const stored = memoryFiles();
    const [owner, other] = await Promise.all([personWith(stored, "owner"), personWith(stored, "other")]);
    for (const length of [1, 100, kib64 - 1, kib64, kib64 + 1, 200_000]) {
      const bytes = noise(length);
      const { cid, sizeBytes } = await put(owner, bytes);
      expect(sizeBytes).toBe(length);
      expect(digest(await read(owner, cid))).toBe(digest(bytes));
      expect((await owner.files.openFile(cid, { offsetBytes: 0 }, signal)).sizeBytes).toBe(length);
      expect(await codeOf(read(other, cid))).toBe("encryption/no-key");
      const raw = stored.stored.get(cid) ?? new Uint8Array(0);
      expect(digest(await read(other, cid, { raw: true }))).toBe(digest(raw));
      const sample = Buffer.from(bytes.subarray(0, 16));
      if (length > 16) expect(Buffer.from(raw).includes(sample)).toBe(false);
      expect(await owner.files.isEncrypted(cid, signal)).toBe(true);
    }
    const nothing = owner.files.importFile(chunked(new Uint8Array(0)), signal, { encrypt: {} });
    expect(await codeOf(nothing)).toBe("encryption/empty-input");
  });

  it("gives any range of its bytes, and fetches no more than the parts that hold it", async () => {
    const stored = memoryFiles();
    const owner = await personWith(stored, "owner");
    const bytes = noise(300_000);
    const { cid } = await put(owner, bytes);
    const range = fc.record({ offsetBytes: fc.nat(300_000), lengthBytes: fc.nat(140_000) });
    await fc.assert(
      fc.asyncProperty(range, async ({ offsetBytes, lengthBytes }) => {
        stored.readBytes = 0;
        const got = await read(owner, cid, { offsetBytes, lengthBytes });
        expect(digest(got)).toBe(digest(bytes.subarray(offsetBytes, offsetBytes + lengthBytes)));
        expect(stored.readBytes).toBeLessThan(lengthBytes + 3 * (kib64 + 16) + 17_000);
      }),
      { numRuns: 25 },
    );
    expect(digest(await read(owner, cid, { offsetBytes: 299_999 }))).toBe(digest(bytes.subarray(299_999)));
    expect((await read(owner, cid, { offsetBytes: 300_000 })).length).toBe(0);
    expect(await codeOf(read(owner, cid, { offsetBytes: 300_001 }))).toBe("encryption/bad-offset");
    expect(await codeOf(read(owner, cid, { path: "a" }))).toBe("encryption/not-a-folder");
  });

  it("has the same CID each time where its digest is known, and another each time where it is not", async () => {
    const stored = memoryFiles();
    const [owner, other] = await Promise.all([personWith(stored, "owner"), personWith(stored, "other")]);
    const bytes = noise(70_000);
    const sha256 = digest(bytes);
    const first = await put(owner, bytes, { sha256 });
    expect((await put(owner, bytes, { sha256 })).cid).toBe(first.cid);
    expect((await put(other, bytes, { sha256 })).cid).not.toBe(first.cid);
    const friend = printAgeRecipient(other.wallet.fileRecipient(other.wallet.payer()));
    const shared = await put(owner, bytes, { sha256, recipients: [friend] });
    expect(shared.cid).not.toBe(first.cid);
    expect(digest(await read(other, shared.cid))).toBe(sha256);
    expect((await put(owner, bytes)).cid).not.toBe((await put(owner, bytes)).cid);
  });

  it("is not made of other bytes than were announced: their key stands for one content alone", async () => {
    const stored = memoryFiles();
    const owner = await personWith(stored, "owner");
    const [one, two] = [noise(100_000, 1), noise(100_000, 2)];
    await put(owner, one, { sha256: digest(one) });
    const before = stored.stored.size;
    expect(await codeOf(put(owner, two, { sha256: digest(one) }))).toBe("encryption/content-changed");
    expect(await codeOf(put(owner, one.subarray(1), { sha256: digest(one) }))).toBe(
      "encryption/content-changed",
    );
    expect(stored.stored.size).toBe(before);
    expect(await codeOf(put(owner, one, { sha256: "12" }))).toBe("encryption/bad-request");
    const both = { encrypt: {}, layout: { cidVersion: 0 } } as const;
    expect(await codeOf(owner.files.importFile(chunked(one), signal, both))).toBe("encryption/bad-request");
    expect(await codeOf(put(owner, one, { recipients: ["age1qqq"] }))).toBe("age/bad-recipient");
    const friend = printAgeRecipient(owner.wallet.fileRecipient(owner.wallet.payer()));
    expect(await codeOf(put(owner, one, { recipients: new Array(17).fill(friend) }))).toBe(
      "encryption/bad-request",
    );
  });

  it("that was changed or cut is refused where it was changed, and never read as something else", async () => {
    const stored = memoryFiles();
    const owner = await personWith(stored, "owner");
    const bytes = noise(3 * kib64);
    const { cid } = await put(owner, bytes);
    const raw = stored.stored.get(cid) ?? new Uint8Array(0);
    const isOurs = (part: Uint8Array): boolean => Buffer.from(bytes).includes(Buffer.from(part));
    await fc.assert(
      fc.asyncProperty(fc.nat(raw.length - 1), fc.integer({ min: 0, max: 255 }), async (at, flip) => {
        const bad = flip === 0 ? raw.slice(0, at) : raw.slice();
        if (flip !== 0) bad[at] = (bad[at] ?? 0) ^ flip;
        stored.stored.set("bad", bad);
        const got: Uint8Array[] = [];
        try {
          for await (const part of (await owner.files.openFile("bad", { offsetBytes: 0 }, signal)).bytes)
            got.push(part);
          // Its very beginning is gone: then it is none of ours, and is given as it is.
          expect(toHex(Buffer.concat(got).subarray(0, 40))).toBe(toHex(bad.subarray(0, 40)));
        } catch (error) {
          expect((error as { code: string }).code).toMatch(/^(age|encryption)\//);
          for (const part of got) expect(isOurs(part)).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("passes on untouched what was not encrypted here, files of age by other hands among it", async () => {
    const stored = memoryFiles();
    const owner = await personWith(stored, "owner");
    const foreign = utf8Bytes(`age-encryption.org/v1\n-> X25519 abc\n${"A".repeat(43)}\n--- x\n`);
    const prefix = ageHeaderPrefix("holdfast/1");
    for (const bytes of [
      noise(5),
      noise(100),
      noise(200_000),
      foreign,
      prefix.subarray(0, prefix.length - 1),
    ]) {
      const { cid } = await owner.files.importFile(chunked(bytes), signal);
      expect(digest(await read(owner, cid))).toBe(digest(bytes));
      expect(digest(await read(owner, cid, { offsetBytes: 3 }))).toBe(digest(bytes.subarray(3)));
      expect(await owner.files.isEncrypted(cid, signal)).toBe(false);
      stored.stored.set("in a folder", bytes);
      expect(digest(await read(owner, "folder", { path: "in a folder" }))).toBe(digest(bytes));
    }
    expect(await owner.files.isEncrypted("folder", signal)).toBe(false);
    expect(await codeOf(read(owner, "folder"))).toBe("retrieval/is-a-folder");
    // One that claims to be ours and is not.
    const { cid } = await owner.files.importFile(chunked(new Uint8Array([...prefix, 10, 10])), signal);
    expect(await codeOf(read(owner, cid))).toBe("age/malformed");
  });
});

const big = noise(150_000);
const tree: readonly (readonly [string, Uint8Array | string | undefined])[] = [
  ["a.txt", utf8Bytes("first")],
  ["empty", new Uint8Array(0)],
  ["sub", undefined],
  ["sub/big.bin", big],
  ["sub/deep/x", utf8Bytes("x")],
  ["sub/link", "../a.txt"],
  [`${"long name ".repeat(20)}é`, utf8Bytes("long")],
  ["void", undefined],
];

async function* items(list: typeof tree = tree): AsyncGenerator<FolderItem> {
  for (const [name, content] of list) {
    const path = name.split("/");
    if (content === undefined) yield { kind: "folder", path };
    else if (typeof content === "string") yield { kind: "symlink", path, target: content };
    else yield { kind: "file", path, sizeBytes: content.length, bytes: chunked(content) };
  }
}

async function textsOf(found: AsyncIterable<FolderItem>): Promise<string[]> {
  const texts: string[] = [];
  for await (const item of found) {
    const path = item.path.join("/");
    if (item.kind === "file") texts.push(`${path} ${digest(await allOf(item.bytes))}`);
    else texts.push(item.kind === "symlink" ? `${path} -> ${item.target}` : `${path}/`);
  }
  return texts;
}

describe("an encrypted folder", () => {
  it("comes back with all that is in it, whole, in part, and as a listing", async () => {
    const stored = memoryFiles();
    const owner = await personWith(stored, "owner");
    const { cid, sizeBytes } = await owner.files.importFolder(items(), signal, { encrypt: {} });
    expect(sizeBytes).toBe(
      tree.reduce((sum, [, bytes]) => sum + (bytes instanceof Uint8Array ? bytes.length : 0), 0),
    );
    const wanted = await textsOf(items());
    expect(await textsOf(await owner.files.openFolder(cid, "", signal))).toEqual(wanted);
    expect(await textsOf(await owner.files.openFolder(cid, "sub/", signal))).toEqual(
      wanted.filter((text) => /^sub\/./.test(text)).map((text) => text.slice(4)),
    );
    const listed = async (path: string) => {
      const names: string[] = [];
      for await (const { name, kind, sizeBytes: size } of owner.files.list(cid, path, signal)) {
        names.push(`${name.slice(0, 12)} ${kind} ${size}`);
      }
      return names;
    };
    expect(await listed("")).toEqual([
      "a.txt file 5",
      "empty file 0",
      "long name lo file 4",
      "sub folder null",
      "void folder null",
    ]);
    expect(await listed("sub")).toEqual(["big.bin file 150000", "deep folder null", "link symlink null"]);
    expect(await listed("sub/deep/x")).toEqual(["x file 1"]);
    expect(await listed("void")).toEqual([]);
    expect(digest(await read(owner, cid, { path: "sub/big.bin" }))).toBe(digest(big));
    stored.readBytes = 0;
    const range = { path: "sub/big.bin", offsetBytes: 70_000, lengthBytes: 10 };
    expect(toHex(await read(owner, cid, range))).toBe(toHex(big.subarray(70_000, 70_010)));
    expect(stored.readBytes).toBeLessThan(4 * (kib64 + 16) + 17_000);
    expect((await read(owner, cid, { path: "empty" })).length).toBe(0);
    for (const [path, code] of [
      ["sub", "encryption/is-a-folder"],
      ["sub/none", "encryption/no-entry"],
      ["sub/link", "encryption/no-entry"],
    ] as const) {
      expect(await codeOf(read(owner, cid, { path })), path).toBe(code);
    }
    expect(await codeOf(read(owner, cid))).toBe("encryption/is-a-folder");
    expect(await codeOf(owner.files.openFolder(cid, "a.txt", signal))).toBe("encryption/not-a-folder");
  });

  it("is a plain tar stream to who opens it with age alone, with a list behind it", async () => {
    const stored = memoryFiles();
    const owner = await personWith(stored, "owner");
    const tar = await allOf(folderToTar(items()));
    const { cid } = await owner.files.importFolder(items(), signal, { encrypt: { sha256: digest(tar) } });
    const again = await owner.files.importFolder(folderFromTar(chunked(tar)), signal, {
      encrypt: { sha256: digest(tar) },
    });
    expect(again.cid).toBe(cid);
    const other = owner.files.importFolder(items(tree.slice(1)), signal, {
      encrypt: { sha256: digest(tar) },
    });
    expect(await codeOf(other)).toBe("encryption/content-changed");
    const raw = stored.stored.get(cid) ?? new Uint8Array(0);
    expect(raw.length).toBeGreaterThan(tar.length);
    expect(utf8Text(raw.subarray(0, 40))).toMatch(/^age-encryption.org\/v1\n-> holdfast\/1 fold/);
    expect(Buffer.from(raw).includes("big.bin")).toBe(false);
  });

  const bad: readonly (readonly [string, typeof tree, string])[] = [
    ["two entries of one name", [tree[0] ?? ["", ""], ["a.txt", utf8Bytes("2")]], "encryption/bad-name"],
    ["a path through a file", [tree[0] ?? ["", ""], ["a.txt/b", utf8Bytes("2")]], "encryption/bad-name"],
    [
      "a file in a folder's place",
      [
        ["x/y", utf8Bytes("1")],
        ["x", utf8Bytes("2")],
      ],
      "encryption/bad-name",
    ],
    ["a way out of it", [["../x", utf8Bytes("1")]], "encryption/bad-name"],
    ["a zero in a name", [["x\0y", utf8Bytes("1")]], "encryption/bad-name"],
    ["nothing", [], "encryption/empty-input"],
    ["a folder that lies too deep", [[new Array(60).fill("d").join("/"), undefined]], "encryption/bad-name"],
  ];
  for (const [name, list, code] of bad) {
    it(`is refused with ${name}`, async () => {
      const owner = await personWith(memoryFiles(), "owner");
      expect(await codeOf(owner.files.importFolder(items(list), signal, { encrypt: {} }))).toBe(code);
    });
  }

  it("of any names and contents gives each of them back", async () => {
    const stored = memoryFiles(7_001);
    const owner = await personWith(stored, "owner");
    const name = fc.stringMatching(/^[a-zA-Z0-9 é._-]{1,20}$/).filter((text) => !/^\.{1,2}$/.test(text));
    const folder = fc.uniqueArray(fc.tuple(name, fc.uint8Array({ maxLength: 2_000 })), {
      selector: ([text]) => text,
      minLength: 1,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(folder, async (list) => {
        const { cid } = await owner.files.importFolder(items(list), signal, { encrypt: {} });
        for (const [path, content] of list) {
          expect(toHex(await read(owner, cid, { path }))).toBe(toHex(content));
        }
        expect(await textsOf(await owner.files.openFolder(cid, "", signal))).toEqual(
          await textsOf(items(list)),
        );
      }),
      { numRuns: 15 },
    );
  });
});

describe("the golden record", () => {
  const { privateKey, identity, recipient, plain, sealed } = JSON.parse(
    readFileSync(new URL("../../../../vectors/crypto/encrypted-files.json", import.meta.url), "utf8"),
  ) as { readonly [name: string]: string };
  it("of an account's keys and of a file for it is the same for ever", async () => {
    const stored = memoryFiles();
    const { wallet, files } = await personWith(stored, "owner");
    await wallet.importKey({ type: "secp256k1", privateKey: fromHex(privateKey ?? "") });
    const known = wallet.addresses()[1] ?? wallet.payer();
    await wallet.setDefault(known);
    expect(printAgeIdentity(wallet.fileIdentity(known))).toBe(identity);
    expect(printAgeRecipient(wallet.fileRecipient(known))).toBe(recipient);
    const bytes = utf8Bytes(plain ?? "");
    const { cid } = await files.importFile(chunked(bytes), signal, { encrypt: { sha256: digest(bytes) } });
    expect(toHex(stored.stored.get(cid) ?? new Uint8Array(0))).toBe(sealed);
    // The default account is another one by now, and the file is read all the same.
    await wallet.setDefault(wallet.addresses()[0] ?? known);
    expect(utf8Text(await read({ files }, cid))).toBe(plain);
  });
});
