/** Completion scripts: what bash offers where, that every command is in each, and that they parse. */
import { spawnSync } from "node:child_process";
import { commandTable } from "holdfast";
import { beforeAll, describe, expect, it } from "vitest";
import { run } from "./run.ts";

const scripts = new Map<string, string>();
beforeAll(async () => {
  for (const shell of ["bash", "zsh", "fish"]) scripts.set(shell, (await run(["completion", shell])).out);
});

/** What bash offers for the last word. */
function offered(...words: string[]): string[] {
  const line = ["holdfast", ...words].map((word) => `"${word}"`).join(" ");
  const ask = `COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _holdfast; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["--norc", "-c", `${scripts.get("bash")}\n${ask}`]);
  expect(stderr.toString()).toBe("");
  return stdout
    .toString()
    .split("\n")
    .filter((word) => word !== "");
}

describe("completion", () => {
  it("offers commands first, then the words below a noun, then options after a dash, else files", () => {
    expect(offered("")).toEqual(expect.arrayContaining(["up", "put", "wallet", "help"]));
    expect(offered("wa")).toEqual(["wallet"]);
    expect(offered("wallet", "")).toEqual([
      "ls",
      "new",
      "default",
      "recipient",
      "send",
      "faucet",
      "export",
      "import",
    ]);
    expect(offered("wallet", "s")).toEqual(["send"]);
    expect(offered("wallet", "send", "--gas")).toEqual(["--gas-price", "--gas-limit"]);
    expect(offered("piece", "")).toEqual(["commp", "aggregate", "inclusion"]);
    expect(offered("piece", "inclusion", "")).toEqual(["prove", "verify"]);
    expect(offered("piece", "inclusion", "prove", "--sec")).toEqual(["--sector-bytes"]);
    expect(offered("put", "photo.jpg", "--co")).toEqual(["--copies"]);
    expect(offered("put", "")).toEqual([]);
    expect(offered("address", "inspect", "--to")).toEqual([]);
  });

  it("knows every command in every shell", () => {
    for (const { path } of commandTable.commands) {
      for (const script of scripts.values()) {
        for (const word of path) expect(script).toMatch(new RegExp(`\\b${word}\\b`));
      }
    }
  });

  it.each(["bash", "zsh", "fish"])("parses in %s, where that is installed", (shell) => {
    const { error, status, stderr } = spawnSync(shell, ["-n"], { input: scripts.get(shell) ?? "" });
    if (error === undefined) expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: "" });
    else expect(error.message).toContain("ENOENT");
  });
});
