/** Evidence by hand: software for a network that allows it, hardware where there is none, collateral from a service. */
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jsonError, run } from "./run.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-quote-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);
const attest = (...argv: readonly string[]) => run(["attest", ...argv]);

async function fine(...argv: readonly string[]): Promise<void> {
  expect(await run(argv)).toMatchObject({ code: 0, err: "" });
}

/** The file of a network of one founder. */
async function networkFile(name: string, ...set: readonly string[]): Promise<string> {
  const draft = at(`${name}.draft`);
  await fine("genesis", "new", draft, "--name", name, "--sector", "1KiB", "--unproven", ...set);
  await fine("genesis", "sector", draft, "--repo", at(`${name}-founder`));
  await fine("genesis", "add-miner", draft, at(`${name}-founder/founder.json`));
  await fine("genesis", "finish", draft, at(`${name}.network`));
  return at(`${name}.network`);
}

describe("attest quote", () => {
  it("by software is accepted under its network's root alone, and says what it is", async () => {
    const file = await networkFile("open");
    const program = "ab".repeat(32);
    const made = await attest(
      ...["quote", "--kind", "software", "--network", file, "--program", program, "--report-data", "0102"],
      ...["-o", at("quote.bin"), "--collateral", at("collateral"), "--json"],
    );
    expect(made).toMatchObject({ code: 0, err: "" });
    const quote = JSON.parse(made.out);
    expect(quote).toMatchObject({
      ...{ kind: "software", trust: "software", program, reportData: `0102${"00".repeat(62)}` },
      evidence: { path: at("quote.bin"), sizeBytes: (await stat(at("quote.bin"))).size },
    });
    const judge = (...more: readonly string[]) =>
      attest(
        "verify",
        at("quote.bin"),
        "--collateral",
        at("collateral"),
        "--report-data",
        "0102",
        "--json",
        ...more,
      );
    const accepted = await judge("--software-root", quote.softwareRoot, "--program", program);
    expect([accepted.code, JSON.parse(accepted.out).kind]).toEqual([0, "software"]);
    expect(JSON.parse((await judge()).out).code).toBe("software-not-allowed");
    expect((await judge("--network", file)).code).toBe(0);
    const other = await judge("--software-root", "00".repeat(32));
    expect(JSON.parse(other.out).code).toBe("pck-root-not-pinned");
    const people = await attest("quote", "--kind", "software", "--network", file, "-o", at("again.bin"));
    expect(people.out).toContain("it proves nothing");
    expect(await readFile(at("again.bin"))).not.toEqual(await readFile(at("quote.bin")));
  });

  it("is refused on a network that takes none, without a network, and without hardware", async () => {
    const strict = await networkFile("strict", "--set", "softwareAttestation=false");
    const out = ["-o", at("none.bin"), "--json"];
    const codeOf = async (...argv: readonly string[]): Promise<string> =>
      jsonError(await attest("quote", ...argv, ...out)).code;
    expect(await codeOf("--kind", "software", "--network", strict)).toBe("attestation/software-refused");
    expect(await codeOf("--kind", "software")).toBe("attestation/software-refused");
    expect(await codeOf("--kind", "tpm")).toBe("proof/unknown-kind");
    expect(await codeOf("--network", at("nowhere"))).toBe("cli/file-missing");
    expect(await codeOf("--report-data", "00".repeat(65))).toBe("cli/bad-value");
    expect(await codeOf("--kind", "sgx-dcap")).toBe("attestation/not-available");
    expect(await readdir(folder)).not.toContain("none.bin");
    const judged = await attest("verify", at("quote.bin"), "--network", strict, "--json");
    expect(JSON.parse(judged.out).checks).toContainEqual({
      ...{ name: "evidence-kind", ok: false, code: "software-not-allowed" },
    });
  });
});

describe("attest collateral", () => {
  let server: Server;
  const asked: string[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request.url ?? "");
      void answer(request.url ?? "").then(
        ({ header, body }) => {
          if (header !== undefined) response.setHeader(...header);
          response.end(body);
        },
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const vector = (name: string): string =>
    fileURLToPath(new URL(`../../../vectors/attestation/dcap-qvl/${name}`, import.meta.url));

  /** What Intel's service said of this platform, from a caching one. */
  async function answer(url: string) {
    const kept = JSON.parse(await readFile(vector("sgx_quote_collateral.txt"), "utf8"));
    const chain = (name: string, pem: string): [string, string] => [name, encodeURIComponent(pem)];
    if (url.includes("/tcb?fmspc=")) {
      const body = `{"tcbInfo":${kept.tcb_info},"signature":"${kept.tcb_info_signature}"}`;
      return { header: chain("TCB-Info-Issuer-Chain", kept.tcb_info_issuer_chain), body };
    }
    if (url.endsWith("/qe/identity")) {
      const body = `{"enclaveIdentity":${kept.qe_identity},"signature":"${kept.qe_identity_signature}"}`;
      return { header: chain("SGX-Enclave-Identity-Issuer-Chain", kept.qe_identity_issuer_chain), body };
    }
    if (url.includes("/pckcrl?")) {
      const header = chain("SGX-PCK-CRL-Issuer-Chain", kept.pck_crl_issuer_chain);
      return { header, body: Buffer.from(kept.pck_crl, "hex") };
    }
    if (url.endsWith("/rootcacrl")) return { header: undefined, body: kept.root_ca_crl };
    throw new Error("unknown");
  }

  it("of a public quote comes from a service, is kept, and the quote holds by it", async () => {
    const { port } = server.address() as AddressInfo;
    const fetch = () =>
      attest(
        ...["collateral", vector("sgx_quote"), "--to", at("fetched"), "--dir", at("kept"), "--json"],
        ...["--intel", `http://127.0.0.1:${port}/`],
      );
    const fetched = await fetch();
    expect(fetched).toMatchObject({ code: 0, err: "" });
    expect([asked.length, JSON.parse(fetched.out).files.length]).toEqual([4, 7]);
    const time = ["--at", "2025-07-01T00:00:00Z"];
    const judged = await attest("verify", vector("sgx_quote"), "--collateral", at("fetched"), ...time);
    expect([judged.code, judged.err]).toEqual([0, ""]);
    expect(await fetch()).toEqual(fetched);
    expect(asked.length).toBe(4);
  });

  it("is told to be missing where nobody answers, and of what is no evidence of hardware", async () => {
    const nobody = ["--to", at("empty"), "--dir", at("kept-2"), "--json"];
    const wrong = await attest("collateral", vector("sgx_quote_collateral.txt"), ...nobody);
    expect(jsonError(wrong).code).toBe("attestation/no-platform");
    const closed = await attest(
      "collateral",
      vector("sgx_quote"),
      ...nobody,
      "--intel",
      "http://127.0.0.1:1",
    );
    expect(jsonError(closed)).toMatchObject({ code: "attestation/not-fetched" });
    expect(jsonError(await attest("collateral", "-", ...nobody, "--intel", "ftp://x")).code).toBe(
      "cli/bad-value",
    );
    const empty = jsonError(await attest("collateral", "-", ...nobody, "--json"));
    expect([empty.code, empty.message]).toEqual(["cli/evidence-empty", "no evidence came on standard input"]);
  });
});
