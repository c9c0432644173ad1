/** A node's folder: made once, held by one, healed when its holder died, refused when it is another's. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HoldfastError } from "@holdfast/base";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultConfig, initRepo, openRepo, repoVersion, runningNode } from "../src/repo/index.ts";

let folder: string;
let root: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-repo-"));
  root = join(folder, "node");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof HoldfastError) return error.code;
    throw error;
  }
  return "no error";
}

const make = () => initRepo(root, { genesis: new Uint8Array([1, 2, 3]) });

describe("repo", () => {
  it("is made with everything in it, and only once", async () => {
    await make();
    await using repo = await openRepo(root);
    expect(repo.config).toEqual(defaultConfig());
    expect(repo.token).toMatch(/^[0-9a-f]{64}$/);
    expect(await codeOf(make())).toBe("repo/exists");
  });

  it("is not found where there is none", async () => {
    expect(await codeOf(openRepo(root))).toBe("repo/not-found");
    expect(await codeOf(runningNode(root))).toBe("repo/not-found");
  });

  it("says which part of it is missing, and what to do about it", async () => {
    await make();
    const parts = ["config.toml", "token", "genesis.car"];
    for (const part of parts) {
      const path = join(root, part);
      const kept = await readFile(path);
      await rm(path);
      const opening = async (): Promise<void> => {
        await using repo = await openRepo(root);
        await repo.genesis();
      };
      const error = await opening().catch((cause: unknown) => cause);
      expect(error).toMatchObject({ code: "repo/part-missing", data: { path } });
      expect(error instanceof HoldfastError && error.fix.length > 20).toBe(true);
      await writeFile(path, kept);
    }
  });

  it("is refused at once where no folder can be made", async () => {
    expect(await codeOf(initRepo("/proc/x", { genesis: new Uint8Array(1) }))).toBe("repo/unwritable");
    expect(await codeOf(initRepo("/proc/x/y", { genesis: new Uint8Array(1) }))).toBe("repo/unwritable");
  });

  it("of another version is refused, and left as it is", async () => {
    await make();
    await writeFile(join(root, "version"), "99\n");
    expect(await codeOf(openRepo(root))).toBe("repo/wrong-version");
    expect((await readFile(join(root, "version"), "utf8")).trim()).toBe("99");
    expect(repoVersion).toBe("1");
  });

  it("is held by one: the second is told who holds it and where it listens", async () => {
    await make();
    await using repo = await openRepo(root);
    await repo.announce("http://127.0.0.1:1");
    await expect(openRepo(root)).rejects.toMatchObject({
      code: "repo/locked",
      data: { pid: process.pid, api: "http://127.0.0.1:1" },
    });
    expect(await runningNode(root)).toEqual({ api: "http://127.0.0.1:1", token: repo.token });
  });

  it("heals the lock of a process that was killed", async () => {
    await make();
    const source = `
      import { openRepo } from ${JSON.stringify(new URL("../src/repo/index.ts", import.meta.url).href)};
      await openRepo(${JSON.stringify(root)});
      console.log("held");
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    expect(await codeOf(openRepo(root))).toBe("repo/locked");
    child.kill("SIGKILL");
    await once(child, "exit");
    await using repo = await openRepo(root);
    expect(repo.token).not.toBe("");
  });

  it("heals a stale lock for one of those that start at once", async () => {
    await make();
    for (let round = 0; round < 20; round += 1) {
      await writeFile(join(root, "lock"), JSON.stringify({ pid: process.pid, started: "1", api: "" }));
      const started = await Promise.allSettled(Array.from({ length: 6 }, () => openRepo(root)));
      const codes = started.map((one) => (one.status === "fulfilled" ? "held" : one.reason.code));
      expect(codes.sort()).toEqual(["held", ...Array.from({ length: 5 }, () => "repo/locked")]);
      for (const one of started) if (one.status === "fulfilled") await one.value[Symbol.asyncDispose]();
    }
  });

  it.skipIf(process.platform !== "linux")("heals the lock of a dead process that nobody buried", async () => {
    await make();
    // The shell becomes a program that never asks how its child ended, which happens after that.
    const parent = spawn("sh", ["-c", "sleep 0.5 & echo $!; exec sleep 60"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const pid = Number(String((await once(parent.stdout, "data"))[0]));
    const stateOf = async () => /\) (.)/.exec(await readFile(`/proc/${pid}/stat`, "utf8"))?.[1];
    await expect.poll(stateOf, { timeout: 30_000 }).toBe("Z");
    await writeFile(join(root, "lock"), JSON.stringify({ pid, started: "", api: "" }));
    expect(await codeOf(openRepo(root).then((repo) => repo[Symbol.asyncDispose]()))).toBe("no error");
    parent.kill("SIGKILL");
    await once(parent, "exit");
  });

  it("heals a lock whose process number was given to another program", async () => {
    await make();
    await writeFile(join(root, "lock"), JSON.stringify({ pid: process.pid, started: "1", api: "" }));
    await using repo = await openRepo(root);
    expect(repo.token).not.toBe("");
  });

  it("heals a lock that is torn", async () => {
    await make();
    await writeFile(join(root, "lock"), '{"pid": 12');
    await using repo = await openRepo(root);
    expect(repo.token).not.toBe("");
  });

  it("says what is wrong in its configuration, key by key", async () => {
    await make();
    const path = join(root, "config.toml");
    const said: readonly (readonly [string, string | RegExp])[] = [
      [
        '[api]\nlisten = "0.0.0.0:3453"\n',
        /^listen in \[api\] is to be a loopback address .*, not "0.0.0.0:3453"$/,
      ],
      ["[mining]\nunknown = 1\n", "unknown in [mining] is no key of a node"],
      [
        "mining = 3\nother = 1\nmore = 1\n",
        "mining is to be a section, not 3; other, more are no keys of a node",
      ],
      ["[mining]\nminFillPercent = 200\n", "minFillPercent in [mining] is to be at most 100, not 200"],
      ["[mining]\nminFillPercent = 0.5\n", "minFillPercent in [mining] is to be a whole number, not 0.5"],
      [
        '[mining]\nworkerProcesses = "all"\n',
        /^workerProcesses in \[mining\] is to be a number or "auto", not "all"$/,
      ],
      [
        "[mining]\notherSectorBytes = [2048, 3]\n",
        "otherSectorBytes in [mining], entry 2 is to be at least 1024, not 3",
      ],
      ["[mining]\notherSectorBytes = 3\n", "otherSectorBytes in [mining] is to be a list in brackets, not 3"],
      [
        `[mining]\ndatabase = "${"x".repeat(2_000)}"\n`,
        /is to be at most 1024 characters long, not "x{59}…$/,
      ],
      [
        `[mining]\ndatabase = "postgres://me:secret@db/${"x".repeat(2_000)}"\n`,
        /is to be at most 1024 characters long, not "postgres:\/\/…@db\/x+…$/,
      ],
      ["\nname = \n", /^line 2, column \d+: /],
    ];
    for (const [text, problems] of said) {
      await writeFile(path, text);
      await expect(openRepo(root)).rejects.toMatchObject({
        ...{ code: "repo/bad-config", message: expect.stringContaining(path) },
        data: { problems: typeof problems === "string" ? problems : expect.stringMatching(problems) },
      });
    }
  });
});
