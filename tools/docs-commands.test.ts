/** The command reference in docs is the one that the command table gives now. */
import { readFile } from "node:fs/promises";
import { commandTable } from "holdfast";
import { describe, expect, it } from "vitest";
import { commandsDocument, commandsFile } from "./docs-commands.ts";

describe("docs/COMMANDS.md", () => {
  it("is current; if not: node tools/docs-commands.ts", async () => {
    expect(await readFile(commandsFile, "utf8")).toBe(commandsDocument(commandTable));
  });

  it("changes with the table", () => {
    const [first, ...others] = commandTable.commands;
    if (first === undefined) return;
    const changed = { ...commandTable, commands: [{ ...first, summary: "Something else" }, ...others] };
    expect(commandsDocument(changed)).not.toBe(commandsDocument(commandTable));
  });
});
