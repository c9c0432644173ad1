/**
 * Every command against a server that speaks the API: what `--json` prints has the schema that is written
 * down in test/golden, and no command is left out. A schema changes only by hand (UPDATE_GOLDEN=1).
 */
import { readdirSync, rmSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { commandTable } from "holdfast";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { cid, client, dealId, fileBytes, fileCid, messageCid, miner, owner } from "./canned.ts";
import { helloCar } from "./canned-ipfs.ts";
import { type CannedNode, startCannedNode } from "./canned-node.ts";
import { listOf, madeUpSet, writeSet } from "./params-world.ts";
import { expectGolden, goldenFolder, run } from "./run.ts";

let node: CannedNode;
const checkout = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");
let folder = "";
beforeAll(async () => {
  node = await startCannedNode();
  folder = await mkdtemp(join(tmpdir(), "holdfast-golden-"));
  await writeFile(join(folder, "photo.jpg"), fileBytes);
  await writeFile(join(folder, "hello.car"), helloCar);
  const proven = await run(["piece", "inclusion", "prove", ...inclusion(), "-o", join(folder, "proof.json")]);
  expect(proven).toMatchObject({ code: 0, err: "" });
  await writeFile(join(folder, "elements.txt"), "616263\n01\n");
  await mkdir(join(folder, "program/packages/base/src"), { recursive: true });
  await writeFile(join(folder, "program/packages/base/src/index.ts"), "export const one = 1;\n");
  await writeFile(join(folder, "program/packages/base/package.json"), '{"name":"@holdfast/base"}\n');
  const set = madeUpSet(1, 5000);
  await writeSet(join(folder, "params"), set);
  await writeFile(join(folder, "list.json"), listOf(new Map([[`${set.id}.params`, fileBytes]])));
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Files of networks are made and read where they are tested, in founding.test.ts. */
const founding = ["new", "sector", "add-miner", "finish", "show", "check"].map((word) => `genesis ${word}`);
/** These ask a chain, in light.test.ts. */
const light = ["sync", "status", "balance", "actor", "miner", "sector", "deal", "channel"].map(
  (word) => `light ${word}`,
);
/** These start nodes of their own, make keys, or need a chain: other tests run them. */
const launched = new Set([
  "worker",
  "up",
  "daemon",
  "init",
  "join",
  "demo",
  "params cache",
  "params verify",
  ...founding,
  ...light,
  "chain import",
  "pin ledger",
  // Hardware, files of networks, services of vendors: attest-quote.test.ts.
  "attest quote",
  "attest collateral",
]);

const idleSet =
  `--profile cess --k 1 --n 512 --d 1 --set-clusters 1 --start-cluster 1 --miner-id ${"00".repeat(32)}`.split(
    " ",
  );

const inclusion = (): string[] => [join(folder, "photo.jpg"), "--sector-bytes", "512KiB"];

const quote = fileURLToPath(new URL("../../../vectors/attestation/dcap-qvl/sgx_quote", import.meta.url));

/** What a command is given besides `--json`. */
const given: { readonly [command: string]: () => readonly string[] } = {
  put: () => [join(folder, "photo.jpg")],
  get: () => [fileCid, "-o", join(folder, "fetched.jpg")],
  find: () => [fileCid],
  "retrieval show": () => [],
  "retrieval set": () => ["--price", "0.05FIL", "--cache", "on"],
  ls: () => [],
  deals: () => [],
  "deal show": () => [dealId],
  "deal extend": () => [dealId, "--for", "30d"],
  "deal release": () => [dealId],
  "deal redeem": () => [dealId],
  "deal policy": () => ["--extend", "yes"],
  quote: () => ["10GiB"],
  "keep ls": () => [],
  "keep set": () => ["put-0", "--renew", "no", "--max-price", "2FIL"],
  rm: () => [fileCid],
  "jobs puts": () => [],
  "jobs ls": () => [],
  "jobs show": () => ["17"],
  "jobs retry": () => ["17"],
  "storage migrate": () => ["postgres://holdfast@db.example/holdfast?schema=miner1"],
  "jobs cancel": () => ["17"],
  "jobs priority": () => ["17", "10"],
  "jobs cordon": () => ["kind:seal", "--reason", "a new disk"],
  "jobs uncordon": () => ["kind:seal"],
  "jobs workers": () => [],
  "jobs watch": () => [],
  "idle status": () => [],
  "idle fill": () => ["--max", "1GiB", "--threads", "2"],
  "idle drain": () => [],
  "storage ls": () => ["--check"],
  "storage attach": () => ["/mnt/disk2", "--max", "2TiB", "--for", "seal,store"],
  "storage set": () => ["/mnt/disk2", "--mode", "read-only"],
  "deal import": () => [dealId, join(folder, "hello.car")],
  "storage drain": () => ["2"],
  "storage detach": () => ["2"],
  "storage move": () => ["12", "2"],
  "storage check": () => ["12"],
  "storage repair": () => ["12"],
  "storage clean": () => [],
  status: () => [],
  "sync status": () => [],
  why: () => [dealId],
  doctor: () => [],
  completion: () => ["bash"],
  "wallet ls": () => [],
  "wallet new": () => [],
  "wallet default": () => [client],
  "wallet send": () => [miner, "1.5FIL"],
  "wallet faucet": () => [],
  "faucet show": () => [],
  "verifier ls": () => [],
  "verifier admit": () => [miner, "12D3KooWNRgiFRiyixcVhNBwhQjyzGqwG9Uvgis3TPtFBvBNM7gr"],
  "verifier remove": () => [],
  "verifier bond": () => ["100FIL"],
  "verifier withdraw": () => [],
  "wallet export": () => [client],
  "wallet recipient": () => [],
  "wallet import": () => ["-"],
  "address inspect": () => ["fcqguttqgahl6ztde7umgcrc0t4fvdgluhus0sz4w"],
  "ask ls": () => [],
  "ask quote": () => ["1MiB", "--for", "2m"],
  "ask show": () => [miner],
  "ask set": () => ["0.01FIL"],
  "mine status": () => [],
  "sector ls": () => [],
  "sector show": () => ["3"],
  "chain head": () => [],
  "chain ls": () => [],
  "chain show": () => [cid("block 100")],
  "chain watch": () => [],
  "chain money": () => [],
  "chain bad ls": () => [],
  "chain bad clear": () => [],
  "chain prune": () => ["--keep", "30"],
  "chain store": () => [],
  "chain export": () => {
    rmSync(join(folder, "chain.car"), { force: true });
    return [join(folder, "chain.car")];
  },
  "ipfs status": () => [],
  "ipfs pull": () => [fileCid, "--from", "http://127.0.0.1:8080"],
  "pin local add": () => [fileCid, "--name", "photos", "--for", "1d"],
  "pin local ls": () => [],
  "pin local show": () => ["6f1c0a5de3b24c0f9d8e7a6b5c4d3e2f"],
  "pin local rm": () => ["6f1c0a5de3b24c0f9d8e7a6b5c4d3e2f"],
  "pin local retry": () => ["6f1c0a5de3b24c0f9d8e7a6b5c4d3e2f"],
  "pin local gc": () => [],
  "pin local status": () => [],
  "pin access new": () => ["alice", "--max", "1GiB"],
  "pin access ls": () => [],
  "pin access rm": () => ["alice"],
  "pin service add": () => ["backup", "http://127.0.0.1:3482"],
  "pin service ls": () => [],
  "pin service rm": () => ["backup"],
  "pin remote add": () => [fileCid, "--service", "backup", "--wait"],
  "pin remote ls": () => ["--service", "backup"],
  "pin remote rm": () => ["17", "--service", "backup"],
  "pin node join": () => ["--capacity", "100GiB"],
  "pin node status": () => [],
  "pin node leave": () => [],
  "pin report ls": () => [],
  "pin report show": () => ["3", "120"],
  "pin report inspect": () => ["3", "120"],
  "pin dispute ls": () => [],
  "pin dispute open": () => ["3", "120"],
  "pin node ask": () => ["3"],
  "pin report verify": () => ["8c01"],
  "car import": () => [join(folder, "hello.car")],
  "car export": () => {
    rmSync(join(folder, "out.car"), { force: true });
    return [fileCid, join(folder, "out.car"), "--v2"];
  },
  "car ls": () => [join(folder, "hello.car")],
  "message ls": () => [],
  "message show": () => [messageCid],
  "message wait": () => [messageCid],
  "message send": () => [miner, "0FIL", "--method", "withdraw", "--params", "81"],
  "message why": () => [messageCid],
  "message replace": () => [messageCid, "--gas-price", "20attoFIL"],
  "message cancel": () => [messageCid],
  "pin add": () => [join(folder, "photo.jpg")],
  "pin ls": () => [],
  "pin status": () => ["12"],
  "pin extend": () => ["12"],
  "pin rm": () => ["12"],
  "pin settle": () => ["12", "13"],
  "pin ask": () => ["12", "0"],
  "pin repair": () => ["12"],
  "pin node ls": () => [],
  "pin node show": () => ["0"],
  "pin node claim": () => ["0"],
  "pin program ls": () => [],
  "pin program set": () => ["3f".repeat(32), "--kind", "software", "--until", "900000"],
  "multisig create": () => [client, owner, "--threshold", "2", "--amount", "10FIL"],
  "multisig propose": () => [miner, owner, "5FIL"],
  "multisig approve": () => [miner, "3"],
  "multisig cancel": () => [miner, "3"],
  "multisig ls": () => [],
  "multisig show": () => [miner],
  "multisig signers add": () => [miner, owner, "--raise-threshold"],
  "multisig signers remove": () => [miner, owner],
  "multisig signers swap": () => [miner, owner, client],
  "multisig signers threshold": () => [miner, "2"],
  "mine worker show": () => [],
  "mine worker set": () => [],
  "mine worker confirm": () => [],
  "mine owner propose": () => [owner],
  "mine owner accept": () => [miner],
  "mine extend": () => ["1", "2", "--until", "9000"],
  "mine terminate": () => ["4", "--yes"],
  "mine withdraw": () => ["5FIL"],
  "market balance": () => [],
  "market add": () => ["5FIL"],
  "market withdraw": () => ["5FIL", "--miner", miner],
  "channel create": () => [owner, "10FIL", "--for", "30d"],
  "channel extend": () => ["7", "--add", "5FIL"],
  "channel cancel": () => ["7"],
  "channel reclaim": () => ["7"],
  "channel redeem": () => [client, "7"],
  "channel close": () => [client, "7"],
  "channel ls": () => [],
  "channel show": () => [client, "7"],
  "channel voucher create": () => ["7", "3FIL", "--valid-at", "100"],
  "channel voucher check": () => ["hfv1aGVsbG8"],
  "channel voucher add": () => ["-"],
  "channel voucher ls": () => [],
  "channel voucher best": () => [client, "7"],
  "network show": () => [],
  "network upgrades": () => [],
  "network schedule": () => ["500", "--set", "blockReward=500FIL"],
  "network cancel": () => ["500", "--dry-run"],
  "actor ls": () => [],
  "actor show": () => [miner],
  "net peers": () => [],
  "net invite": () => [],
  "net status": () => [],
  "net id": () => [],
  "net addrs": () => [],
  "net disconnect": () => ["12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"],
  "net ping": () => ["12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"],
  "net scores": () => [],
  "net bans": () => [],
  "net ban": () => ["203.0.113.0/24", "--for", "1d"],
  "net unban": () => ["203.0.113.0/24"],
  "net limits": () => [],
  "params ls": () => ["--dir", join(folder, "params")],
  "params publish": () => ["--dir", join(folder, "params"), "--json-file", join(folder, "published.json")],
  "params fetch": () => ["--dir", join(folder, "fetched"), "--json-file", join(folder, "list.json")],
  "piece commp": () => [join(folder, "photo.jpg")],
  "piece aggregate": () => [join(folder, "photo.jpg")],
  "piece inclusion prove": inclusion,
  "piece inclusion verify": () => [join(folder, "proof.json")],
  "proof seal": () => [
    ...["--kind", "zigzag", "--sector-bytes", "2KiB", "--data", "-", "--sector-id", "3", "--prover-id"],
    ...["fcqguttqgahl6ztde7umgcrc0t4fvdgluhus0sz4w", "--seed", "01".repeat(32)],
  ],
  "proof circuit": () => ["--kind", "zigzag", "--sector-bytes", "2KiB"],
  "idle labels": () => idleSet,
  "idle prime": () => ["616263"],
  "idle accumulate": () => [join(folder, "elements.txt"), "--key", `${"c".repeat(255)}1,4`],
  "proof verify": () => [join(folder, "proof.json")],
  "attest verify": () => [
    ...[quote, "--collateral", `${quote}_collateral.txt`, "--at", "2025-07-01T00:00:00Z"],
  ],
  "attest program": () => ["--folder", join(folder, "program"), "--runtime", "node 24.0.0", "--files"],
  "net connect": () => ["/ip4/127.0.0.1/tcp/6000"],
};

const nameOf = (path: readonly string[]): string => path.join(" ");
const schemaFile = (path: readonly string[]): string => `${path.join("-")}.schema.json`;

describe("golden schemas", () => {
  it("stand for every command, and for nothing else", () => {
    const runnable = commandTable.commands
      .map(({ path }) => nameOf(path))
      .filter((name) => !launched.has(name));
    expect(Object.keys(given).sort()).toEqual(runnable.sort());
    const files = readdirSync(goldenFolder).filter((name) => name.endsWith(".schema.json"));
    expect(files.sort()).toEqual(commandTable.commands.map(({ path }) => schemaFile(path)).sort());
  });

  for (const spec of commandTable.commands) {
    const name = nameOf(spec.path);
    it(`${name}: the schema is the golden one`, async () => {
      const { result } = await spec.action();
      const schema = z.toJSONSchema(result, { unrepresentable: "any" });
      expectGolden(schemaFile(spec.path), `${JSON.stringify(schema, null, 2)}\n`);
    });
    if (launched.has(name)) continue;

    it(`${name}: --json prints what the schema says, and nothing else`, async () => {
      const argv = [...spec.path, ...(given[name]?.() ?? []), "--json"];
      const { code, out, err } = await run(argv, { node, stdin: "7b7d" });
      expect({ code, err }).toEqual({ code: 0, err: "" });
      const { result } = await spec.action();
      const values: unknown[] = spec.stream
        ? out
            .trimEnd()
            .split("\n")
            .map((line) => JSON.parse(line))
        : [JSON.parse(out)];
      expect(values.length).toBeGreaterThan(0);
      for (const value of values) expect(result.parse(value)).toEqual(value);
    });
  }

  it("lines for people are the golden ones", async () => {
    const pages: string[] = [];
    for (const { path } of commandTable.commands) {
      const name = nameOf(path);
      // What doctor finds is this machine's.
      if (launched.has(name) || name === "completion" || name === "doctor") continue;
      const argv = [...path, ...(given[name]?.() ?? []), ...(name === "get" ? ["--force"] : [])];
      const { code, out, err } = await run(argv, { node, stdin: "7b7d" });
      expect({ name, code, err }).toEqual({ name, code: 0, err: "" });
      pages.push(
        `$ holdfast ${argv.join(" ")}\n${out}`.replaceAll(folder, "FOLDER").replaceAll(checkout, "CHECKOUT"),
      );
    }
    expectGolden("output.txt", pages.join("\n"));
  });
});
