/**
 * A world of evidence of one's own: a PKI, quotes and collateral that hold, and a knob for everything that can be wrong
 * with them. Every case turns one knob; the production verifier judges it under the root of this world.
 */
import { fromHex, utf8Bytes } from "@holdfast/base";
import {
  type AttestPolicy,
  readCollateral,
  type TrustAnchors,
  type Verdict,
  verifyAttestation,
} from "@holdfast/proofs/attestation";
import {
  type BundleRequest,
  composeBundle,
  composeQuote,
  composeSgxReport,
  composeTdReport,
  intelNames,
  intelVendor,
  isoTime,
  keyOf,
  makePki,
  type Pki,
  pemText,
  type QuoteRequest,
  type SgxFields,
  type SignerNames,
  softwareNames,
  type TdFields,
} from "@holdfast/proofs/attestation/software";

export const atSeconds = 1_750_000_000; // 2025-06-15T15:06:40Z
const day = 86_400;
export const validity = { notBeforeSeconds: atSeconds - 30 * day, notAfterSeconds: atSeconds + 30 * day };
export const platform = { fmspc: "00906ea10000", pceId: "0000", svns: Array<number>(16).fill(5), pceSvn: 11 };
export const seed = utf8Bytes("test world");

const pkis = new Map<SignerNames, Pki>();
export function pkiOf(names: SignerNames): Pki {
  const own = names === softwareNames ? utf8Bytes("test world of software") : seed;
  const known = pkis.get(names) ?? makePki({ seed: own, names, validity, platform });
  pkis.set(names, known);
  return known;
}

const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

export const qeSigner = bytes(32, 0x8c);
const qe: QuoteRequest["qe"] = {
  cpuSvn: bytes(16, 5),
  miscSelect: bytes(4, 0),
  attributes: fromHex("1500000000000000e700000000000000"),
  mrEnclave: bytes(32, 0x71),
  mrSigner: qeSigner,
  isvProdId: 1,
  isvSvn: 8,
};
const sgx: SgxFields = {
  cpuSvn: bytes(16, 5),
  miscSelect: bytes(4, 0),
  attributes: fromHex("0500000000000000e700000000000000"),
  mrEnclave: bytes(32, 0x3e),
  mrSigner: bytes(32, 0x51),
  isvProdId: 7,
  isvSvn: 3,
  reportData: bytes(64, 0xda),
};
const td: TdFields = {
  teeTcbSvn: Uint8Array.of(6, 1, 3, ...bytes(13, 0)),
  mrSignerSeam: bytes(48, 0),
  seamAttributes: bytes(8, 0),
  tdAttributes: fromHex("0000001000000000"),
  mrTd: bytes(48, 0x7d),
  reportData: bytes(64, 0xda),
};

const dates = { issueDate: isoTime(atSeconds - day), nextUpdate: isoTime(atSeconds + 20 * day) };
const tcbDate = "2025-03-01T00:00:00Z";
const sgxComponents = Array.from({ length: 16 }, () => ({ svn: 5 }));
const tdxComponents = [6, 0, 3, ...Array<number>(13).fill(0)].map((svn) => ({ svn }));

// biome-ignore lint/suspicious/noExplicitAny: a document is edited field by field before it is written.
export type Draft = any;

function tcbInfoOf(tee: "sgx" | "tdx"): Draft {
  const tcb = { sgxtcbcomponents: sgxComponents, pcesvn: 11 };
  const module = { mrsigner: "00".repeat(48), attributes: "00".repeat(8), attributesMask: "FF".repeat(8) };
  const moduleLevels = [{ tcb: { isvsvn: 6 }, tcbDate, tcbStatus: "UpToDate" }];
  return structuredClone({
    ...{ id: tee === "sgx" ? "SGX" : "TDX", version: 3, ...dates, fmspc: platform.fmspc.toUpperCase() },
    ...{ pceId: platform.pceId, tcbType: 0, tcbEvaluationDataNumber: 17 },
    ...(tee === "tdx" && {
      tdxModule: module,
      tdxModuleIdentities: [{ id: "TDX_01", ...module, tcbLevels: moduleLevels }],
    }),
    tcbLevels: [
      {
        tcb: { ...tcb, ...(tee === "tdx" && { tdxtcbcomponents: tdxComponents }) },
        ...{ tcbDate, tcbStatus: "UpToDate" },
      },
    ],
  });
}

