/**
 * Sealing by hand, on a thread of its own: the kinds that networks use, and those that exist to be compared with
 * other programs.
 */
import {
  addressFromBytes,
  fromHex,
  type Json,
  readLittleEndian,
  sectorId,
  sha256,
  toHex,
} from "@holdfast/base";
import {
  replicaIdOf,
  runSteps,
  type Steps,
  sdrSealReport,
  sealSdrSteps,
  sealZigzag2019Steps,
  sectorProfile,
  zigzag,
  zigzag2019Report,
} from "@holdfast/proofs";
import { offlineErrors } from "./errors.ts";
import type {
  SdrSealRequest,
  Sealed,
  SealRequest,
  Zigzag2019SealRequest,
  ZigzagSealRequest,
} from "./seal-requests.ts";

/** Errors as the functions of `proofs` that seal have them. */
export async function work(request: SealRequest, report: (doneRatio: Json) => void): Promise<Sealed> {
  const run = <Result>(steps: Steps<Result>): Result => runSteps(steps, { progress: throttled(report) });
  switch (request.kind) {
    case "zigzag-2019":
      return sealZigzag2019(request, run);
    case "sdr":
      return sealSdr(request, run);
    case "zigzag":
      return sealZigzag(request, run);
  }
}

type Run = <Result>(steps: Steps<Result>) => Result;

const leastStep = 0.005;

/** A message to the other thread for every step of a small sector would cost more than the step. */
function throttled(report: (doneRatio: number) => void): (doneRatio: number) => void {
  let told = 0;
  return (doneRatio) => {
    if (doneRatio < told + leastStep) return;
    told = doneRatio;
    report(doneRatio);
  };
}

function sealZigzag2019(request: Zigzag2019SealRequest, run: Run): Sealed {
  const { sectorBytes, data } = request;
  const proverId = fromHex(request.proverId);
  const seal = run(sealZigzag2019Steps({ sectorBytes, data, proverId, sectorId: BigInt(request.sectorId) }));
  return { report: zigzag2019Report(seal), replica: seal.replica };
}

/** Proof types 0 to 4 of Filecoin had the first version. */
const firstTypeOfSecondVersion = 5n;

function sealSdr(request: SdrSealRequest, run: Run): Sealed {
  const porepId = fromHex(request.porepId);
  const proofType = readLittleEndian(porepId.subarray(0, 8));
  const seal = run(
    sealSdrSteps({
      sectorBytes: request.sectorBytes,
      data: request.data,
      proverId: fromHex(request.proverId),
      sectorId: BigInt(request.sectorId),
      ticket: fromHex(request.ticket),
      porepId,
      apiVersion: request.apiVersion ?? (proofType < firstTypeOfSecondVersion ? "1.0" : "1.1"),
      ...(request.seed === undefined ? {} : { seed: fromHex(request.seed) }),
    }),
  );
  return { report: sdrSealReport(seal), replica: seal.replica };
}

function sealZigzag(request: ZigzagSealRequest, run: Run): Sealed {
  const profile = sectorProfile(request.sectorBytes);
  const { data, commD } = zigzag.preproc(request.data, profile);
  const identity = {
    networkId: fromHex(request.networkId),
    miner: addressFromBytes(fromHex(request.proverId)),
    sectorId: sectorId(Number(request.sectorId)),
    ticket: fromHex(request.ticket),
    commD,
  };
  const seal = run(zigzag.replicateSteps(profile, identity, data));
  const { commR, commRStar, replica, aux } = seal;
  const replicaId = replicaIdOf(profile, identity);
  const report = {
    replicaId: toHex(replicaId),
    commD: toHex(commD),
    commR: toHex(commR),
    commRStar: toHex(commRStar),
    replicaSha256: toHex(sha256(replica)),
  };
  if (request.seed === undefined) return { report: { ...report, challenges: [] }, replica };
  const seed = fromHex(request.seed);
  const proof = zigzag.prove(profile, identity, aux, seed);
  if (!zigzag.verify(profile, identity, { commR, commRStar }, seed, proof)) throw offlineErrors.notProven({});
  const {
    networkId,
    sectorId: number,
    proverId,
    ticket,
  } = { ...request, sectorId: Number(request.sectorId) };
  return {
    report: { ...report, challenges: zigzag.poll(profile, replicaId, commRStar, seed) },
    replica,
    proofFile: {
      kind: "seal",
      profile: profile.id,
      sectorBytes: profile.sectorBytes,
      networkId,
      proverId,
      sectorId: number,
      ticket,
      commD: report.commD,
      commR: report.commR,
      commRStar: report.commRStar,
      seed: request.seed,
      proof: toHex(proof),
    },
  };
}
