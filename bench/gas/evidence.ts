/**
 * What a node of pins is admitted by: evidence of each kind of enclave, judged by the slowest back end and by the one
 * that a node has. Invariant: each judgement reads its documents anew and remembers nothing, as a message comes.
 */
import { readFileSync } from "node:fs";
import { blake2b256, publicKeyOf, seedAddress, utf8Bytes } from "@holdfast/base";
import { type NetworkParams, proofGas } from "@holdfast/consensus";
import { opensslSignatures } from "@holdfast/node";
import {
  anyPlatform,
  installSignatureKernel,
  judgeAdmission,
  networkSeed,
  plainSignatures,
  readCollateral,
  reportDataOf,
  verifyAttestation,
} from "@holdfast/proofs/attestation";
import { softwareAuthority } from "@holdfast/proofs/attestation/software";
import type { ProofProbe } from "./proofs.ts";

const hash = (text: string): Uint8Array => blake2b256(utf8Bytes(text));

/** A row for each back end. */
function judged(
  { gas }: NetworkParams,
  {
    name,
    length,
    isGood,
  }: { readonly name: string; readonly length: number; readonly isGood: () => boolean },
): ProofProbe[] {
  const kernels = { "without OpenSSL": plainSignatures, "with it": opensslSignatures };
  return Object.entries(kernels).map(([by, kernel]) => ({
    name: `${name}, ${length} bytes, ${by}`,
    price: "evidenceBase",
    gas: proofGas(gas, "evidence", length),
    verify(): boolean {
      const restore = installSignatureKernel(kernel);
      try {
        return isGood();
      } finally {
        restore();
      }
    },
  }));
}

interface Quoted {
  readonly name: string;
  readonly evidence: string;
  readonly collateral: readonly string[];
  readonly at: string;
}
const quoted: readonly Quoted[] = [
  {
    name: "a quote of SGX",
    ...{
      evidence: "dcap-qvl/sgx_quote",
      collateral: ["dcap-qvl/sgx_quote_collateral.txt"],
      at: "2025-07-01",
    },
  },
  {
    name: "a quote of TDX",
    ...{
      evidence: "dcap-qvl/tdx_quote",
      collateral: ["dcap-qvl/tdx_quote_collateral.txt"],
      at: "2025-07-01",
    },
  },
  {
    name: "a report of SEV-SNP",
    evidence: "snp-google/attestation.bin",
    ...{ collateral: ["snp-google/vcek.testcer", "snp-google/milan.testcer"], at: "2025-01-01" },
  },
];

function quoteProbes(params: NetworkParams): ProofProbe[] {
  const read = (name: string) =>
    new Uint8Array(readFileSync(new URL(`../../vectors/attestation/${name}`, import.meta.url)));
  return quoted.flatMap(({ name, at, ...files }) => {
    const evidence = read(files.evidence);
    const documents = files.collateral.map(read);
    const length = documents.reduce((sum, document) => sum + document.length, evidence.length);
    const request = { evidence, atSeconds: Date.parse(at) / 1000, policy: { allowDebug: true } };
    const isGood = (): boolean => verifyAttestation({ ...request, collateral: readCollateral(documents) }).ok;
    return judged(params, { name, length, isGood });
  });
}

function softwareProbes(params: NetworkParams): ProofProbe[] {
  const networkId = hash("network");
  const software = softwareAuthority(networkSeed(networkId));
  const nodeKey = publicKeyOf(hash("node"));
  const [program, atSeconds] = [hash("program"), 1_750_000_000];
  const operator = seedAddress(1, "gas bench");
  const who = { use: "pin-node", networkId, nodeKey, peerId: "peer", operator } as const;
  const identity = { ...who, epoch: 5, nonce: networkId };
  const evidence = {
    kind: "software",
    evidence: software.quote({ program, reportData: reportDataOf(identity), svn: 1 }),
    collateral: [software.collateral({ atSeconds })],
  } as const;
  const length = evidence.collateral.reduce((sum, file) => sum + file.length, evidence.evidence.length);
  const expected = { ...who, epoch: 6, mostAgeEpochs: 100, nonceAt: () => networkId };
  const allowed = { kind: "software", program, platform: anyPlatform } as const;
  const request = { evidence, identity, expected, atSeconds, softwareAllowed: true, allowed };
  return judged(params, { name: "evidence by software", length, isGood: () => judgeAdmission(request).ok });
}

export function evidenceProbes(params: NetworkParams): readonly ProofProbe[] {
  return [...softwareProbes(params), ...quoteProbes(params)];
}
