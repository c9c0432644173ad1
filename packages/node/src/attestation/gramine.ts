/**
 * SGX under Gramine: its pseudo-files /dev/attestation. What is written to `user_report_data` goes into the next quote;
 * both belong to the whole process, so one is asked for at a time. Source: Gramine, "Attestation and Secret
 * Provisioning", the /dev/attestation pseudo-filesystem.
 */
import { utf8Text } from "@holdfast/base";
import { attestLimits } from "@holdfast/proofs/attestation";
import { attestationErrors } from "./errors.ts";
import type { Devices } from "./needs.ts";
import { stretchedKey } from "./sealing-key.ts";
import type { AttestationProvider, Probe } from "./types.ts";

const folder = "/dev/attestation";
const keyBytes = 16;

export function gramineProvider(devices: Devices): AttestationProvider {
  let last: Promise<unknown> = Promise.resolve();
  const needed = async (name: string, mostBytes: number): Promise<Uint8Array> => {
    const path = `${folder}/${name}`;
    const bytes = await devices.read(path, mostBytes);
    if (bytes === undefined) throw attestationErrors.deviceFailed({ path, problem: "it is not there" });
    return bytes;
  };
  return {
    kind: "sgx-dcap",
    probe: () => probe(devices),
    evidence(reportData) {
      const turn = last.then(async () => {
        await devices.write(`${folder}/user_report_data`, reportData);
        return await needed("quote", attestLimits.evidenceBytes);
      });
      last = turn.catch(() => undefined);
      return turn;
    },
    async sealingKey() {
      // Of this very enclave: another program, or a changed one, gets another key.
      const name = "keys/_sgx_mrenclave";
      const key = await needed(name, keyBytes);
      if (key.length !== keyBytes) {
        const problem = `a key of ${key.length} bytes`;
        throw attestationErrors.deviceFailed({ path: `${folder}/${name}`, problem });
      }
      return { key: stretchedKey(key, "sgx-dcap"), boundTo: "program" };
    },
  };
}

async function probe(devices: Devices): Promise<Probe> {
  try {
    const type = await devices.read(`${folder}/attestation_type`, 64);
    if (type === undefined) return { available: false, reason: `there is no ${folder}: not inside Gramine` };
    const word = utf8Text(type).trim();
    if (word === "dcap") return { available: true };
    const reason = `Gramine was started with sgx.remote_attestation = "${word}", not "dcap"`;
    return { available: false, reason };
  } catch (error) {
    return { available: false, reason: error instanceof Error ? error.message : String(error) };
  }
}
