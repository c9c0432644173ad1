/** The list of programs that pinning nodes may run, and what is asked of the platforms that they run on. */
import {
  firmwareComponents,
  firmwareLines,
  type MethodResult,
  methods,
  takenTcbStatuses,
} from "@holdfast/api";
import { action, type CommandInput } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { anyNumber, argument, oneOf, optionFlag, optionList, optionNumber, optionText } from "../input.ts";
import { table } from "../layout.ts";
import { sending } from "./pin-orders.ts";

type PlatformRule = MethodResult<"pinProgram.ls">[number]["platform"];

export const pinPrograms = action({
  result: methods["pinProgram.ls"].result,
  run: async ({ node, signal }) => (await node()).call("pinProgram.ls", {}, signal),
  render(programs, { terminal }) {
    if (programs.length === 0) {
      terminal.hint("no program may run: nodes enter once the network's authority lists one");
      return "";
    }
    const rows = programs.map(({ name, kind, programHex, expires, platform }) => [
      name,
      kind,
      programHex,
      expires === Number.MAX_SAFE_INTEGER ? "never" : String(expires),
      askedOf(platform),
    ]);
    return table(["NAME", "EVIDENCE", "PROGRAM", "ENDS AT", "ITS PLATFORMS"], rows);
  },
});

const kinds = ["sgx-dcap", "tdx", "sev-snp", "software"] as const;

function askedOf({ leastTcbEvaluation, tcbStatuses, leastFirmware }: PlatformRule): string {
  const floors = leastFirmware.map(({ line, ...versions }) => {
    const named = firmwareComponents
      .filter((name) => versions[name] > 0)
      .map((name) => `${name}=${versions[name]}`);
    return [line, ...named].join(" ");
  });
  const asked = [leastTcbEvaluation > 0 ? `evaluation ${leastTcbEvaluation}` : "", ...tcbStatuses, ...floors];
  return asked.filter((text) => text !== "").join(", ") || "any that is not out of date";
}

/** `Milan:snp=24,ucode=219`. */
function firmwareFloor(text: string): PlatformRule["leastFirmware"][number] {
  const [line = "", versions = "", ...more] = text.split(":");
  const wrong = cliErrors.badValue({ problem: `${text} is no firmware such as Milan:snp=24,ucode=219` });
  if (more.length > 0) throw wrong;
  const floor = { fmc: 0, bl: 0, tee: 0, snp: 0, ucode: 0 };
  for (const one of versions.split(",").filter((part) => part !== "")) {
    const [, name = "", version = ""] = /^([a-z]+)=(\d{1,3})$/.exec(one) ?? [];
    const known = firmwareComponents.find((component) => component === name);
    if (known === undefined || Number(version) > 255) throw wrong;
    floor[known] = Number(version);
  }
  return { line: oneOf(line, firmwareLines, "the line of --firmware"), ...floor };
}

/** Undefined: as it is listed. */
function platformOption(input: CommandInput): PlatformRule | undefined {
  const evaluation = optionNumber(input, "leastEvaluation", { least: 0, most: 0xffff_ffff });
  const statuses = optionList(input, "tcbStatus");
  const floors = optionList(input, "firmware");
  const isNamed = evaluation !== undefined || statuses.length > 0 || floors.length > 0;
  if (isNamed && optionFlag(input, "anyPlatform"))
    throw cliErrors.badValue({ problem: "--any-platform takes what the other options would refuse" });
  if (!isNamed && !optionFlag(input, "anyPlatform")) return undefined;
  return {
    leastTcbEvaluation: evaluation ?? 0,
    tcbStatuses: statuses.map((status) => oneOf(status, takenTcbStatuses, "--tcb-status")),
    leastFirmware: floors.map(firmwareFloor),
  };
}

export const pinProgramSet = sending("pinProgram.set", (input) => {
  const programHex = argument(input, 0, "the program").toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(programHex))
    throw cliErrors.badValue({ problem: "a program is 32 bytes in hex" });
  const expires = optionNumber(input, "until", anyNumber);
  if (expires === undefined) throw cliErrors.badValue({ problem: "--until names no height" });
  const key = optionText(input, "key");
  const platform = platformOption(input);
  return {
    kind: oneOf(optionText(input, "kind") ?? "sgx-dcap", kinds, "--kind"),
    programHex,
    name: optionText(input, "name") ?? programHex.slice(0, 8),
    expires,
    ...(platform === undefined ? {} : { platform }),
    ...(key === undefined ? {} : { key }),
  };
});
