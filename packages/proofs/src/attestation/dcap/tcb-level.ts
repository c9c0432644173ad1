/**
 * The status of a platform: the first level whose every component it has reached, by the PCK certificate's versions
 * and, in a trust domain, those of its report; then the worse of platform, TDX module and quoting enclave. Source:
 * Intel PCS API version 4 and the quote verification library's status convergence.
 */
import { compareBytes } from "@holdfast/base";
import { refused } from "../errors.ts";
import { type Level, levelStatuses } from "./document.ts";
import type { PckPlatform } from "./pck-extension.ts";
import { isMasked } from "./qe-identity.ts";
import type { TdReport } from "./report-body.ts";
import type { ModuleIdentity, PlatformLevel, TcbInfo } from "./tcb-info.ts";

/** All that a platform can come to. */
export const tcbStatuses = [
  ...levelStatuses,
  "TDRelaunchAdvised",
  "TDRelaunchAdvisedConfigurationNeeded",
] as const;
export type TcbStatus = (typeof tcbStatuses)[number];

export interface PlatformStatus {
  readonly status: TcbStatus;
  readonly advisories: readonly string[];
  /** When the level was the newest, in seconds. */
  readonly dateSeconds: number;
}

const reaches = (found: readonly number[], wanted: readonly number[], from = 0): boolean =>
  wanted.every((svn, index) => index < from || (found[index] ?? -1) >= svn);

/** Of an SGX enclave. Error `attest/refused` with `tcb-level-not-found`. */
export function sgxStatus(info: TcbInfo, platform: PckPlatform): PlatformStatus {
  const level = info.levels.find((one) => isReached(one, platform));
  if (level === undefined) throw refused("tcb-level-not-found");
  return statusOf(level);
}

const isReached = ({ sgxSvns, pceSvn }: PlatformLevel, platform: PckPlatform): boolean =>
  reaches(platform.svns, sgxSvns) && platform.pceSvn >= pceSvn;

const statusOf = ({ status, advisories, dateSeconds }: Level): PlatformStatus => ({
  status,
  advisories,
  dateSeconds,
});

/** Of a trust domain. Errors `attest/refused` with `tcb-level-not-found`, `tdx-…`. */
export function tdxStatus(info: TcbInfo, platform: PckPlatform, report: TdReport): PlatformStatus {
  const launched = domainStatus(info, platform, report, report.teeTcbSvn);
  const { later } = report;
  if (later === undefined || !isOld(launched.status)) return launched;
  // TDX 1.5: the platform may have been updated since the domain was launched, which only a new launch would use.
  const now = domainStatus(info, platform, report, later.teeTcbSvn2);
  const advised = relaunch[now.status];
  return advised === undefined ? launched : { ...launched, status: advised };
}

const isOld = (status: TcbStatus): boolean =>
  status === "OutOfDate" || status === "OutOfDateConfigurationNeeded";

const relaunch: { readonly [now: string]: TcbStatus } = {
  UpToDate: "TDRelaunchAdvised",
  SWHardeningNeeded: "TDRelaunchAdvised",
  ConfigurationNeeded: "TDRelaunchAdvisedConfigurationNeeded",
  ConfigurationAndSWHardeningNeeded: "TDRelaunchAdvisedConfigurationNeeded",
};

function domainStatus(
  info: TcbInfo,
  platform: PckPlatform,
  report: TdReport,
  teeTcbSvn: Uint8Array,
): PlatformStatus {
  const svns = [...teeTcbSvn];
  const [moduleSvn = 0, moduleVersion = 0] = svns;
  const level = info.levels.find((one) => {
    if (!isReached(one, platform)) return false;
    if (one.tdxSvns === undefined) throw refused("tdx-components-missing");
    // From version 1 on the module's own identity judges the first two components.
    return reaches(svns, one.tdxSvns, moduleVersion > 0 ? 2 : 0);
  });
  const module = moduleOf(info, report, moduleVersion);
  if (level === undefined) throw refused("tcb-level-not-found");
  if (module === undefined) return statusOf(level);
  const moduleLevel = module.levels.find(({ isvSvn }) => moduleSvn >= isvSvn);
  if (moduleLevel === undefined) throw refused("tcb-level-not-found");
  return worse(statusOf(level), moduleLevel);
}

/** The module's identity if it has one of its own; it must be what Intel says in any case. */
function moduleOf(info: TcbInfo, report: TdReport, version: number): ModuleIdentity | undefined {
  const id = `TDX_${version.toString(16).padStart(2, "0").toUpperCase()}`;
  const own = version > 0 ? info.modules.find((one) => one.id === id) : undefined;
  const expected = version > 0 ? own : info.module;
  if (expected === undefined) throw refused("tdx-module-unknown");
  if (compareBytes(report.mrSignerSeam, expected.mrSigner) !== 0)
    throw refused("tdx-module-mrsigner-mismatch");
  if (!isMasked(report.seamAttributes, expected.attributesMask, expected.attributes)) {
    throw refused("tdx-module-attributes-mismatch");
  }
  return own;
}

const outdated: { readonly [Status in TcbStatus]: TcbStatus } = {
  UpToDate: "OutOfDate",
  SWHardeningNeeded: "OutOfDate",
  OutOfDate: "OutOfDate",
  ConfigurationNeeded: "OutOfDateConfigurationNeeded",
  ConfigurationAndSWHardeningNeeded: "OutOfDateConfigurationNeeded",
  OutOfDateConfigurationNeeded: "OutOfDateConfigurationNeeded",
  TDRelaunchAdvised: "OutOfDate",
  TDRelaunchAdvisedConfigurationNeeded: "OutOfDateConfigurationNeeded",
  Revoked: "Revoked",
};

/** The status of both together, with the advisories of both. */
export function worse(platform: PlatformStatus, other: Level): PlatformStatus {
  const advisories = [...new Set([...platform.advisories, ...other.advisories])];
  const dateSeconds = Math.min(platform.dateSeconds, other.dateSeconds);
  const status =
    other.status === "Revoked"
      ? "Revoked"
      : isOld(other.status)
        ? outdated[platform.status]
        : platform.status;
  return { status, advisories, dateSeconds };
}
