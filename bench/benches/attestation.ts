/**
 * Evidence of enclaves judged: quotes in a second by the reference and by OpenSSL, with the same public evidence and
 * collateral; the peer is dcap-qvl, on OpenSSL too. And as a node does it, which remembers the signatures of chains and
 * collateral: new quotes of a known platform.
 */
import { readFileSync } from "node:fs";
import { assert, utf8Bytes } from "@holdfast/base";
import { opensslSignatures } from "@holdfast/node";
import {
  type Collateral,
  installSignatureKernel,
  plainSignatures,
  readCollateral,
  rememberingSignatures,
  type SignatureKernel,
  verifyAttestation,
} from "@holdfast/proofs/attestation";
import { QuoteVerifier } from "@phala/dcap-qvl";
import { atSeconds, evidenceOf } from "../../packages/proofs/test/attestation-world.ts";
import type { Bench, Figure } from "../figure.ts";
import { callsPerSecond } from "../measure.ts";

const read = (name: string): Buffer =>
  readFileSync(new URL(`../../vectors/attestation/${name}`, import.meta.url));

interface Sample {
  readonly name: string;
  readonly evidence: Uint8Array;
  readonly collateral: Collateral;
  readonly atSeconds: number;
  /** Collateral as the peer takes it. */
  readonly bundle?: string;
}

const sampleOf = (name: string, evidence: string, files: readonly string[], at: string): Sample => ({
  name,
  evidence: new Uint8Array(read(evidence)),
  collateral: readCollateral(files.map((file) => new Uint8Array(read(file)))),
  atSeconds: Date.parse(at) / 1000,
});

const samples: readonly Sample[] = [
  ...(["SGX", "TDX"] as const).map((tee) => {
    const file = `dcap-qvl/${tee.toLowerCase()}_quote`;
    const bundle = `${file}_collateral.txt`;
    return { ...sampleOf(`${tee} quotes`, file, [bundle], "2025-07-01"), bundle: read(bundle).toString() };
  }),
  sampleOf(
    "SEV-SNP reports",
    "snp-google/attestation.bin",
    ["snp-google/vcek.testcer", "snp-google/milan.testcer"],
    "2025-01-01",
  ),
  sampleOf("EPID reports", "ias-phala/ias_attestation.pallet.txt", [], "2021-09-12T18:30:00Z"),
];

function judgedBy(kernel: SignatureKernel, sample: Omit<Sample, "name">, trust = {}): () => void {
  const { evidence, collateral, atSeconds } = sample;
  return () => {
    const restore = installSignatureKernel(kernel);
    const policy = { allowDebug: true };
    const { ok } = verifyAttestation({ evidence, collateral, atSeconds, policy, trust });
    restore();
    assert(ok, "the evidence is accepted");
  };
}

async function judgedFigures(sample: Sample): Promise<readonly Figure[]> {
  const { name, evidence, bundle, atSeconds } = sample;
  const works = { pure: judgedBy(plainSignatures, sample), native: judgedBy(opensslSignatures, sample) };
  const figures = (pure: number, native: number, peer?: number): readonly Figure[] => {
    const beside = peer === undefined ? {} : { peer: { name: "@phala/dcap-qvl", value: peer } };
    return [
      { name, by: "reference", value: pure, unit: "/s", ...beside },
      { name, by: "native", value: native, unit: "/s", ...beside },
    ];
  };
  if (bundle === undefined) {
    const { pure, native } = await callsPerSecond(works);
    return figures(pure, native);
  }
  const verifier = QuoteVerifier.newProd();
  const [quote, collateral] = [Buffer.from(evidence), JSON.parse(bundle)];
  const peer = (): void => void verifier.verify(quote, collateral, atSeconds);
  const rate = await callsPerSecond({ ...works, peer });
  return figures(rate.pure, rate.native, rate.peer);
}

/** Quotes of one platform as a node meets them: chain and collateral are known, each quote is new. */
async function knownPlatform(): Promise<Figure> {
  const worlds = Array.from({ length: 64 }, (_, index) =>
    evidenceOf({ sgx: { reportData: new Uint8Array(64).fill(index) } }),
  );
  const [first] = worlds;
  assert(first !== undefined, "there are quotes");
  const collateral = readCollateral([utf8Bytes(first.collateral)]);
  const trust = { sgx: [first.pki.rootKeyId] };
  // Enough for chain and collateral, too little for the quotes: each is new when its turn comes again.
  const kernel = rememberingSignatures(opensslSignatures, 32);
  const works = worlds.map(({ quote }) =>
    judgedBy(kernel, { evidence: quote, collateral, atSeconds }, trust),
  );
  let turn = 0;
  const { known } = await callsPerSecond({ known: () => works[turn++ % works.length]?.() });
  const note = "one signature of ten is new: the quote's";
  return { name: "SGX quotes of a platform that is known", by: "native", value: known, unit: "/s", note };
}

export const attestationBench: Bench = {
  name: "attestation",
  about: "evidence of enclaves, judged with collateral that was read once",
  async run() {
    const figures: Figure[] = [];
    for (const sample of samples) figures.push(...(await judgedFigures(sample)));
    return [...figures, await knownPlatform()];
  },
};
