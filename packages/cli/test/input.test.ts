/** Wrong input ends with exit code 2, in words, with a fix, and before anybody is asked. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { client, fileCid, messageCid, miner } from "./canned.ts";
import { type CannedNode, startCannedNode } from "./canned-node.ts";
import { jsonError, run } from "./run.ts";

let node: CannedNode;
let folder = "";
beforeAll(async () => {
  node = await startCannedNode();
  folder = await mkdtemp(join(tmpdir(), "holdfast-input-"));
  await writeFile(join(folder, "file"), "content");
  await writeFile(join(folder, "empty"), "");
  await writeFile(join(folder, "long"), new Uint8Array(2033));
  await mkdir(join(folder, "folder"));
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Of 127 bytes 0xff. */
const pieceCid = "baga6ea4seaqglc5ree3ir5ctv5iixkmc7fxgcupq2wxawjqyyfbyikv3z2jdwoi";

const hex = (count: number): string => "00".repeat(count);
const sealing = "proof seal --data FILE --sector-bytes 2KiB";

/** FILE, EMPTY, LONG, FOLDER and MISSING stand for paths. */
const paths: { readonly [word: string]: string } = {
  FILE: "file",
  EMPTY: "empty",
  LONG: "long",
  FOLDER: "folder",
  MISSING: "nothing/here",
};

