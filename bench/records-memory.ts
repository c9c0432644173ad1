/** What a storage of so many sectors takes of memory, by a process that holds nothing else. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Figure } from "./figure.ts";

export interface HeldAfter {
  readonly what: string;
  readonly rssBytes: number;
}

const program = fileURLToPath(new URL("./records-process.ts", import.meta.url));

/** An audit asks for each sector by itself: over a connection that takes an hour. */
export async function recordsMemory(address: string, by: string, count: number): Promise<Figure[]> {
  const audit = address.startsWith("postgres:") ? [] : ["audit"];
  const { stdout } = await promisify(execFile)(process.execPath, [program, address, ...audit]);
  const held = JSON.parse(stdout.trim().split("\n").at(-1) ?? "[]") as HeldAfter[];
  return held.map(({ what, rssBytes }) => ({
    ...{ name: `memory of a process with a storage, ${what}`, by, value: rssBytes / 1e6, unit: "MB" },
    note: `${count} sectors`,
  }));
}
