/** What a terminal sees: blocks that redraw in place at any width, colour only where it is wanted. */
import fc from "fast-check";
import { columnsOf, fitted, openTerminal, printable, progressBar, wrapped } from "holdfast";
import { describe, expect, it } from "vitest";
import { calls, putRunning } from "./canned.ts";
import { type CannedNode, startCannedNode } from "./canned-node.ts";
import { captured, run } from "./run.ts";

const escapeMark = "\u001b";

/** A terminal that knows just what a live block uses: newline, return, cursor up, erase line and below. */
function screenOf(text: string, columns: number): string[] {
  const rows: string[] = [""];
  let row = 0;
  for (let rest = text; rest !== ""; ) {
    const control = rest.startsWith(escapeMark) ? /^.\[(\d*)([AKJm])/su.exec(rest) : null;
    if (control !== null) {
      if (control[2] === "A") row -= Number(control[1]);
      if (control[2] === "K") rows[row] = "";
      if (control[2] === "J") rows.splice(row, rows.length, "");
      expect(row).toBeGreaterThanOrEqual(0);
      rest = rest.slice(control[0].length);
    } else {
      const char = String.fromCodePoint(rest.codePointAt(0) ?? 0);
      if (char === "\n") rows[++row] ??= "";
      else if (char !== "\r") rows[row] += char;
      expect(columnsOf(rows[row] ?? "")).toBeLessThan(columns);
      rest = rest.slice(char.length);
    }
  }
  return rows.slice(0, -1);
}

const open = (columns: number, rows: number, env = {}) => {
  const stderr = captured({ columns, rows });
  return { terminal: openTerminal(captured({ columns, rows }), stderr, env), stderr };
};

const anyText = fc.oneof(fc.string({ unit: "grapheme" }), fc.string({ unit: "binary" }));

describe("a live block", () => {
  it("shows its last lines, cut to the terminal, whatever they hold", () => {
    const lines = fc.array(anyText, { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        fc.array(lines, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 4, max: 60 }),
        (blocks, columns) => {
          const { terminal, stderr } = open(columns, 8);
          for (const block of blocks) terminal.live(block.map((text) => [["green", text], " end"]));
          const last = blocks.at(-1)?.slice(0, 7) ?? [];
          const screen = screenOf(stderr.text(), columns);
          expect(screen).toHaveLength(last.length);
          for (const [index, text] of last.entries()) {
            const shown = screen[index] ?? "";
            if (columnsOf(printable(text)) + 4 < columns) expect(shown).toBe(`${printable(text)} end`);
            else expect(shown).toContain("…");
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it("makes room for what is printed in between, and stays when settled", () => {
    const { terminal, stderr } = open(40, 10);
    terminal.live(["one", "two"]);
    terminal.err("note");
    terminal.live(["three"]);
    terminal.settle();
    terminal.live(["four"]);
    terminal.clear();
    expect(screenOf(stderr.text(), 40)).toEqual(["note", "three"]);
  });

  it("does not exist off a terminal, nor on one that cannot redraw", async () => {
    for (const env of [{}, { TERM: "dumb" }]) {
      const stream = captured("TERM" in env ? { columns: 80, rows: 24 } : undefined);
      const terminal = openTerminal(stream, stream, env);
      terminal.live(["line"]);
      terminal.clear();
      expect({ live: terminal.isLive, text: stream.text() }).toEqual({ live: false, text: "" });
    }
  });
});

describe("colour", () => {
  it("is there on a terminal, and not with NO_COLOR, TERM=dumb or in a pipe", async () => {
    const esc = "\u001b[";
    await using node: CannedNode = await startCannedNode();
    const tty = { columns: 80, rows: 24 };
    const text = async (options: Parameters<typeof run>[1]) =>
      (await run(["status"], { node, ...options })).out;
    expect(await text({ tty })).toContain(esc);
    expect(await text({ tty, env: { NO_COLOR: "" } })).toContain(esc);
    for (const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }])
      expect(await text({ tty, env })).not.toContain(esc);
    expect(await text({})).not.toContain(esc);
    const failed = await run(["wallt"], { tty });
    expect(failed.err).toContain(`${esc}31merror${esc}39m`);
    expect((await run(["wallt", "--json"], { tty })).err).not.toContain(esc);
  });

  it("of hints: an empty list says what to do, but only to a person", async () => {
    await using node: CannedNode = await startCannedNode();
    node.instead.set("file.ls", () => []);
    expect(await run(["ls"], { node })).toEqual({ code: 0, out: "", err: "" });
    expect((await run(["ls", "--json"], { node })).out).toBe("[]\n");
    const seen = await run(["ls"], { node, tty: { columns: 80, rows: 24 } });
    expect(seen.err).toContain("holdfast put FILE");
  });
});

describe("texts", () => {
  it("are as wide as terminals show them", () => {
    const widths: readonly (readonly [string, number])[] = [
      ["abc", 3],
      ["größe", 5],
      ["文件", 4],
      ["ファイル", 8],
      ["e\u0301", 1],
      ["👩‍👩‍👧", 2],
      ["✓ █░…", 5],
    ];
    for (const [text, columns] of widths)
      expect({ text, columns: columnsOf(text) }).toEqual({ text, columns });
  });

  it("are cut to any width", () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 0, max: 30 }), (text, columns) => {
        const cut = fitted(printable(text), columns);
        expect(columnsOf(cut)).toBeLessThanOrEqual(columns);
        if (columnsOf(printable(text)) <= columns) expect(cut).toBe(printable(text));
      }),
    );
  });

  it("lose no word when wrapped", () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 });
    fc.assert(
      fc.property(words, fc.integer({ min: 24, max: 100 }), (list, columns) => {
        const text = wrapped(list.join(" "), columns, "  ");
        expect(text.split(/\s+/).filter((word) => word !== "")).toEqual(list);
        for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(columns);
      }),
    );
  });

  it("bars say 100 % only when all is done", () => {
    expect(progressBar(0)).toBe("░░░░░░░░░░░░░░░░░░░░   0 %");
    expect(progressBar(0.999)).toBe("███████████████████░  99 %");
    expect(progressBar(1)).toBe("████████████████████ 100 %");
    for (const ratio of [Number.NaN, -1, 2]) expect(progressBar(ratio)).toMatch(/^[█░]{20} {1,3}(0|100) %$/);
  });
});

describe("the checklist", () => {
  it("has a bar for each copy and marks a failed one", async () => {
    await using node: CannedNode = await startCannedNode();
    const [copy] = putRunning.copies;
    if (copy === undefined) return;
    const error = { code: "market/rejected", message: "no\u001b[2J room", fix: "" };
    const copies = [copy, { ...copy, stepsDone: [], step: "imported" as const, error }];
    node.instead.set("put.watch", () => [{ ...putRunning, copies }]);
    const { err } = await run(["put", "package.json", "--receipt", "/tmp/holdfast-never"], {
      node,
      tty: { columns: 200, rows: 40 },
    });
    expect(err).toMatch(/copy 1 .*60 %/);
    expect(err).toMatch(/copy 2 .*✗ no\\u001b\[2J room/);
    expect(err).toContain("1 of 2");
    expect(calls["put.start"].copies).toHaveLength(1);
  });
});
