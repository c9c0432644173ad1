/**
 * Sealing by hand, on a thread of its own: the kinds that networks use, and those that exist to be compared with
 * other programs. Data come in as they are asked for; memory does not grow with the number of layers.
 */
import { addressFromBytes, fromHex, type Json, readLittleEndian, sectorId, toHex } from "@holdfast/base";
import {
  maxUserBytes,
  proofsErrors,
  replicaIdOf,
  runSteps,
  runStepsPausing,
  type SectorIdentity,
  type Steps,
  sdrAuxLength,
  sdrSealReport,
  sdrShape,
  sealSdrSteps,
  sealZigzag2019Steps,
  sectorProfile,
  storedSdrTrees,
  storedTrees,
  type UserReader,
  userInput,
  zigzag,
  zigzag2019Report,
} from "@holdfast/proofs";
import { offlineErrors } from "./errors.ts";
import { IncomingData } from "./seal-data.ts";
import type {
  SdrSealRequest,
  SealDataPort,
  Sealed,
  SealRequest,
  Zigzag2019SealRequest,
  ZigzagSealRequest,
} from "./seal-requests.ts";
import { HandStore } from "./seal-store.ts";

/** Errors as the functions of `proofs` that seal have them, and disk/…. */
export async function work(
  request: SealRequest & SealDataPort,
  report: (doneRatio: Json) => void,
): Promise<Sealed> {
  const data = new IncomingData(request.data);
  const progress = throttled(report);
  const run = <Result>(steps: Steps<Result>): Promise<Result> => runStepsPausing(steps, { progress }, turn);
  try {
    switch (request.kind) {
      case "zigzag-2019":
        return await sealZigzag2019(request, data, progress);
      case "sdr":
        return await sealSdr(request, data, run);
      case "zigzag":
        return await sealZigzag(request, data, run);
    }
  } finally {
    data.end();
  }
}

type Run = <Result>(steps: Steps<Result>) => Promise<Result>;

/** Lets the disk's answers be heard. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

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

/** User bytes in order; data that do not end with the sector are refused. Throws proofs/too-much-data. */
function readerOf(data: IncomingData, sectorBytes: number): UserReader {
  const capacity = maxUserBytes(sectorBytes);
  return async (start, length) => {
    const bytes = await data.read(length);
    if (start + length < capacity || (await data.isAtEnd())) return bytes;
    throw proofsErrors.tooMuchData({ userBytes: capacity + 1, capacity });
  };
}

async function sealZigzag2019(
  request: Zigzag2019SealRequest,
  data: IncomingData,
  progress: (doneRatio: number) => void,
): Promise<Sealed> {
  const { sectorBytes, replicaPath, scratchFolder } = request;
  const capacity = maxUserBytes(sectorBytes);
  const user = await readerOf(data, sectorBytes)(0, capacity);
  const proverId = fromHex(request.proverId);
  const steps = sealZigzag2019Steps({
    sectorBytes,
    data: user,
    proverId,
    sectorId: BigInt(request.sectorId),
  });
  const seal = runSteps(steps, { progress });
  await using store = await HandStore.create({
    keptBytes: 0,
    replicaStart: 0,
    sectorBytes: seal.replica.length,
    replicaPath,
    scratchFolder,
  });
  await store.write(0, seal.replica);
  await store.finish();
  return { report: zigzag2019Report(seal) };
}

/** Proof types 0 to 4 of Filecoin had the first version. */
const firstTypeOfSecondVersion = 5n;

async function sealSdr(request: SdrSealRequest, data: IncomingData, run: Run): Promise<Sealed> {
  const { sectorBytes, replicaPath, scratchFolder } = request;
  const porepId = fromHex(request.porepId);
  const proofType = readLittleEndian(porepId.subarray(0, 8));
  const shape = sdrShape(sectorBytes);
  // Two layers are labelled without reading one of them again.
  const keptBytes = shape.layers === 2 ? sectorBytes : sdrAuxLength(shape);
  const replicaStart = storedSdrTrees(shape).replica.offset;
  await using store = await HandStore.create({
    keptBytes,
    replicaStart,
    sectorBytes,
    replicaPath,
    scratchFolder,
  });
  const asked = {
    sectorBytes,
    proverId: fromHex(request.proverId),
    sectorId: BigInt(request.sectorId),
    ticket: fromHex(request.ticket),
    porepId,
    apiVersion: request.apiVersion ?? (proofType < firstTypeOfSecondVersion ? "1.0" : "1.1"),
    ...(request.seed === undefined ? {} : { seed: fromHex(request.seed) }),
  } as const;
  const seal = await run(sealSdrSteps(asked, userInput(readerOf(data, sectorBytes)), store));
  return { report: sdrSealReport(seal, await store.finish()) };
}

async function sealZigzag(request: ZigzagSealRequest, data: IncomingData, run: Run): Promise<Sealed> {
  const { sectorBytes, replicaPath, scratchFolder, seed } = request;
  const profile = sectorProfile(sectorBytes);
  const replicaStart = storedTrees(profile).layers.at(-1)?.offset ?? 0;
  await using store = await HandStore.create({
    keptBytes: seed === undefined ? 0 : zigzag.auxLength(profile),
    replicaStart,
    sectorBytes,
    replicaPath,
    scratchFolder,
  });
  const identityOf = (commD: Uint8Array): SectorIdentity => ({
    networkId: fromHex(request.networkId),
    miner: addressFromBytes(fromHex(request.proverId)),
    sectorId: sectorId(Number(request.sectorId)),
    ticket: fromHex(request.ticket),
    commD,
  });
  const input = userInput(readerOf(data, sectorBytes));
  const { commD, commR, commRStar } = await run(zigzag.sealSteps(profile, identityOf, input, store));
  const identity = identityOf(commD);
  const replicaId = replicaIdOf(profile, identity);
  const report = {
    replicaId: toHex(replicaId),
    commD: toHex(commD),
    commR: toHex(commR),
    commRStar: toHex(commRStar),
    replicaSha256: await store.finish(),
  };
  if (seed === undefined) return { report: { ...report, challenges: [] } };
  const challenge = fromHex(seed);
  const proof = await run(zigzag.proveSteps(profile, identity, store, challenge));
  if (!zigzag.verify(profile, identity, { commR, commRStar }, challenge, proof)) {
    throw offlineErrors.notProven({});
  }
  return {
    report: { ...report, challenges: zigzag.poll(profile, replicaId, commRStar, challenge) },
    proofFile: {
      kind: "seal",
      profile: profile.id,
      sectorBytes,
      networkId: request.networkId,
      proverId: request.proverId,
      sectorId: Number(request.sectorId),
      ticket: request.ticket,
      commD: report.commD,
      commR: report.commR,
      commRStar: report.commRStar,
      seed,
      proof: toHex(proof),
    },
  };
}
