/**
 * Errors of sealing and proving. They are for callers; a false proof of a peer is `false`, never an error.
 */
import { byteCount, defineErrors, formatBytes } from "@holdfast/base";

/** For people; what is no size stays the number that it is. */
const sizeText = (bytes: number): string =>
  Number.isSafeInteger(bytes) && bytes >= 0 ? formatBytes(byteCount(bytes)) : String(bytes);

export const proofsErrors = defineErrors("proofs", {
  unknownSectorSize: {
    exit: "usage",
    message: (data: { sectorBytes: number; known: readonly number[] }) =>
      `the table of sector sizes has none of ${data.sectorBytes} bytes (${sizeText(data.sectorBytes)}) here`,
    fix: (data) => `use one of the sizes ${data.known.map(sizeText).join(", ")}`,
  },
  badLength: {
    exit: "usage",
    message: (data: { what: string; length: number; expected: number }) =>
      `${data.what} has ${data.length} bytes, not ${data.expected}`,
    fix: "pass what was made with the same sector size; a sealed file that was cut must be sealed again",
  },
  tooMuchData: {
    exit: "usage",
    message: (data: { userBytes: number; capacity: number }) =>
      `${data.userBytes} user bytes do not fit into a sector that holds ${data.capacity}`,
    fix: "use a larger sector size, or split the data",
  },
  notPadded: {
    exit: "usage",
    message: (data: { node: number }) => `node ${data.node} of the sector's data is not Fr32-padded`,
    fix: "pad user data with preproc (or padUser) before sealing",
  },
  badRange: {
    exit: "usage",
    message: (data: { startUserBytes: number; userBytes: number; capacity: number }) =>
      `${data.userBytes} user bytes from ${data.startUserBytes} on do not lie in a sector of ${data.capacity}`,
    fix: "ask for whole numbers of bytes within the sector",
  },
  commDMismatch: {
    exit: "usage",
    message: (data: { expected: string; found: string }) =>
      `the data has the commitment ${data.found}, the sector's identity says ${data.expected}`,
    fix: "seal the data that the pieces were laid out for; a damaged staged file must be written again",
  },
  commRMismatch: {
    exit: "usage",
    message: (data: { sectorId: number; expected: string; found: string }) =>
      `the stored tree of sector ${data.sectorId} (root ${data.found}) does not open to ${data.expected}`,
    fix: "the sector's files are damaged or belong to another sector: declare it faulty and seal it again",
  },
  notAReplica: {
    exit: "usage",
    message: (data: { node: number }) => `node ${data.node} of the replica is no field element`,
    fix: "the sealed file is damaged: declare the sector faulty",
  },
  noSectors: {
    exit: "usage",
    message: (data: { kind: string }) => `a ${data.kind} proof over no sectors proves nothing`,
    fix: "pass at least one sector",
  },
  duplicateSector: {
    exit: "usage",
    message: (data: { sectorId: number }) => `sector ${data.sectorId} appears twice`,
    fix: "pass each sector once",
  },
  badRounds: {
    exit: "usage",
    message: (data: { rounds: number; iterations: number }) =>
      `a sequential proof cannot have ${data.rounds} rounds with ${data.iterations} squarings between them`,
    fix: "use 1 to 1,024 rounds and at least one squaring",
  },
  noCircuit: {
    exit: "usage",
    message: (data: { profile: string }) =>
      `there is no seal circuit that a network can use for ${data.profile}`,
    fix: "use vanilla proofs for this profile, or a zigzag profile",
  },
  noParameters: {
    exit: "not-found",
    message: (data: { what: string; key: string }) =>
      `the parameters of ${data.what} are not on this machine (verifying key ${data.key})`,
    fix: "fetch them with `holdfast params fetch`; those of a network of your own are made by `holdfast params cache`",
  },
  wrongParameters: {
    exit: "proof-invalid",
    message: (data: { what: string }) =>
      `${data.what} that were just made do not verify: another proving key`,
    fix: "remove these parameters and fetch or make them again; `holdfast params verify` says what is wrong with them",
  },
  wrongProof: {
    exit: "proof-invalid",
    message: (data: { what: string }) => `the ${data.what} that was just made does not verify`,
    fix: "the sector's files are damaged: seal the sector again",
  },
});
