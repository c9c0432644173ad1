/** Command lines that are copied from the page mean to a shell what they say to a person. */
import { execFileSync } from "node:child_process";
import { commandLine, getLine, isPasteable, shellWord } from "@holdfast/dashboard/page";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

/** What a POSIX shell makes of words. */
function readByShell(words: readonly string[]): string[] {
  const script = `printf '%s\\n' ${words.join(" ")}`;
  return execFileSync("/bin/sh", ["-c", script], { encoding: "utf8" }).split("\n").slice(0, -1);
}

const names = fc.string({
  unit: fc.oneof(
    fc.constantFrom(..." '\"\\$`;|&*?~#(){}[]<>!%-=é漢"),
    fc.string({ minLength: 1, maxLength: 1 }),
  ),
  minLength: 1,
  maxLength: 12,
});
const samples = fc.sample(names.filter(isPasteable), { numRuns: 400, seed: 7 });

describe("command lines", () => {
  it("are read by a shell as they were meant", () => {
    expect(readByShell(samples.map(shellWord))).toEqual(samples);
  });

  it("canary: a word without its quotes is another one", () => {
    expect(shellWord("two words $HOME")).toBe("'two words $HOME'");
    expect(readByShell(["two words $((1+1))"])).toEqual(["two", "words", "2"]);
  });

  it.each(["a\nrm -rf ~", "a\u001b[2Jb", "gpj.\u202eexe", "a\u0000", "\u2028", "\u009b1m", ""])(
    "leave out the name %j, which no quotes make harmless",
    (name) => {
      expect(getLine("client", "bafy1", name)).toBe("holdfast get bafy1");
    },
  );

  it("take no name for an option", () => {
    expect(getLine("client", "bafy1", "--api=http://evil")).toBe("holdfast get bafy1");
    expect(getLine("client", "bafy1", "two words.txt")).toBe("holdfast get bafy1 -o 'two words.txt'");
  });

  it("name the node of `holdfast up` that they are about", () => {
    expect(commandLine("client", "status")).toBe("holdfast status");
    expect(commandLine("miner-2", "sector", "ls")).toBe("holdfast sector ls --node miner-2");
    expect(commandLine("$(reboot)", "status")).toBe("holdfast status");
  });
});
