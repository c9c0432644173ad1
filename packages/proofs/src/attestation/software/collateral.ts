/** Collateral of an own PKI: TCB info and identities as texts, signed, in the bundle that tools pass around. */
import { toBase64, toHex, utf8Bytes } from "@holdfast/base";
import { dateText } from "../der/writer.ts";
import { type KeyPair, signP256 } from "./issue.ts";

/** Seconds since 1970 in ISO 8601. */
export function isoTime(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const rest = seconds - days * 86_400;
  const clock = [rest / 3600, (rest / 60) % 60, rest % 60].map((part) =>
    String(Math.floor(part)).padStart(2, "0"),
  );
  return `${dateText(days)}T${clock.join(":")}Z`;
}

export function pemText(...certificates: readonly Uint8Array[]): string {
  return certificates
    .map((one) => {
      const lines = toBase64(one).match(/.{1,64}/g) ?? [];
      return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
    })
    .join("");
}

/** Texts and chains of a bundle; what signs what is up to the caller. */
export interface BundleRequest {
  readonly tcbInfo: string;
  readonly tcbInfoKey: KeyPair;
  readonly tcbInfoChain: string;
  readonly qeIdentity: string;
  readonly qeIdentityKey: KeyPair;
  readonly qeIdentityChain: string;
  readonly rootList: Uint8Array;
  readonly authorityList: Uint8Array;
  readonly pckChain?: string;
}

/** JSON. */
export function composeBundle(request: BundleRequest): string {
  const { tcbInfo, qeIdentity, pckChain } = request;
  return JSON.stringify({
    tcb_info: tcbInfo,
    tcb_info_signature: toHex(signP256(utf8Bytes(tcbInfo), request.tcbInfoKey)),
    tcb_info_issuer_chain: request.tcbInfoChain,
    qe_identity: qeIdentity,
    qe_identity_signature: toHex(signP256(utf8Bytes(qeIdentity), request.qeIdentityKey)),
    qe_identity_issuer_chain: request.qeIdentityChain,
    root_ca_crl: toHex(request.rootList),
    pck_crl: toHex(request.authorityList),
    pck_crl_issuer_chain: request.tcbInfoChain,
    ...(pckChain !== undefined && { pck_certificate_chain: pckChain }),
  });
}
