/**
 * Which back end does the work of every group of kernels on this machine, and how much faster it is than the
 * TypeScript reference: each is measured against it on a small sample, in this process, one after the other.
 * Figures of a few milliseconds on a busy machine: good for orders of magnitude, not for decimals.
 */
import { nobleKernel } from "@holdfast/base";
import {
  type CessKernel,
  cessHead,
  cessLabelBytes,
  decodeG1Compressed,
  frsToBytes,
  plainCessKernel,
  plainCurveKernel,
  plainPedersenRow,
  plainSpaceKernel,
  plainTreeKernel,
  plainZigzagPass,
  type SpaceKernel,
  treeKernel,
  type ZigzagLayer,
} from "@holdfast/proofs";
import { kernelSample, kernelSampleKey } from "./kernel-answers.ts";
import { buildNativeKernel } from "./kernels.ts";
import { installTreeHashing } from "./tree-hashing.ts";

export interface KernelReport {
  readonly group: string;
  readonly backend: "native" | "wasm" | "noble" | "reference";
  /** What native kernels of our own use of the processor; null for all others. */
  readonly features: readonly string[] | null;
  /** Times the reference's speed; null where the reference works or nothing was measured. */
  readonly ratio: number | null;
  /** Why a better back end is not in use; null if none is. */
  readonly reason: string | null;
  /** The command that would bring it. */
  readonly fix: string | null;
}

const sampleMs = 12;
const warmMs = 40;
const reinstall = "npm ci";
const sampleNodes = 64;
const slots = 13;

/** Runs in a millisecond, over so long at least. */
function rateOver(leastMs: number, act: () => unknown): number {
  const fromMs = performance.now();
  let runs = 0;
  let tookMs = 0;
  while (tookMs < leastMs) {
    act();
    runs += 1;
    tookMs = performance.now() - fromMs;
  }
  return runs / tookMs;
}

/** Runs in a millisecond when tables are made and loops are compiled: what comes before that does not count. */
function rateOf(act: () => unknown): number {
  rateOver(warmMs, act);
  return rateOver(sampleMs, act);
}

const ratioOf = (act: () => unknown, reference: () => unknown): number =>
  Math.round((10 * rateOf(act)) / rateOf(reference)) / 10;

/** Field elements that use all their bits. */
const elements = (count: number): Uint8Array =>
  frsToBytes(Array.from({ length: count }, (_none, i) => BigInt(i + 1) ** 97n % (1n << 254n)));

interface Sample {
  readonly group: string;
  readonly backend: KernelReport["backend"];
  readonly features?: readonly string[] | undefined;
  /** Features of the processor are kept out of use. */
  readonly held?: string | undefined;
  readonly act?: (() => unknown) | undefined;
  readonly reference: () => unknown;
  readonly reason?: string | undefined;
  readonly fix: string;
}

function reportOf(sample: Sample): KernelReport {
  const { group, backend, features = null, held, act, reference, fix } = sample;
  const plain = backend === "reference" || backend === "noble";
  const best = backend === "native" && held === undefined;
  const reason = backend === "native" ? held : sample.reason;
  return {
    group,
    backend,
    features: backend === "native" ? features : null,
    ratio: plain || act === undefined ? null : ratioOf(act, reference),
    reason: best ? null : (reason ?? "there is no binary for this platform, or it gave a wrong answer"),
    fix: best ? null : fix,
  };
}

async function cryptoReports(): Promise<readonly KernelReport[]> {
  const { functions, backends } = await buildNativeKernel();
  const message = new Uint8Array(1024).fill(7);
  const { secpSign, blsSign, blake2b256, sha256, chachaSeal } = functions;
  const sign = (by: typeof nobleKernel.secpSign | undefined) =>
    by && (() => by(kernelSampleKey, kernelSampleKey));
  const bls = (by: typeof nobleKernel.blsSign | undefined) => by && (() => by(kernelSampleKey, kernelSample));
  const hash = (by: typeof nobleKernel.sha256 | undefined) => by && (() => by(message));
  const seal = (by: typeof nobleKernel.chachaSeal | undefined) =>
    by && (() => by(kernelSampleKey, kernelSampleKey.subarray(0, 12), message));
  const sample = (
    group: string,
    backend: KernelReport["backend"],
    act: (() => unknown) | undefined,
    reference: (() => unknown) | undefined,
  ): Sample => ({ group, backend, act, reference: reference ?? (() => undefined), fix: reinstall });
  const samples = [
    sample("secp256k1 signatures", backends.secp, sign(secpSign), sign(nobleKernel.secpSign)),
    sample("BLS signatures", backends.bls, bls(blsSign), bls(nobleKernel.blsSign)),
    sample("SHA-256", backends.sha256, hash(sha256), hash(nobleKernel.sha256)),
    sample("ChaCha20-Poly1305", backends.chacha, seal(chachaSeal), seal(nobleKernel.chachaSeal)),
  ];
  const blake = sample("BLAKE2", backends.blake2b, hash(blake2b256), hash(nobleKernel.blake2b256));
  // WebAssembly is the best there is of BLAKE2, so nothing is missing.
  const complete = backends.blake2b === "wasm" ? { reason: null, fix: null } : {};
  return [...samples.map(reportOf), { ...reportOf(blake), ...complete }];
}

