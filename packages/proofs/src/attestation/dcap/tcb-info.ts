/**
 * TCB info: for each level of a platform family's updates what Intel says of it, highest first. Version 3, and of SGX
 * version 2, which collateral of before 2022 has. Source: Intel PCS API versions 4 and 3, "Get TCB Info".
 */
import { toHex } from "@holdfast/base";
import { malformed, refused } from "../errors.ts";
import { attestLimits } from "../limits.ts";
import { readOnce } from "../remembered.ts";
import {
  hexOf,
  type Level,
  levelOf,
  listOf,
  numberOf,
  objectOf,
  readDocument,
  secondsOf,
  textOf,
} from "./document.ts";

export interface PlatformLevel extends Level {
  /** Of the sixteen components. */
  readonly sgxSvns: readonly number[];
  readonly pceSvn: number;
  readonly tdxSvns: readonly number[] | undefined;
}

export interface TdxModule {
  readonly mrSigner: Uint8Array;
  readonly attributes: Uint8Array;
  readonly attributesMask: Uint8Array;
}

export interface ModuleIdentity extends TdxModule {
  readonly id: string;
  readonly levels: readonly (Level & { readonly isvSvn: number })[];
}

export interface TcbInfo {
  readonly id: string;
  readonly issueSeconds: number;
  readonly nextUpdateSeconds: number;
  /** Hex, lower-case. */
  readonly fmspc: string;
  readonly pceId: string;
  readonly evaluation: number;
  readonly module: TdxModule | undefined;
  readonly modules: readonly ModuleIdentity[];
  readonly levels: readonly PlatformLevel[];
}

const components = 16;

/** Errors `attest/malformed`, `attest/refused` with `tcb-info-version-unsupported` or `tcb-status-unknown`. */
export const readTcbInfo = readOnce(parse);

function parse(text: Uint8Array): TcbInfo {
  const fields = readDocument(text);
  const version = numberOf(fields, "version", 255);
  if (version !== 2 && version !== 3) throw refused("tcb-info-version-unsupported");
  const modules = fields.tdxModuleIdentities;
  return {
    id: version === 2 ? "SGX" : textOf(fields, "id"),
    issueSeconds: secondsOf(fields, "issueDate"),
    nextUpdateSeconds: secondsOf(fields, "nextUpdate"),
    fmspc: toHex(hexOf(fields, "fmspc", 6)),
    pceId: toHex(hexOf(fields, "pceId", 2)),
    evaluation: numberOf(fields, "tcbEvaluationDataNumber", attestLimits.tcbEvaluations),
    module: fields.tdxModule === undefined ? undefined : moduleOf(fields.tdxModule),
    modules: modules === undefined ? [] : listOf(modules, attestLimits.tdxModules).map(identityOf),
    levels: listOf(fields.tcbLevels, attestLimits.tcbLevels).map((one) => platformLevel(one, version)),
  };
}

function platformLevel(value: unknown, version: number): PlatformLevel {
  const fields = objectOf(value);
  const tcb = objectOf(fields.tcb);
  const tdx = tcb.tdxtcbcomponents;
  return {
    ...levelOf(fields),
    sgxSvns: version === 2 ? namedSvns(tcb) : svnsOf(tcb.sgxtcbcomponents),
    pceSvn: numberOf(tcb, "pcesvn", 0xffff),
    tdxSvns: tdx === undefined ? undefined : svnsOf(tdx),
  };
}

function svnsOf(value: unknown): readonly number[] {
  const svns = listOf(value, components).map((one) => numberOf(objectOf(one), "svn", 255));
  if (svns.length !== components) throw malformed(`${svns.length} components instead of ${components}`);
  return svns;
}

/** Version 2: `sgxtcbcomp01svn` to `sgxtcbcomp16svn`. */
function namedSvns(tcb: ReturnType<typeof objectOf>): readonly number[] {
  return Array.from({ length: components }, (_, index) =>
    numberOf(tcb, `sgxtcbcomp${String(index + 1).padStart(2, "0")}svn`, 255),
  );
}

function moduleOf(value: unknown): TdxModule {
  const fields = objectOf(value);
  return {
    mrSigner: hexOf(fields, "mrsigner", 48),
    attributes: hexOf(fields, "attributes", 8),
    attributesMask: hexOf(fields, "attributesMask", 8),
  };
}

function identityOf(value: unknown): ModuleIdentity {
  const fields = objectOf(value);
  const levels = listOf(fields.tcbLevels, attestLimits.tcbLevels).map((one) => {
    const level = objectOf(one);
    return { ...levelOf(level), isvSvn: numberOf(objectOf(level.tcb), "isvsvn", 0xffff) };
  });
  return { id: textOf(fields, "id").toUpperCase(), ...moduleOf(value), levels };
}