function qeIdentityOf(tee: "sgx" | "tdx"): Draft {
  return structuredClone({
    ...{ id: tee === "sgx" ? "QE" : "TD_QE", version: 2, ...dates, tcbEvaluationDataNumber: 17 },
    ...{ miscselect: "00000000", miscselectMask: "FFFFFFFF", attributes: "11000000000000000000000000000000" },
    ...{ attributesMask: "FBFFFFFFFFFFFFFF0000000000000000", mrsigner: "8C".repeat(32), isvprodid: 1 },
    tcbLevels: [{ tcb: { isvsvn: 8 }, tcbDate, tcbStatus: "UpToDate" }],
  });
}

export interface Knobs {
  readonly tee?: "sgx" | "tdx";
  readonly names?: SignerNames;
  readonly header?: Partial<Pick<QuoteRequest, "version" | "keyType" | "teeType" | "vendor" | "bodyType">>;
  readonly sgx?: Partial<SgxFields>;
  readonly td?: Partial<TdFields>;
  readonly qe?: Partial<QuoteRequest["qe"]>;
  readonly quote?: Partial<QuoteRequest>;
  /** Changes the finished quote. */
  readonly bend?: (quote: Uint8Array) => Uint8Array;
  readonly tcbInfo?: (draft: Draft) => void;
  readonly qeIdentity?: (draft: Draft) => void;
  readonly bundle?: (bundle: BundleRequest, pki: Pki) => Partial<BundleRequest>;
  readonly collateralText?: (text: string) => string;
  readonly pki?: Partial<Pki>;
  readonly policy?: Partial<AttestPolicy>;
  readonly trust?: Partial<TrustAnchors>;
  readonly at?: number;
}

export interface Evidence {
  readonly quote: Uint8Array;
  /** JSON. */
  readonly collateral: string;
  readonly pki: Pki;
}

export function evidenceOf(knobs: Knobs = {}): Evidence {
  const { tee = "sgx", names = intelNames } = knobs;
  const pki = { ...pkiOf(names), ...knobs.pki };
  const body =
    tee === "sgx" ? composeSgxReport({ ...sgx, ...knobs.sgx }) : composeTdReport({ ...td, ...knobs.td });
  const composed = composeQuote({
    ...{ version: tee === "sgx" ? 3 : 4, keyType: 2, teeType: tee === "sgx" ? 0 : 0x81, vendor: intelVendor },
    ...{ bodyType: tee === "sgx" ? 1 : 2, ...knobs.header, body, attestationKey: keyOf(seed, "attestation") },
    ...{ qe: { ...qe, ...knobs.qe }, pckKey: pki.pckKey, authData: bytes(32, 0xaa), certificationType: 5 },
    certificationData: utf8Bytes(`${pemText(pki.pck, pki.authority, pki.root)}\0`),
    ...knobs.quote,
  });
  const [tcbInfo, qeIdentity] = [tcbInfoOf(tee), qeIdentityOf(tee)];
  knobs.tcbInfo?.(tcbInfo);
  knobs.qeIdentity?.(qeIdentity);
  const chain = pemText(pki.signer, pki.root);
  const bundle: BundleRequest = {
    ...{ tcbInfo: JSON.stringify(tcbInfo), tcbInfoKey: pki.signerKey, tcbInfoChain: chain },
    ...{ qeIdentity: JSON.stringify(qeIdentity), qeIdentityKey: pki.signerKey, qeIdentityChain: chain },
    ...{ rootList: pki.rootList, authorityList: pki.authorityList },
  };
  const text = composeBundle({ ...bundle, ...knobs.bundle?.(bundle, pki) });
  const collateral = knobs.collateralText?.(text) ?? text;
  return { quote: knobs.bend?.(composed) ?? composed, collateral, pki };
}

/** Judged under the root of this world. */
export function judged(
  { quote, collateral }: Pick<Evidence, "quote" | "collateral">,
  knobs: Knobs = {},
): Verdict {
  return verifyAttestation({
    evidence: quote,
    collateral: readCollateral([utf8Bytes(collateral)]),
    atSeconds: knobs.at ?? atSeconds,
    trust: { sgx: [pkiOf(intelNames).rootKeyId], software: [pkiOf(softwareNames).rootKeyId], ...knobs.trust },
    ...(knobs.policy && { policy: knobs.policy }),
  });
}

export const verdictOf = (knobs: Knobs): Verdict => judged(evidenceOf(knobs), knobs);

/** With one bit of the byte at `at` turned. */
export function flipped(quote: Uint8Array, at: number, mask = 1): Uint8Array {
  const copy = quote.slice();
  copy[at] = (copy[at] ?? 0) ^ mask;
  return copy;
}
