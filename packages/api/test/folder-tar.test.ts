/** Folders as tar streams: there and back, as GNU tar writes them, cut anywhere, and damaged. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FolderItem, folderFromTar, folderToTar } from "@holdfast/api/folder-tar";
import { codeOf } from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

interface Plain {
  readonly kind: FolderItem["kind"];
  readonly path: string;
  readonly text: string;
}

async function* chunks(bytes: Uint8Array, partBytes = 700): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += partBytes) yield bytes.subarray(at, at + partBytes);
}

async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(new Uint8Array(part));
  return new Uint8Array(Buffer.concat(parts));
}

async function* items(plain: readonly Plain[]): AsyncGenerator<FolderItem> {
  for (const { kind, path, text } of plain) {
    const names = path.split("/");
    const bytes = new TextEncoder().encode(text);
    if (kind === "file") yield { kind, path: names, sizeBytes: bytes.length, bytes: chunks(bytes, 3) };
    else if (kind === "symlink") yield { kind, path: names, target: text };
    else yield { kind, path: names };
  }
}

async function read(tar: Uint8Array, partBytes?: number): Promise<Plain[]> {
  const found: Plain[] = [];
  for await (const item of folderFromTar(chunks(tar, partBytes))) {
    const path = item.path.join("/");
    if (item.kind === "file") {
      found.push({ kind: "file", path, text: new TextDecoder().decode(await bytesOf(item.bytes)) });
    } else found.push({ kind: item.kind, path, text: item.kind === "symlink" ? item.target : "" });
  }
  return found;
}

const nameText = fc
  .oneof(fc.stringMatching(/^[a-zA-Z0-9 _.-]{1,12}$/), fc.stringMatching(/^[a-zäöü€]{90,160}$/))
  .filter((name) => name !== "." && name !== "..");
const plains = fc.array(
  fc
    .record({
      kind: fc.constantFrom("file", "folder", "symlink") as fc.Arbitrary<FolderItem["kind"]>,
      path: fc.array(nameText, { minLength: 1, maxLength: 3 }).map((names) => names.join("/")),
      text: fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 1_200 }),
    })
    .map((plain) => ({ ...plain, text: plain.kind === "folder" ? "" : plain.text })),
  { maxLength: 6 },
);

describe("a folder as tar", () => {
  it("comes back as it went, however the stream is cut", async () => {
    await fc.assert(
      fc.asyncProperty(plains, fc.integer({ min: 1, max: 2_000 }), async (plain, cut) => {
        expect(await read(await bytesOf(folderToTar(items(plain))), cut)).toEqual(plain);
      }),
      { numRuns: 150 },
    );
  });

  it.each(["gnu", "pax", "ustar"])(
    "is read as tar --format=%s writes it, long names and all",
    async (format) => {
      const folder = mkdtempSync(join(tmpdir(), "folder-tar-"));
      try {
        const deep = join("d".repeat(90), "e".repeat(60));
        mkdirSync(join(folder, deep), { recursive: true });
        writeFileSync(join(folder, deep, "file"), "deep");
        writeFileSync(join(folder, "plain"), "p".repeat(1_000));
        symlinkSync(format === "ustar" ? "plain" : `/${"t".repeat(150)}`, join(folder, "link"));
        const tar = execFileSync("tar", [`--format=${format}`, "--sort=name", "-C", folder, "-c", "."]);
        expect(await read(new Uint8Array(tar))).toEqual([
          { kind: "folder", path: deep.split("/")[0], text: "" },
          { kind: "folder", path: deep, text: "" },
          { kind: "file", path: `${deep}/file`, text: "deep" },
          { kind: "symlink", path: "link", text: format === "ustar" ? "plain" : `/${"t".repeat(150)}` },
          { kind: "file", path: "plain", text: "p".repeat(1_000) },
        ]);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );

  it("is what tar reads", async () => {
    const plain: Plain[] = [
      { kind: "folder", path: "a", text: "" },
      { kind: "file", path: `a/${"ü".repeat(120)}`, text: "long" },
      { kind: "symlink", path: "l", text: "a" },
    ];
    const tar = await bytesOf(folderToTar(items(plain)));
    const listed = execFileSync("tar", ["-t", "--quoting-style=literal", "-f", "-"], {
      input: tar,
    }).toString();
    expect(listed.trim().split("\n")).toEqual(["a/", `a/${"ü".repeat(120)}`, "l"]);
  });

  it("has no link whose target brings fields of its own", async () => {
    for (const target of [`${"t".repeat(120)}\n14 path=other\n11 size=512\n`, "a\nb", "a\0b"]) {
      const smuggled: Plain[] = [
        { kind: "symlink", path: "l", text: target },
        { kind: "file", path: "f", text: "x".repeat(600) },
      ];
      expect(await codeOf(bytesOf(folderToTar(items(smuggled))))).toBe("api/bad-folder");
    }
  });

  it("may be left in the middle of a file: the next one is found", async () => {
    const plain: Plain[] = [
      { kind: "file", path: "a", text: "x".repeat(5_000) },
      { kind: "file", path: "b", text: "y" },
    ];
    const paths: string[] = [];
    for await (const item of folderFromTar(chunks(await bytesOf(folderToTar(items(plain)))))) {
      paths.push(item.path.join("/"));
      if (item.kind === "file") for await (const _ of item.bytes) break;
    }
    expect(paths).toEqual(["a", "b"]);
  });

  it("is refused with a code, whatever is damaged or cut", async () => {
    const whole = await bytesOf(
      folderToTar(
        items([
          { kind: "file", path: "a/b", text: "text" },
          { kind: "symlink", path: "l", text: "x" },
        ]),
      ),
    );
    for (let length = 0; length < whole.length - 1_024; length += 100) {
      expect(await codeOf(read(whole.subarray(0, length)))).toBe("api/bad-folder");
    }
    for (let at = 0; at < 512; at += 3) {
      const damaged = new Uint8Array(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 0x55;
      expect(await codeOf(read(damaged))).toBe("api/bad-folder");
    }
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 512, maxLength: 2_000 }), async (junk) => {
        expect(["api/bad-folder", "no error"]).toContain(await codeOf(read(junk)));
      }),
    );
  });

  it("is refused if it holds devices or pipes, or a header that is too long", async () => {
    const tar = new Uint8Array(await bytesOf(folderToTar(items([{ kind: "file", path: "a", text: "" }]))));
    const retyped = (type: string, size: number): Uint8Array => {
      const block = new Uint8Array(tar);
      block[156] = type.charCodeAt(0);
      block.set(new TextEncoder().encode(`${size.toString(8).padStart(11, "0")} `), 124);
      block.fill(0x20, 148, 156);
      const sum = block.subarray(0, 512).reduce((total, byte) => total + byte, 0);
      block.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
      return block;
    };
    for (const type of "1346") expect(await codeOf(read(retyped(type, 0)))).toBe("api/bad-folder");
    for (const type of "xgLK") expect(await codeOf(read(retyped(type, 70_000)))).toBe("api/bad-folder");
  });

  it("fails when a file is not as long as it was said to be", async () => {
    const short = async function* (): AsyncGenerator<FolderItem> {
      yield { kind: "file", path: ["a"], sizeBytes: 10, bytes: chunks(Uint8Array.of(1, 2, 3)) };
    };
    expect(await codeOf(bytesOf(folderToTar(short())))).toBe("api/bad-folder");
  });
});
