/** Help is complete, fits, and says what the golden text says; every way of asking for it works. */
import { commandTable, connectionOptions, ownOptions, programHelp } from "holdfast";
import { describe, expect, it } from "vitest";
import { expectGolden, run } from "./run.ts";

const { commands, nouns, groups } = commandTable;

describe("help", () => {
  it("is the golden text", async () => {
    const pages: string[] = [];
    const paths = [[], ...nouns.map(({ noun }) => noun.split(" ")), ...commands.map(({ path }) => path)];
    for (const path of paths) {
      const { code, out, err } = await run([...path, "--help"]);
      expect({ path, code, err }).toEqual({ path, code: 0, err: "" });
      pages.push(`$ ${["holdfast", ...path, "--help"].join(" ")}\n${out}`);
    }
    expectGolden("help.txt", pages.join("\n"));
  });

  it("explains every command: summary, arguments, options, an example that names it", async () => {
    for (const spec of commands) {
      const { out } = await run([...spec.path, "--help"], { tty: { columns: 100, rows: 50 } });
      const flat = out.replace(/\s+/g, " ");
      expect(spec.summary).toMatch(/^[A-Z].*[^.]$/);
      const documented = [...ownOptions(spec), ...connectionOptions(spec), ...(spec.args ?? [])];
      for (const { summary } of documented) expect(flat).toContain(summary.replace(/\s+/g, " "));
      for (const { flags } of [...ownOptions(spec), ...connectionOptions(spec)])
        expect(flat).toContain(flags);
      for (const { name } of spec.args ?? [])
        expect(flat).toMatch(new RegExp(`[<[]${name}(\\.\\.\\.)?[>\\]]`));
      expect(spec.examples.length).toBeGreaterThan(0);
      const command = `holdfast ${spec.path.join(" ")}`;
      for (const example of spec.examples) {
        expect(example).toContain(command);
        expect(out).toContain(`  $ ${example}`);
      }
    }
  });

  it("puts a command's own options before those of the connection", async () => {
    const { out } = await run(["put", "--help"]);
    expect(out.indexOf("--copies")).toBeLessThan(out.indexOf("--json"));
    expect(out.indexOf("--json")).toBeLessThan(out.indexOf("Which node:"));
    expect(out.indexOf("Which node:")).toBeLessThan(out.indexOf("--token"));
    expect((await run(["address", "inspect", "--help"])).out).not.toContain("--token");
  });

  it("names every word of the table once on the first page, everyday commands first", () => {
    const words = [...new Set(commands.map(({ path }) => path[0] ?? ""))].sort();
    expect(groups.flatMap((group) => group.words).sort()).toEqual(words);
    const grouped = new Set(
      commands.flatMap(({ path }) =>
        path.slice(0, -1).map((_word, depth) => path.slice(0, depth + 1).join(" ")),
      ),
    );
    expect(nouns.map(({ noun }) => noun).sort()).toEqual([...grouped].sort());
    const page = programHelp(commandTable, "1", 80);
    expect(page.indexOf("Everyday")).toBeLessThan(page.indexOf("Plumbing"));
  });

  it("fits the terminal, also a narrow one, except for what cannot be broken", async () => {
    for (const columns of [40, 80, 200]) {
      const { out } = await run(["put", "--help"], { tty: { columns, rows: 50 } });
      const lines = out.split("\n").filter((line) => !/^ {2}\$|^Usage|https?:|^\s+-/.test(line));
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(Math.min(100, columns));
    }
  });

  it("is there however one asks", async () => {
    const page = (await run(["--help"])).out;
    for (const argv of [[], ["-h"], ["help"]])
      expect(await run(argv)).toEqual({ code: 0, out: page, err: "" });
    const wallet = (await run(["wallet", "--help"])).out;
    for (const argv of [["wallet"], ["help", "wallet"]]) {
      expect(await run(argv)).toEqual({ code: 0, out: wallet, err: "" });
    }
    const send = (await run(["wallet", "send", "-h"])).out;
    expect((await run(["help", "wallet", "send"])).out).toBe(send);
    expect(await run(["--version"])).toEqual({ code: 0, out: "0.0.0-test\n", err: "" });
    expect(await run(["-V"])).toEqual({ code: 0, out: "0.0.0-test\n", err: "" });
  });
});