const wrong: readonly (readonly [line: string, exit: number, code: string])[] = [
  ["wallt", 2, "cli/usage"],
  ["wallet lss", 2, "cli/usage"],
  ["put", 2, "cli/usage"],
  ["put FILE --spread nowhere", 2, "cli/bad-value"],
  ["put FILE --copis 2", 2, "cli/usage"],
  ["put FILE --copies", 2, "cli/usage"],
  ["ls extra", 2, "cid/malformed"],
  ["snapshot --help", 2, "cli/usage"],
  ["channel nothing --help", 2, "cli/usage"],
  ["up --api http://127.0.0.1:1", 2, "cli/usage"],
  ["init", 2, "cli/usage"],

  ["put MISSING", 3, "cli/file-missing"],
  ["put EMPTY", 2, "cli/file-empty"],
  ["put FILE --copies 0", 2, "cli/bad-value"],
  ["put FILE --copies 21", 2, "cli/bad-value"],
  ["put FILE --copies 1.5", 2, "cli/bad-value"],
  ["put FILE --copies -1", 2, "cli/bad-value"],
  ["put FILE --for 0s", 2, "amount/malformed"],
  ["put FILE --for soon", 2, "amount/malformed"],
  ["put FILE --for -3d", 2, "amount/negative"],
  ["put FILE --max-price much", 2, "amount/malformed"],
  ["put FILE --receipt MISSING/receipt", 8, "cli/unwritable"],
  ["quote FOLDER", 2, "cli/not-a-file"],
  ["quote 0", 2, "cli/bad-value"],
  ["quote 10GiX", 2, "amount/malformed"],
  ["get nonsense", 2, "cid/malformed"],
  [`get ${fileCid} -o - --json`, 2, "cli/bad-value"],
  [`get ${fileCid} -o FILE`, 8, "cli/file-exists"],

  [`wallet send ${miner} lots`, 2, "amount/malformed"],
  [`wallet send ${miner} -- -1FIL`, 2, "amount/negative"],
  [`wallet send ${miner} 0.1attoFIL`, 2, "amount/too-precise"],
  [`wallet send ${miner} 340282366920938463464FIL`, 2, "amount/overflow"],
  [`wallet send ${miner.slice(0, -1)} 1FIL`, 2, "address/bad-checksum"],
  [`wallet send ${miner} 1FIL --from nobody`, 2, "address/too-short"],
  [`wallet send ${miner} 1FIL --gas-limit much`, 2, "cli/bad-value"],
  [`wallet send ${miner} 1FIL --gas-price 1.5attoFIL`, 2, "amount/too-precise"],
  [`message send ${miner} 0FIL --params xyz`, 2, "cli/bad-value"],
  ["wallet import MISSING", 3, "cli/file-missing"],
  ["wallet import EMPTY", 2, "cli/bad-value"],
  ["wallet import FOLDER", 2, "cli/not-a-file"],
  ["wallet default x", 2, "address/too-short"],
  ["address inspect fcqguttqgahl6ztde7umgcrc0t4fvdgluhus0sz4W", 2, "address/mixed-case"],

  ["ask set cheap", 2, "amount/malformed"],
  ["ask set 1FIL --min 2KiB --max 1KiB", 2, "cli/bad-value"],
  ["sector show x", 2, "cli/bad-value"],
  ["sector ls --miner x", 2, "address/too-short"],
  ["chain ls --limit 0", 2, "cli/bad-value"],
  ["chain ls --from -1", 2, "cli/bad-value"],
  ["chain show x", 2, "cid/malformed"],
  ["message show x", 2, "cid/malformed"],
  [`message wait ${messageCid} --timeout 5`, 2, "amount/malformed"],
  [`message wait ${messageCid} --confirmations -1`, 2, "cli/bad-value"],
  ["actor show x", 2, "address/too-short"],
  ["net connect 127.0.0.1:6000", 2, "cli/bad-value"],
  ["status --api nowhere", 2, "cli/bad-value"],
  ["status --api file:///etc/passwd", 2, "cli/bad-value"],

  ["params cache --sector-bytes 3KiB", 2, "params/no-profile"],
  ["params cache --sector-bytes lots", 2, "amount/malformed"],
  ["params cache --kind sdr", 2, "cli/bad-value"],
  ["params cache --circuit sealing", 2, "cli/bad-value"],
  ["params cache --contributors alice,alice", 2, "cli/bad-value"],
  ["params cache --contributors alice,beacon", 2, "cli/bad-value"],
  ["params cache --contributors ,", 2, "cli/bad-value"],
  [`params cache --beacon ${hex(32)}`, 2, "cli/bad-value"],
  [`pin program set ${hex(31)} --until 5`, 2, "cli/bad-value"],
  [`pin program set ${hex(32)} --until 5 --tcb-status Revoked`, 2, "cli/bad-value"],
  [`pin program set ${hex(32)} --until 5 --firmware Rome:snp=1`, 2, "cli/bad-value"],
  [`pin program set ${hex(32)} --until 5 --firmware Milan:ucode=256`, 2, "cli/bad-value"],
  [`pin program set ${hex(32)} --until 5 --firmware Milan:spl=1`, 2, "cli/bad-value"],
  [`pin program set ${hex(32)} --until 5 --firmware Milan:snp=1:2`, 2, "cli/bad-value"],
  [`pin program set ${hex(32)} --until 5 --least-evaluation 3 --any-platform`, 2, "cli/bad-value"],
  [`params cache --contributors alice --beacon ${hex(31)}`, 2, "cli/bad-value"],
  ["params verify", 2, "cli/bad-value"],
  ["params verify --all x", 2, "cli/bad-value"],
  ["params verify v1-post --dir MISSING", 3, "params/unknown"],
  ["params publish --dir MISSING --ipfs-api http://127.0.0.1:1", 3, "params/unknown"],
  ["params publish --ipfs-api nowhere", 2, "params/bad-source"],
  ["params fetch --json-file MISSING --from FOLDER", 3, "params/no-list"],
  ["params fetch --json-file FILE --from FOLDER", 2, "parameters/malformed-manifest"],
  ["params fetch --json-file FOLDER --from FOLDER", 8, "params/unreadable"],

  ["piece commp MISSING", 3, "cli/file-missing"],
  ["piece commp FOLDER", 2, "cli/not-a-file"],
  ["piece commp EMPTY", 2, "pieces/empty"],
  ["piece commp -", 2, "pieces/empty"],
  ["piece aggregate", 2, "cli/usage"],
  ["piece aggregate FILE --padded-bytes 500", 2, "pieces/bad-size"],
  ["piece aggregate LONG --padded-bytes 2KiB", 2, "aggregate/too-large"],
  [`piece aggregate ${pieceCid}:128 --out FILE --force`, 3, "cli/file-missing"],
  ["piece inclusion prove FILE", 2, "cli/usage"],
  ["piece inclusion prove --sector-bytes 2KiB", 2, "cli/usage"],
  ["piece inclusion prove FILE --sector-bytes 2000", 2, "pieces/bad-sector-size"],
  ["piece inclusion prove FILE --sector-bytes 64", 2, "pieces/bad-sector-size"],
  ["piece inclusion prove FILE --sector-bytes lots", 2, "amount/malformed"],
  ["piece inclusion prove FILE --sector-bytes 2KiB --piece 1", 3, "pieces/no-such-piece"],
  ["piece inclusion prove FILE --sector-bytes 2KiB --piece other", 2, "cli/bad-value"],
  ["piece inclusion prove FILE FILE --sector-bytes 128", 2, "pieces/too-large"],
  [`piece inclusion prove ${pieceCid} --sector-bytes 2KiB`, 2, "cli/bad-value"],
  [`piece inclusion prove ${pieceCid}:100 --sector-bytes 2KiB`, 2, "pieces/bad-size"],
  ["piece inclusion prove baga6ea4seaq:128 --sector-bytes 2KiB", 2, "cid/malformed"],
  ["piece inclusion verify MISSING", 3, "cli/file-missing"],
  ["piece inclusion verify FILE", 2, "proof/bad-file"],
  ["proof seal", 2, "cli/usage"],
  [`${sealing} --kind vdf --prover-id ${hex(31)} --sector-id 0`, 2, "cli/bad-value"],
  [`${sealing} --kind zigzag-2019 --prover-id ${hex(30)} --sector-id 0`, 2, "cli/bad-value"],
  [`${sealing} --kind zigzag-2019 --prover-id ${hex(31)}01 --sector-id 0`, 2, "cli/bad-value"],
  [`${sealing} --kind zigzag-2019 --prover-id ${hex(31)} --sector-id -1`, 2, "cli/bad-value"],
  [
    `${sealing} --kind zigzag-2019 --prover-id ${hex(31)} --sector-id 0 --ticket ${hex(32)}`,
    2,
    "cli/bad-value",
  ],
  [`${sealing} --kind sdr --prover-id ${hex(31)} --sector-id 0`, 2, "cli/bad-value"],
  [`${sealing} --kind sdr --prover-id ${hex(32)} --sector-id 18446744073709551616`, 2, "cli/bad-value"],
  [`${sealing} --kind sdr --prover-id ${hex(32)} --sector-id 0 --seed 00`, 2, "cli/bad-value"],
  [`${sealing} --kind sdr --prover-id ${hex(32)} --sector-id 0 --seed ${hex(31)}0g`, 2, "cli/bad-value"],
  [`${sealing} --kind sdr --prover-id ${hex(32)} --sector-id 0 --api-version 2`, 2, "cli/bad-value"],
  [`${sealing} --kind zigzag --prover-id ${hex(32)} --sector-id 0`, 2, "cli/bad-value"],
  [`${sealing} --kind zigzag --prover-id ff${hex(21)} --sector-id 0`, 2, "address/unknown-network"],
  [`${sealing} --kind zigzag --prover-id ${hex(22)} --sector-id 0 --out x`, 2, "cli/bad-value"],
  [`${sealing} --kind sdr --prover-id ${hex(32)} --sector-id 0 --data MISSING`, 3, "cli/file-missing"],
  [`${sealing} --kind sdr --prover-id ${hex(32)} --sector-id 0 --data FOLDER`, 2, "cli/not-a-file"],
  [`${sealing} --kind sdr --prover-id ${hex(32)} --sector-id 0 --data LONG`, 2, "cli/over-capacity"],
  [`${sealing} --kind sdr --prover-id ${hex(32)} --sector-id 0 --sector-bytes 2GiB`, 2, "cli/bad-value"],
  ["proof circuit", 2, "cli/usage"],
  ["proof circuit --kind zigzag-2019 --sector-bytes 2KiB", 2, "cli/bad-value"],
  ["proof circuit --kind zigzag --sector-bytes 2KiB --circuit all", 2, "cli/bad-value"],
  ["proof circuit --kind zigzag --sector-bytes 2KiB --challenges 0", 2, "cli/bad-value"],
  ["proof verify EMPTY", 2, "proof/bad-file"],
  ["proof verify FOLDER", 2, "cli/not-a-file"],
  ["proof verify -", 2, "proof/bad-file"],

  ["completion csh", 2, "cli/bad-value"],
  ["up --round 5ms", 2, "cli/bad-value"],
  ["up --miners 0", 2, "cli/bad-value"],
  ["up --port 70000", 2, "cli/bad-value"],
  ["up --sector huge", 2, "amount/malformed"],
  ["demo MISSING", 3, "cli/file-missing"],
  ["demo --copies 4", 2, "cli/bad-value"],
  ["init --genesis MISSING", 3, "cli/file-missing"],
  ["init --network MISSING", 3, "cli/file-missing"],
  ["daemon --listen 0.0.0.0:80", 2, "cli/bad-value"],
  ["daemon --listen localhost", 2, "cli/bad-value"],
];

