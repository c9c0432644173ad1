/**
 * Work without a running node, for the command line: piece commitments and proofs. Each function loads its own
 * code when it is called: `piece commp` should not wait for circuits.
 */

import type { MadeAggregate } from "./aggregate.ts";
import type { EvidenceRequest, JudgedEvidence } from "./attest.ts";
import type { CarList } from "./car-list.ts";
import type { CheckedProof } from "./check.ts";
import type { CircuitRequest, CountedCircuit } from "./circuit.ts";
import type { PieceFacts } from "./comm-p.ts";
import type { IdleLabelsReport, IdleLabelsRequest } from "./idle-labels.ts";
import type { AccumulatedReport, AccumulateRequest } from "./idle-numbers.ts";
import type { ListedPiece } from "./inclusion.ts";
import type { WorkHooks } from "./needs.ts";
import type { InclusionFile } from "./proof-file.ts";
import type { SealData, Sealed, SealRequest } from "./seal-requests.ts";

export type { MadeAggregate } from "./aggregate.ts";
export type { EvidenceRequest, JudgedEvidence } from "./attest.ts";
export type { CarList, ListedBlock } from "./car-list.ts";
export type { CheckedProof } from "./check.ts";
export type { CircuitKind, CircuitRequest, CountedCircuit } from "./circuit.ts";
export type { PieceFacts } from "./comm-p.ts";
export { offlineErrors } from "./errors.ts";
export type { IdleLabelsReport, IdleLabelsRequest } from "./idle-labels.ts";
export type { AccumulatedReport, AccumulateRequest } from "./idle-numbers.ts";
export type { ListedPiece } from "./inclusion.ts";
export { evidenceLimits, maxProofFileBytes } from "./limits.ts";
export type { WorkHooks } from "./needs.ts";
export type { AggregateFile, InclusionFile, ProofFile, SealFile } from "./proof-file.ts";
export type {
  SdrReport,
  SealData,
  Sealed,
  SealRequest,
  Zigzag2019Report,
  ZigzagReport,
} from "./seal-requests.ts";

/**
 * commP of all bytes. A chunk is done with when the next is asked for, so a source may reuse its buffer.
 * Error `pieces/empty`.
 */
export async function pieceFacts(bytes: AsyncIterable<Uint8Array>): Promise<PieceFacts> {
  return (await import("./comm-p.ts")).pieceFacts(bytes);
}

/** What is in a CAR file of version 1 or 2. Errors `car/…`, also while its blocks are read. */
export async function listCar(bytes: AsyncIterable<Uint8Array>): Promise<CarList> {
  return (await import("./car-list.ts")).listCar(bytes);
}

/** The commitment in a piece CID, in hex. Errors `cid/malformed`, `pieces/bad-cid`. */
export async function commPOfCid(text: string): Promise<string> {
  return (await import("./inclusion.ts")).commPOfCid(text);
}

/** The proof that piece `index` (from 0) lies in the sector that these pieces make. Errors `pieces/…`. */
export async function proveInclusion(
  pieces: readonly ListedPiece[],
  sectorBytes: number,
  index: number,
): Promise<InclusionFile> {
  return (await import("./inclusion.ts")).proveInclusion(pieces, sectorBytes, index);
}

/**
 * Seals on a thread of its own; cancelling ends it and leaves half a replica behind at most. Errors `proofs/…`,
 * `zigzag2019/…`, `sdr/…`, `address/…`, `disk/…`, `proof/no-space`, and those of the data.
 */
export async function seal(request: SealRequest & SealData, hooks: WorkHooks = {}): Promise<Sealed> {
  return (await import("./seal-thread.ts")).sealOnThread(request, hooks);
}

/** What circuits cost, on a thread of its own. Error `proofs/unknown-sector-size`. */
export async function countCircuits(
  request: CircuitRequest,
  hooks: WorkHooks = {},
): Promise<readonly CountedCircuit[]> {
  return onThread(new URL("./circuit.ts", import.meta.url), request, hooks);
}

/**
 * A set of idle files of the compatibility profile, on a thread of its own; kept on disk if a folder is named, which
 * must be empty or not there, and is so again after a failure. Errors `cess/…`, `proof/…`.
 */
export async function idleLabels(
  request: IdleLabelsRequest,
  hooks: WorkHooks = {},
): Promise<IdleLabelsReport> {
  const { filling } = await import("./idle-folder.ts");
  const work = (): Promise<IdleLabelsReport> =>
    onThread(new URL("./idle-labels.ts", import.meta.url), request, hooks);
  return request.folder === undefined ? work() : filling(request.folder, work);
}

/** Makes a folder and those that lead to it. Throws what the system says. */
export async function makeFolder(folder: string): Promise<void> {
  await (await import("@holdfast/storage")).makeFolder(folder);
}

/** Primes that the compatibility profile hashes from elements in hex, on a thread of its own. */
export async function idlePrimes(
  elements: readonly string[],
  hooks: WorkHooks = {},
): Promise<readonly string[]> {
  return onThread(new URL("./idle-primes.ts", import.meta.url), elements, hooks);
}

/** The accumulator after each element, on a thread of its own. Error `cess/bad-key`. */
export async function idleAccumulate(
  request: AccumulateRequest,
  hooks: WorkHooks = {},
): Promise<AccumulatedReport> {
  return onThread(new URL("./idle-numbers.ts", import.meta.url), request, hooks);
}

async function onThread<Request, Result>(
  module: URL,
  request: Request,
  { signal, progress }: WorkHooks,
): Promise<Result> {
  const { inOwnThread, ratioOf } = await import("../own-thread.ts");
  return inOwnThread<Request, Result>(module, request, {
    ...(signal && { signal }),
    progress: (report) => progress?.(ratioOf(report)),
  });
}

/** Many pieces in one, and a proof for each. Errors `aggregate/…`, `pieces/bad-size`. */
export async function makeAggregate(
  pieces: readonly ListedPiece[],
  paddedBytes?: number,
): Promise<MadeAggregate> {
  return (await import("./aggregate.ts")).makeAggregate(pieces, paddedBytes);
}

/** Reads and verifies a proof file of any kind. Errors `proof/bad-file`, `proof/invalid`. */
export async function checkProofFile(bytes: Uint8Array): Promise<CheckedProof> {
  return (await import("./check.ts")).checkProofFile(bytes);
}

/** Evidence of an enclave, judged: the verdict, and the error of what is refused. */
export async function judgeEvidence(
  request: EvidenceRequest,
): Promise<{ readonly verdict: JudgedEvidence; readonly refused: Error | undefined }> {
  const attest = await import("./attest.ts");
  const verdict = attest.judgeEvidence(request);
  return { verdict, refused: attest.refusedEvidence(verdict) };
}

/** What the code of a check means. */
export async function attestMeaning(code: string): Promise<string> {
  return (await import("./attest.ts")).meaningOfCode(code);
}
