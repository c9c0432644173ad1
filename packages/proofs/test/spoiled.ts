/** What spoils the vanilla proof of any seal, of whatever kind: other nodes, lengths, encodings and identities. */
import { concatBytes, sectorId, seedAddress } from "@holdfast/base";
import { frModulus, frToBytes, type SectorIdentity } from "@holdfast/proofs";
import * as fc from "fast-check";
import { bytes32 } from "./reference.ts";
import { holds } from "./vectors.ts";

const nodeBytes = 32;
type Accepts = (proof: Uint8Array) => boolean;

/** Two nodes exchanged. */
export function refusesExchanged(proof: Uint8Array, accepts: Accepts, numRuns: number): void {
  const index = fc.nat({ max: (proof.length - 1) / nodeBytes - 1 });
  const at = (i: number): Uint8Array => proof.slice(1 + i * nodeBytes, 1 + (i + 1) * nodeBytes);
  holds(
    fc.property(index, index, (a, b) => {
      fc.pre(at(a).join() !== at(b).join());
      const changed = proof.slice();
      changed.set(at(a), 1 + b * nodeBytes);
      changed.set(at(b), 1 + a * nodeBytes);
      return !accepts(changed);
    }),
    { numRuns },
  );
}

/** Cut, and with bytes before or behind it. */
export function refusesOtherLengths(proof: Uint8Array, accepts: Accepts, numRuns: number): void {
  const lengths = fc.integer({ min: 0, max: proof.length - 1 });
  holds(
    fc.property(lengths, (length) => !accepts(proof.subarray(0, length))),
    {
      numRuns,
      examples: [[0]],
    },
  );
  const longer = [1, 31, 32, 64, 4096].flatMap((extra) => [
    concatBytes(proof, new Uint8Array(extra)),
    concatBytes(new Uint8Array(extra), proof),
  ]);
  holds(fc.property(fc.constantFrom(...longer), (changed) => !accepts(changed)));
}

/** Random bytes of its length. */
export function refusesNoise(proof: Uint8Array, accepts: Accepts, numRuns: number): void {
  const noise = fc.uint8Array({ minLength: proof.length, maxLength: proof.length });
  holds(
    fc.property(noise, (bytes) => !accepts(bytes)),
    { numRuns },
  );
}

/** The proof with each of its numbers in another encoding: the modulus more, not reduced. */
export function unreducedForms(proof: Uint8Array): readonly Uint8Array[] {
  const forms: Uint8Array[] = [];
  for (let at = 1; at < proof.length; at += nodeBytes) {
    const changed = proof.slice();
    let carry = 0;
    frToBytes(frModulus - 1n).forEach((byte, i) => {
      const sum = byte + (i === 0 ? 1 : 0) + (proof[at + i] ?? 0) + carry;
      changed[at + i] = sum & 0xff;
      carry = sum >> 8;
    });
    if (carry !== 0) throw new Error("twice the modulus has 256 bits");
    forms.push(changed);
  }
  return forms;
}

/** Each part of an identity changed alone. */
export const otherIdentities = (commD: Uint8Array): readonly [string, Partial<SectorIdentity>][] => [
  ["network", { networkId: bytes32(8) }],
  ["miner", { miner: seedAddress(1, "other") }],
  ["miner's network", { miner: seedAddress(0, "miner") }],
  ["sector", { sectorId: sectorId(2) }],
  ["ticket", { ticket: bytes32(10) }],
  ["data", { commD }],
];

/** Bytes in the place of an element: too few, too many, none of the field. */
export const noElements: readonly Uint8Array[] = [
  new Uint8Array(0),
  new Uint8Array(31),
  new Uint8Array(33),
  new Uint8Array(32).fill(255),
];

export function changed(proof: Uint8Array, at: number, by: Uint8Array): Uint8Array {
  const copy = proof.slice();
  copy.set(by, at);
  return copy;
}

/** What anyone who has a proof can claim with it, and the check that stands against it. */
export function plainForgeries<
  Claim extends { readonly proof: Uint8Array; readonly identity: SectorIdentity },
>(base: Claim) {
  const bytes = (proof: Uint8Array): Claim => ({ ...base, proof });
  const identity = (change: Partial<SectorIdentity>): Claim => ({
    ...base,
    identity: { ...base.identity, ...change },
  });
  return [
    {
      name: "another form byte",
      aimedAt: "form",
      claim: bytes(changed(base.proof, 0, Uint8Array.of(2))),
    },
    { name: "bytes behind the proof", aimedAt: "length", claim: bytes(concatBytes(base.proof, bytes32(0))) },
    {
      name: "another miner's sector",
      aimedAt: "replica id",
      claim: identity({ miner: seedAddress(1, "thief") }),
    },
    {
      name: "another sector of the same miner",
      aimedAt: "replica id",
      claim: identity({ sectorId: sectorId(77) }),
    },
    { name: "a ticket that is older", aimedAt: "replica id", claim: identity({ ticket: bytes32(1) }) },
  ] as const;
}