/** A layer of ZigZag, encoded in one run. */
function encodeSample(
  pass: (layer: ZigzagLayer) => ReturnType<typeof plainZigzagPass> | undefined,
): () => void {
  const bytes = elements(sampleNodes);
  const replicaId = elements(1);
  const parents = Uint32Array.from({ length: sampleNodes * slots }, (_none, i) => Math.floor(i / slots / 2));
  const counts = new Uint8Array(sampleNodes).fill(slots).fill(0, 0, 1);
  return () => {
    const made = pass({ bytes, replicaId, number: 1, keyDerivation: "blake2s", mode: "encode" });
    made?.run({ low: 0, count: sampleNodes, descending: false, parents, counts });
    made?.finish();
  };
}

/** A few labels of an idle file, by tables. */
function labelSample(cessColumns: CessKernel["cessColumns"]): () => void {
  const count = 16;
  const shape = { layers: 1, nodes: 32_768, degree: 16 };
  const head = cessHead({ minerId: new Uint8Array(32), shape, cluster: 1, realLayer: 1 });
  const table = new Uint8Array(256 * shape.degree * cessLabelBytes).fill(5);
  const rows = table.slice(0, count * cessLabelBytes);
  const columns = { head, into: rows.slice(), straight: rows, table, previous: table, low: 17_017, count };
  return () => cessColumns({ ...columns, beside: false });
}

/** Labels of a layer of hardened idle space. */
function spaceSample(idleLabels: SpaceKernel["idleLabels"]): () => void {
  const [nodes, tableParents] = [64, 12];
  const [previous, into] = [new Uint8Array(32 * nodes), new Uint8Array(32 * nodes)];
  const streams = [{ header: new Uint8Array(64), firstFile: 0, previous, into }] as const;
  const parents = Uint32Array.from({ length: nodes * tableParents }, (_none, i) =>
    Math.floor(i / tableParents / 2),
  );
  return () => {
    const made = idleLabels({ fileNodes: nodes, passes: 1, streams });
    made?.run({ low: 0, count: nodes, descending: false, parents, counts: new Uint8Array(0) });
    made?.finish();
  };
}

type Compiled = Pick<Sample, "backend" | "features" | "held" | "reason" | "fix">;

/** Both profiles of idle space. */
function idleSamples(
  compiled: Compiled,
  { cess, space }: { readonly cess: Partial<CessKernel>; readonly space: Partial<SpaceKernel> },
): readonly Sample[] {
  return [
    {
      group: "labels of idle files, hardened",
      ...compiled,
      act: space.idleLabels && spaceSample(space.idleLabels),
      reference: spaceSample(plainSpaceKernel.idleLabels),
    },
    {
      group: "labels of idle files, compatible",
      ...compiled,
      act: cess.cessColumns && labelSample(cess.cessColumns),
      reference: labelSample(plainCessKernel.cessColumns),
    },
  ];
}

async function proofReports(): Promise<readonly KernelReport[]> {
  const { loadKernels, buildCommand, kernelsVariable, withoutVariable } = await import(
    "@holdfast/proofs/kernels"
  );
  const pairs = await installTreeHashing();
  const { backend, reason, features, tree, curve, layers, cess, space } = await loadKernels();
  const row = elements(256);
  const scalars = elements(8);
  const { poseidonRow, sha256Pairs } = plainTreeKernel;
  const point = decodeG1Compressed(
    nobleKernel.blsPublicKey(kernelSampleKey) ?? new Uint8Array(0),
    "refuseInfinity",
  );
  const points = curve.fixedBaseG1(point ?? new Uint8Array(0), scalars);
  const held = (process.env[kernelsVariable] ?? "native") !== "native";
  const { [withoutVariable]: without = "" } = process.env;
  const leftOut = without === "" ? undefined : `${withoutVariable} keeps ${without} out of use`;
  const variable = held ? kernelsVariable : backend === "native" ? withoutVariable : undefined;
  const fix = variable === undefined ? buildCommand : `unset ${variable}`;
  const compiled = { backend, features, held: leftOut, reason, fix };
  const { zigzag } = layers;
  return [
    {
      group: "SHA-256 trees",
      backend: pairs,
      act: () => treeKernel.sha256Pairs(row),
      reference: () => sha256Pairs(row),
      fix: reinstall,
    },
    {
      group: "Poseidon trees",
      ...compiled,
      act: () => tree.poseidonRow?.(row, 8),
      reference: () => poseidonRow(row, 8),
    },
    {
      group: "Pedersen trees",
      ...compiled,
      act: tree.pedersenRow && (() => tree.pedersenRow?.(row, 0)),
      reference: () => plainPedersenRow(row, 0),
    },
    {
      group: "sums of points",
      ...compiled,
      act: () => curve.msmG1(points, scalars),
      reference: () => plainCurveKernel.msmG1(points, scalars),
    },
    {
      group: "layers of replicas",
      ...compiled,
      act: zigzag && encodeSample(zigzag),
      reference: encodeSample(plainZigzagPass),
    },
    ...idleSamples(compiled, { cess, space }),
  ].map(reportOf);
}

/** All groups. Takes about half a second. */
export async function reportKernels(): Promise<readonly KernelReport[]> {
  return [...(await cryptoReports()), ...(await proofReports())];
}
