/** `attest quote`, `collateral`, `program`: evidence of the program that runs here, and what it is judged by. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fromHex, toHex } from "@holdfast/base";
import { z } from "zod";
import { action, type CommandInput, type Environment } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { plural, sizeText } from "../human-text.ts";
import { argument, optionFlag, optionHex, optionHexOf, optionText } from "../input.ts";
import { facts, table } from "../layout.ts";
import { readEvidence, statOf, writeWhole } from "../local-file.ts";
import { offline } from "../offline.ts";

const reportDataBytes = 64;
const hex = z.string().regex(/^([0-9a-f]{2})*$/);
const written = z.object({ path: z.string(), sizeBytes: z.int() });
type Written = z.output<typeof written>;

const kinds = z.enum(["sgx-dcap", "tdx", "sev-snp", "software"]);

const quoteResult = z.object({
  kind: kinds,
  trust: z.enum(["hardware", "software"]).describe("software: anybody could have made it"),
  program: hex.describe("what runs, 32 bytes, as lists of allowed programs have it"),
  reportData: hex,
  measurement: z.record(z.string(), z.union([z.string(), z.number()])),
  softwareRoot: hex.nullable().describe("for `attest verify --software-root`; null: of hardware"),
  evidence: written,
  collateral: z.array(written),
});

function servicesOf(input: CommandInput) {
  const intel = urlOf(input, "intel");
  const amd = urlOf(input, "amd");
  return { ...(intel !== undefined && { intel }), ...(amd !== undefined && { amd }) };
}

function urlOf(input: CommandInput, name: string): string | undefined {
  const text = optionText(input, name);
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "https:" || url?.protocol === "http:") return text.replace(/\/+$/, "");
  throw cliErrors.badValue({ problem: `--${name} is the URL of a service, not ${text}` });
}

/** Where fetched collateral is kept: beside the parameters of proofs. */
const keptIn = (input: CommandInput, { HOME }: Environment): string =>
  resolve(optionText(input, "dir") ?? join(HOME ?? homedir(), ".holdfast", "collateral"));

/** Their names say nothing: files of collateral are told by what they hold. */
async function writeCollateral(folder: string, files: readonly Uint8Array[]): Promise<Written[]> {
  await (await offline()).makeFolder(folder);
  const made: Written[] = [];
  for (const [index, bytes] of files.entries()) {
    const path = join(folder, `collateral-${index + 1}`);
    await writeWhole(path, bytes);
    made.push({ path, sizeBytes: bytes.length });
  }
  return made;
}

function reportDataOf(input: CommandInput): Uint8Array {
  const given = fromHex(optionHex(input, "reportData") ?? "");
  if (given.length > reportDataBytes) {
    throw cliErrors.badValue({
      problem: `--report-data has ${given.length} bytes, ${reportDataBytes} at most`,
    });
  }
  const data = new Uint8Array(reportDataBytes);
  data.set(given);
  return data;
}

export const attestQuote = action({
  result: quoteResult,
  async run({ signal, env }, input) {
    const reportData = reportDataOf(input);
    const program = optionHexOf(input, "program", [32]);
    const networkFile = optionText(input, "network");
    if (networkFile !== undefined && (await statOf(networkFile))?.isFile !== true) {
      throw cliErrors.fileMissing({ path: networkFile });
    }
    const folder = optionText(input, "collateral");
    const { makeQuote } = await (await offline()).attesting();
    const made = await makeQuote(
      {
        ...{ kind: optionText(input, "kind"), reportData, networkFile, withCollateral: folder !== undefined },
        program: program === undefined ? undefined : fromHex(program),
        ...{ services: servicesOf(input), keptIn: keptIn(input, env) },
      },
      signal,
    );
    const path = optionText(input, "output") ?? "";
    await writeWhole(path, made.evidence);
    const { kind, measurement, softwareRoot = null } = made;
    return quoteResult.parse({
      ...{ kind, trust: kind === "software" ? "software" : "hardware", program: toHex(made.program) },
      ...{ reportData: toHex(reportData), measurement, softwareRoot },
      evidence: { path, sizeBytes: made.evidence.length },
      collateral: folder === undefined ? [] : await writeCollateral(folder, made.collateral),
    });
  },
  render(found, { terminal }) {
    const isSoftware = found.trust === "software";
    const warning = "by software: it proves nothing, anybody can make the same";
    return facts([
      ["kind", isSoftware ? `${found.kind}  ${terminal.paint("yellow", warning)}` : found.kind],
      ["program", found.program],
      ["bound to", found.reportData],
      ["evidence", `${found.evidence.path}, ${sizeText(found.evidence.sizeBytes)}`],
      ...(found.softwareRoot === null ? [] : [["root", found.softwareRoot] as const]),
      ...(found.collateral.length === 0
        ? []
        : [["collateral", plural(found.collateral.length, "file")] as const]),
    ]);
  },
});

export const attestCollateral = action({
  result: z.object({ files: z.array(written) }),
  async run({ signal, stdin, env }, input) {
    const path = argument(input, 0, "the evidence");
    const tools = await offline();
    const services = servicesOf(input);
    const evidence = await readEvidence(path, stdin, tools.evidenceLimits.evidenceBytes);
    const { fetchCollateral } = await tools.attesting();
    const request = { evidence, services, keptIn: keptIn(input, env) };
    const files = await fetchCollateral(request, signal);
    return { files: await writeCollateral(optionText(input, "to") ?? "", files) };
  },
  render: ({ files }) => files.map(({ path, sizeBytes }) => `${path}  ${sizeText(sizeBytes)}`).join("\n"),
});

export const attestProgram = action({
  result: z.object({
    program: hex,
    runtime: z.string(),
    fileCount: z.int(),
    files: z
      .array(z.object({ path: z.string(), sizeBytes: z.int(), digest: hex.describe("SHA-256") }))
      .describe("with --files"),
  }),
  async run(_context, input) {
    const { measured } = await (await offline()).attesting();
    const found = await measured(optionText(input, "folder"), optionText(input, "runtime"));
    return {
      ...{ program: toHex(found.measurement), runtime: found.runtime, fileCount: found.files.length },
      files: optionFlag(input, "files") ? found.files.map((file) => ({ ...file })) : [],
    };
  },
  render({ program, runtime, fileCount, files }) {
    const summary = facts([
      ["program", program],
      ["runtime", runtime],
      ["files", String(fileCount)],
    ]);
    if (files.length === 0) return summary;
    const rows = files.map(({ path, sizeBytes, digest }) => [digest, sizeText(sizeBytes), path]);
    return `${summary}\n\n${table(["sha256", "size", "path"], rows)}`;
  },
});
