/**
 * Names of parameter files. The name of a circuit's files follows from its id and its constraints, so a changed
 * circuit never finds the parameters of the old one.
 * Source: the file names of rust-fil-proofs, `v{version}-{prefix}-{SHA-256 of the identifier}`; here the hash also
 * covers the constraints themselves.
 */
import { bigEndian, concatBytes, sha256, toHex, utf8Bytes } from "@holdfast/base";
import { type R1cs, r1csDigest } from "../r1cs/index.ts";
import { parametersErrors } from "./errors.ts";

/** Changes whenever files of the same circuit would no longer be readable. */
export const parametersVersion = 1;

const domain = utf8Bytes("holdfast parameters 1\n");
const idForm = /^([a-z][a-z0-9-]{0,63})(\{[ -~]{0,400}\})?$/;

/** The kinds of files, which are also the endings of their names. */
export const parameterFileKinds = ["params", "vk", "transcript", "meta"] as const;
export type ParameterFileKind = (typeof parameterFileKinds)[number];

/** Whether a text can be the id of a circuit: a name, then perhaps its shape in braces, printable ASCII. */
export function isCircuitId(id: string): boolean {
  return idForm.test(id) && !/["\\]/.test(id);
}

/** `v1-{name of the circuit}-{64 hex digits}`. Throws parameters/bad-circuit-id. */
export function parameterId(circuitId: string, r1cs: R1cs): string {
  const [, name] = idForm.exec(circuitId) ?? [];
  if (name === undefined || !isCircuitId(circuitId)) throw parametersErrors.badCircuitId({ id: circuitId });
  const text = utf8Bytes(circuitId);
  const hash = sha256(concatBytes(domain, bigEndian(text.length, 4), text, r1csDigest(r1cs)));
  return `v${parametersVersion}-${name}-${toHex(hash)}`;
}

/** The name of one of the files of a parameter id. */
export function parameterFileName(id: string, kind: ParameterFileKind): string {
  return `${id}.${kind}`;
}
