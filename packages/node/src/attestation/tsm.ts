/**
 * Confidential guests (TDX, SEV-SNP) through the kernel's configfs-tsm: a folder is a request, what is written to
 * `inblob` comes back signed in `outblob`. `generation` counts the writes, so that a quote which somebody else's write
 * has slipped into is seen and asked for again. Source: Linux, Documentation/ABI/testing/configfs-tsm-report.
 */
import { concatBytes, type Random, toHex, utf8Text } from "@holdfast/base";
import { attestLimits } from "@holdfast/proofs/attestation";
import { limits } from "../limits.ts";
import { attestationErrors } from "./errors.ts";
import type { Devices } from "./needs.ts";
import { stretchedKey } from "./sealing-key.ts";
import type { AttestationProvider, Probe, SealingKey } from "./types.ts";

const root = "/sys/kernel/config/tsm/report";
const providers = { tdx: "tdx_guest", "sev-snp": "sev_guest" } as const;
type GuestKind = keyof typeof providers;

export interface TsmNeeds {
  readonly devices: Devices;
  readonly random: Random;
  /** configfs-tsm hands out no keys: the node's secret seals. */
  readonly secret: Uint8Array;
}

export function tsmProvider(kind: GuestKind, needs: TsmNeeds): AttestationProvider {
  return {
    kind,
    probe: () => probe(kind, needs),
    evidence: (reportData) =>
      inFolder(needs, async (folder) => {
        for (let tries = 1; ; tries++) {
          const found = await reportOnce(kind, needs.devices, folder, reportData);
          if (found !== undefined) return found;
          if (tries === limits.deviceTries) throw attestationErrors.deviceBusy({ path: folder, tries });
        }
      }),
    sealingKey: async () => machineKey(needs.secret, kind),
  };
}

/** A key of the node's own, for one kind of evidence. */
export const machineKey = (secret: Uint8Array, use: string, of?: Uint8Array): SealingKey => ({
  key: stretchedKey(secret, use, of),
  boundTo: "machine",
});

async function inFolder<Result>(
  { devices, random }: TsmNeeds,
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = `${root}/holdfast-${toHex(random.bytes(8))}`;
  await devices.makeFolder(folder);
  try {
    return await work(folder);
  } finally {
    await devices.removeFolder(folder).catch(() => undefined);
  }
}

/** Undefined if somebody else wrote to the same request meanwhile. */
async function reportOnce(
  kind: GuestKind,
  devices: Devices,
  folder: string,
  reportData: Uint8Array,
): Promise<Uint8Array | undefined> {
  const needed = async (name: string, mostBytes: number): Promise<Uint8Array> => {
    const path = `${folder}/${name}`;
    const bytes = await devices.read(path, mostBytes);
    if (bytes === undefined) throw attestationErrors.deviceFailed({ path, problem: "it is not there" });
    return bytes;
  };
  const generation = async (): Promise<number> => Number(utf8Text(await needed("generation", 32)).trim());
  const provider = utf8Text(await needed("provider", 64)).trim();
  if (provider !== providers[kind]) {
    throw attestationErrors.notAvailable({ kind, reason: `the guest's provider is ${provider}` });
  }
  const before = await generation();
  await devices.write(`${folder}/inblob`, reportData);
  const report = await needed("outblob", attestLimits.evidenceBytes);
  const table =
    kind === "sev-snp"
      ? await devices.read(`${folder}/auxblob`, attestLimits.evidenceBytes - report.length)
      : undefined;
  if ((await generation()) !== before + 1) return undefined;
  return table === undefined ? report : concatBytes(report, table);
}

async function probe(kind: GuestKind, needs: TsmNeeds): Promise<Probe> {
  try {
    if (!(await needs.devices.isFolder(root))) {
      return { available: false, reason: `there is no ${root}: no confidential guest, or an older kernel` };
    }
    const found = await inFolder(needs, (folder) => needs.devices.read(`${folder}/provider`, 64));
    const word = found === undefined ? "unknown" : utf8Text(found).trim();
    if (word === providers[kind]) return { available: true };
    return { available: false, reason: `this guest's provider is ${word}` };
  } catch (error) {
    return { available: false, reason: error instanceof Error ? error.message : String(error) };
  }
}
