/**
 * What a trust domain must be like besides its debug bit: no bit without a meaning, no interruption by its host, no
 * service domain behind it. Source: Intel TDX module base architecture specification, TD attributes; the checks of
 * Intel's quote appraisal.
 */
import { readLittleEndian } from "@holdfast/base";
import { refused } from "../errors.ts";
import type { TdReport } from "./report-body.ts";

const bit = (index: number): bigint => 1n << BigInt(index);
const septVeDisable = bit(28);
/** DEBUG, SEPT_VE_DISABLE, PKS, KL, PERFMON. */
const meaningful = bit(0) | septVeDisable | bit(30) | bit(31) | bit(63);

/** Errors `attest/refused` with `td-…`. */
export function checkDomain({ tdAttributes, later }: TdReport): void {
  const attributes = readLittleEndian(tdAttributes);
  if ((attributes & ~meaningful) !== 0n) throw refused("td-reserved-bits");
  if ((attributes & septVeDisable) === 0n) throw refused("td-sept-ve-enabled");
  if (later?.mrServiceTd.some((byte) => byte !== 0)) throw refused("td-service-bound");
}
