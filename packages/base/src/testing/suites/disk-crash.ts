/**
 * What a crash may do and what not. Each case runs many times (the twin draws what is lost): a promise must
 * hold every time, and it must be seen at least once that un-synced bytes do get lost, else the case proves
 * nothing.
 */
import { equalBytes, toHex, utf8Bytes } from "../../bytes.ts";
import type { Disk } from "../../seams/types.ts";
import type { DiskUnderTest } from "./disk.ts";
import type { SuiteTools } from "./tools.ts";

const runs = 60;
const block = (letter: string, blocks: number): Uint8Array => utf8Bytes(letter.repeat(512 * blocks));

export function crashCases(
  { it, expect }: SuiteTools,
  make: () => DiskUnderTest | Promise<DiskUnderTest>,
): void {
  /** Runs `before`, crashes, and hands the next process's disk to `after`, many times. */
  const often =
    (before: (disk: Disk) => Promise<unknown>, after: (disk: Disk) => Promise<void>) => async () => {
      for (let run = 0; run < runs; run++) {
        const { disk, crash, dispose } = await make();
        try {
          if (crash === undefined) return;
          await before(disk);
          await after(await crash());
        } finally {
          await dispose?.();
        }
      }
    };
  /** Starts operations that a crash may catch half-way. */
  const start = async (...operations: Promise<unknown>[]): Promise<void> => {
    for (const operation of operations) operation.catch(() => undefined);
  };
  const oneOf = (found: Uint8Array | undefined, ...allowed: (Uint8Array | undefined)[]): boolean =>
    allowed.some((bytes) =>
      bytes === undefined || found === undefined ? bytes === found : equalBytes(bytes, found),
    );
  const old = block("o", 3);
  const fresh = block("n", 5);

  it(
    "keeps a file that was written as a whole",
    often(
      async (disk) => {
        await disk.writeFile("f/a", old);
        await disk.writeFile("f/a", fresh);
      },
      async (disk) => expect(oneOf(await disk.readFile("f/a"), fresh)).toBe(true),
    ),
  );
  it(
    "has the old file or the new one after a crash in the midst of replacing it",
    often(
      async (disk) => {
        await disk.writeFile("a", old);
        await start(disk.writeFile("a", fresh));
      },
      async (disk) => {
        const found = await disk.readFile("a");
        expect(oneOf(found, old, fresh), `a mix of ${found?.length} bytes`).toBe(true);
      },
    ),
  );
  it(
    "has a file under one of its two names after a crash in the midst of a rename",
    often(
      async (disk) => {
        await disk.writeFile("a", fresh);
        await disk.writeFile("b", old);
        await start(disk.rename("a", "b"));
      },
      async (disk) => {
        const [a, b] = [await disk.readFile("a"), await disk.readFile("b")];
        expect((oneOf(a, fresh) && oneOf(b, old)) || (a === undefined && oneOf(b, fresh))).toBe(true);
      },
    ),
  );
  it(
    "keeps a rename",
    often(
      async (disk) => {
        await disk.writeFile("a", fresh);
        await disk.rename("a", "f/b");
      },
      async (disk) => {
        expect(await disk.readFile("a")).toBe(undefined);
        expect(oneOf(await disk.readFile("f/b"), fresh)).toBe(true);
      },
    ),
  );
  it(
    "keeps bytes that were synced, under writes that were not",
    often(
      async (disk) => {
        await using file = await disk.open("f/a", "create");
        await file.writeAt(0, old);
        await file.sync();
        await file.writeAt(old.length, fresh);
      },
      async (disk) => {
        const found = (await disk.readFile("f/a")) ?? new Uint8Array(0);
        expect(equalBytes(found.subarray(0, old.length), old)).toBe(true);
      },
    ),
  );
  it("loses some of the bytes that were not synced, and not always the same ones", async () => {
    const endings = new Set<string>();
    await often(
      async (disk) => {
        await disk.writeFile("a", old);
        await using file = await disk.open("a", "write");
        await file.writeAt(0, fresh);
      },
      async (disk) => {
        const found = (await disk.readFile("a")) ?? new Uint8Array(0);
        expect(found.length >= old.length).toBe(true);
        endings.add(toHex(found));
      },
    )();
    const crashed = endings.size > 0;
    expect(!crashed || endings.size > 2, `${endings.size} endings in ${runs} runs`).toBe(true);
  });
}
