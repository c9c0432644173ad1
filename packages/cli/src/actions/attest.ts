/** `attest verify`: evidence of an enclave, judged offline; every check is told, whatever the verdict. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { action, type CommandContext, type CommandInput } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { argument, optionFlag, optionHex, optionHexOf, optionList, optionText } from "../input.ts";
import { facts } from "../layout.ts";
import { readEvidence, readWhole, statOf } from "../local-file.ts";
import { offline } from "../offline.ts";

const check = z.object({
  name: z.string(),
  ok: z.boolean(),
  code: z.string().describe("ok, or why it failed"),
});

const verdict = z.object({
  kind: z.enum(["sgx-ias", "sgx-dcap", "tdx", "sev-snp", "software"]),
  ok: z.boolean().describe("all checks hold; if not, the exit code is 5"),
  code: z.string().describe("ok, or the code of the first check that failed"),
  debug: z.boolean().describe("whoever runs it can look into it"),
  measurement: z
    .record(z.string(), z.union([z.string(), z.number()]))
    .describe("by the names of the vendor, bytes in hex"),
  tcbStatus: z.string().nullable().describe("what the vendor says of the platform; null if nobody says it"),
  advisories: z.array(z.string()).describe("the vendor's names of what the platform is open to"),
  checks: z.array(check),
});
type VerdictResult = z.output<typeof verdict>;

/** What all these hold together: files, and folders with what is in them, one below the other. */
async function collateralFiles(paths: readonly string[], context: CommandContext): Promise<Uint8Array[]> {
  const { fileBytes, files: mostFiles } = (await offline()).evidenceLimits;
  const files: Uint8Array[] = [];
  const take = async (path: string): Promise<void> => {
    if (files.length === mostFiles)
      throw cliErrors.badValue({ problem: `--collateral names more than ${mostFiles} files` });
    files.push(await readWhole(path, context.stdin, fileBytes));
  };
  for (const path of paths) {
    const found = await statOf(path);
    if (found?.isFolder !== true) {
      await take(path);
      continue;
    }
    // By name, so that the same folder is read in the same order everywhere.
    for (const name of (await readdir(path, { recursive: true })).sort()) {
      const one = await statOf(join(path, name));
      if (one?.isFile === true && one.sizeBytes <= fileBytes) await take(join(path, name));
    }
  }
  return files;
}

/** ISO 8601 with a zone, or seconds since 1970. */
function atSeconds(input: CommandInput): number {
  const text = optionText(input, "at");
  if (text === undefined) return Date.now() / 1000;
  const isIso = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const seconds = /^\d{1,11}$/.test(text) ? Number(text) : isIso ? Date.parse(text) / 1000 : Number.NaN;
  if (Number.isNaN(seconds)) {
    throw cliErrors.badValue({
      problem: `--at is a time such as 2025-07-01T00:00:00Z or 1751328000, not ${text}`,
    });
  }
  return seconds;
}

/** The root of software of a network that takes such evidence. */
async function networkRoot(input: CommandInput): Promise<string | undefined> {
  const file = optionText(input, "network");
  if (file === undefined) return undefined;
  if ((await statOf(file))?.isFile !== true) throw cliErrors.fileMissing({ path: file });
  const { softwareRootIn } = await (await offline()).attesting();
  return await softwareRootIn(file);
}

async function* verify(context: CommandContext, input: CommandInput): AsyncIterable<VerdictResult> {
  const path = argument(input, 0, "the evidence");
  const at = atSeconds(input);
  const { evidenceLimits, judgeEvidence } = await offline();
  const evidence = await readEvidence(path, context.stdin, evidenceLimits.evidenceBytes);
  const judged = await judgeEvidence({
    evidence,
    kind: optionText(input, "kind"),
    collateral: await collateralFiles(optionList(input, "collateral"), context),
    atSeconds: at,
    allowDebug: optionFlag(input, "allowDebug"),
    allowedStatuses: optionList(input, "allowStatus"),
    programs: optionList(input, "program").map((text) => text.replace(/^0x/, "").toLowerCase()),
    reportData: optionHex(input, "reportData"),
    softwareRoot: optionHexOf(input, "softwareRoot", [32]) ?? (await networkRoot(input)),
  });
  const { kind, ok, code, debug, measurement, tcbStatus, advisories, checks } = judged.verdict;
  yield { kind, ok, code, debug, measurement, tcbStatus, advisories: [...advisories], checks: [...checks] };
  if (judged.refused !== undefined) throw judged.refused;
}

export const attestVerify = action<VerdictResult>({
  result: verdict,
  run: verify,
  async render(result, { terminal }) {
    const { attestMeaning } = await offline();
    const marks = [terminal.paint("red", "✗"), terminal.paint("green", "✓")] as const;
    const lines = await Promise.all(
      result.checks.map(async ({ name, ok, code }) => {
        const why = ok ? "" : `  ${code}: ${await attestMeaning(code)}`;
        return `  ${marks[ok ? 1 : 0]} ${name}${why}`;
      }),
    );
    const told = Object.entries(result.measurement).map(([name, value]) => [name, String(value)] as const);
    return [
      `${marks[result.ok ? 1 : 0]} ${result.kind}: ${result.ok ? "accepted" : `refused, ${result.code}`}`,
      ...lines,
      "",
      facts([
        ["platform", result.tcbStatus ?? "not said"],
        ["advisories", result.advisories.join(", ") || "none"],
        ["debuggable", result.debug ? "yes" : "no"],
        ...told,
      ]),
    ].join("\n");
  },
});