function argvOf(line: string): string[] {
  return line
    .split(" ")
    .map((word) =>
      word.replace(/^(FILE|EMPTY|LONG|FOLDER|MISSING)\b/, (name) => join(folder, paths[name] ?? "")),
    );
}

describe("wrong input", () => {
  for (const [line, exit, code] of wrong) {
    it(`holdfast ${line}: ${code}, exit ${exit}`, async () => {
      const argv = argvOf(line);
      const json = await run(["--json", ...argv], { node });
      expect(json.out).toBe("");
      expect({ line, code: jsonError(json).code, exit: json.code }).toEqual({ line, code, exit });
      expect(node.calls).toEqual([]);

      if (argv.includes("--json")) return;
      const plain = await run(argv, { node });
      expect(plain.code).toBe(exit);
      const [first, second, third, ...rest] = plain.err.split("\n");
      expect(first).toMatch(/^error {2}\S/);
      expect(second).toMatch(/^fix {4}\S/);
      expect(third).toBe(`code   ${code}`);
      expect(rest).toEqual([""]);
    });
  }

  it("suggests what was meant", async () => {
    expect(jsonError(await run(["wallt", "--json"])).fix).toContain("did you mean wallet?");
    expect(jsonError(await run(["wallet", "sned", "--json"])).fix).toMatch(
      /did you mean send\?.*wallet --help/,
    );
    expect(jsonError(await run(["put", "x", "--copis", "2", "--json"])).fix).toContain("--copies");
    expect(jsonError(await run(["put", "--json"])).fix).toBe("see `holdfast put --help`");
  });

  it("takes --json and the connection before the command, and -- ends the options", async () => {
    const early = await run(["--json", "--api", node.url, "--token=canned-token", "chain", "head"]);
    expect(early.code).toBe(0);
    expect(JSON.parse(early.out)).toMatchObject({ height: 100 });
    const afterDashes = await run(["put", "--", "--json"]);
    expect(afterDashes).toMatchObject({ code: 3, out: "" });
    expect(afterDashes.err).toMatch(/^error {2}there is no file --json\n/);
  });

  it("names what is asked of a program's platforms, or leaves it as it is listed", async () => {
    node.calls.length = 0;
    const asked = async (...options: string[]) => {
      await run(["pin", "program", "set", hex(32), "--until", "5", "--no-wait", ...options], { node });
      return (node.calls.at(-1)?.params as { readonly platform?: object } | undefined)?.platform;
    };
    expect(await asked()).toBeUndefined();
    const any = { leastTcbEvaluation: 0, tcbStatuses: [], leastFirmware: [] };
    expect(await asked("--any-platform")).toEqual(any);
    const intel = ["--least-evaluation", "19", "--tcb-status", "UpToDate", "--tcb-status", "OutOfDate"];
    const tcbStatuses = ["UpToDate", "OutOfDate"];
    expect(await asked(...intel)).toEqual({ ...any, leastTcbEvaluation: 19, tcbStatuses });
    expect(await asked("--firmware", "Milan:snp=24,ucode=219", "--firmware", "Turin:fmc=1")).toEqual({
      ...any,
      leastFirmware: [
        { line: "Milan", fmc: 0, bl: 0, tee: 0, snp: 24, ucode: 219 },
        { line: "Turin", fmc: 1, bl: 0, tee: 0, snp: 0, ucode: 0 },
      ],
    });
  });

  it("takes either spelling of an address and any unit", async () => {
    node.calls.length = 0;
    const f1 = JSON.parse((await run(["address", "inspect", miner, "--json"])).out).f1;
    await run(["wallet", "send", f1, "250milliFIL", "--from", client], { node });
    expect(node.calls[0]).toEqual({
      name: "message.send",
      params: { to: f1, value: "250milliFIL", from: client, method: "", paramsHex: "" },
    });
  });
});
