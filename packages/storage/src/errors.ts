/** Errors of the storage package: what a caller, an operator or a full disk can make go wrong. */
import { defineErrors, HoldfastError } from "@holdfast/base";

type NoData = Record<string, never>;

export const storageErrors = defineErrors("storage", {
  closed: {
    exit: "retry-later",
    message: (_data: NoData) => "the storage is closed",
    fix: "start the node and try again",
  },
  takenOver: {
    exit: "refused",
    message: (data: { dbPath: string }) => `another process has opened the storage of ${data.dbPath}`,
    fix: "run one node per repository; stop this one",
  },
  foreignDatabase: {
    exit: "refused",
    message: (data: { dbPath: string }) => `${data.dbPath} holds what another program has made`,
    fix: "name the database of this repository, or an empty one: another file, or another schema (?schema=NAME)",
  },
  othersRecords: {
    exit: "refused",
    message: ({ dbPath, owner }: { dbPath: string; owner: string }) =>
      `${dbPath} holds the records of ${owner}`,
    fix: "each miner has a database of its own: name another schema (?schema=NAME at the end of the URL), or another file",
  },
  schemaTooNew: {
    exit: "refused",
    message: (data: { dbPath: string; found: number; known: number }) =>
      `${data.dbPath} has schema ${data.found}, this program knows up to ${data.known}`,
    fix: "use the version of holdfast that wrote it, or a newer one",
  },
  databaseDamaged: {
    exit: "internal",
    message: (data: { dbPath: string; detail: string }) => `${data.dbPath} cannot be used: ${data.detail}`,
    fix: "restore the database from a backup; the sector files beside it are kept",
  },
  databaseFull: {
    exit: "retry-later",
    message: (data: { dbPath: string }) => `no space is left for ${data.dbPath}`,
    fix: "free space on its volume; what was running goes on by itself",
  },
  databaseFailed: {
    exit: "retry-later",
    message: (data: { dbPath: string; detail: string }) => `${data.dbPath} does not answer: ${data.detail}`,
    fix: "check its volume (dmesg, SMART), and that no other program holds the file",
  },
  databaseUnreachable: {
    exit: "retry-later",
    message: (data: { place: string; detail: string }) => `${data.place} does not answer: ${data.detail}`,
    fix: "check that the PostgreSQL server runs, and the user, the password and the database of the URL",
  },
  databaseMoved: {
    exit: "refused",
    message: (data: { dbPath: string }) =>
      `the metadata is not in ${data.dbPath} any more: it was moved away`,
    fix: "name the other database (mining.database in config.toml), or move the metadata back from there",
  },
  recordsLeft: {
    exit: "refused",
    message: (data: { dbPath: string; records: string }) =>
      `${data.dbPath} knows no sector, and the records of this folder's are in ${data.records}`,
    fix: 'start with mining.database = "" and no --db, and move them with `holdfast storage migrate URL`',
  },
  sameDatabase: {
    exit: "refused",
    message: (data: { dbPath: string }) => `the metadata is in ${data.dbPath} already`,
    fix: "name another database, or leave it where it is",
  },
  migrationDiffers: {
    exit: "internal",
    message: (data: { table: string; key: string }) =>
      `row ${data.key} of ${data.table} differs on the two sides; nothing was changed over`,
    fix: "see that nobody else writes to the new database, and start the migration again",
  },
  badDatabaseUrl: {
    exit: "usage",
    message: (data: { reason: string }) => `the address of the database cannot be used: ${data.reason}`,
    fix: "write postgres://USER:PASSWORD@HOST:5432/DATABASE?schema=NAME",
  },
  badPieceKey: {
    exit: "usage",
    message: (data: { bytes: number; maxBytes: number }) =>
      `a piece key has 1 to ${data.maxBytes} bytes, this one ${data.bytes}`,
    fix: "use a shorter key, for example a CID",
  },
  badPiece: {
    exit: "usage",
    message: (data: { pieceKey: string; reason: string }) => `piece ${data.pieceKey}: ${data.reason}`,
    fix: "compute commP, padded and user size from the same bytes",
  },
  pieceTooLarge: {
    exit: "usage",
    message: (data: { pieceKey: string; userBytes: number; maxUserBytes: number }) =>
      `piece ${data.pieceKey} has ${data.userBytes} bytes, a sector takes ${data.maxUserBytes}`,
    fix: "cut the data into smaller pieces",
  },
  pieceConflict: {
    exit: "refused",
    message: (data: { pieceKey: string }) => `the key ${data.pieceKey} already names another piece`,
    fix: "use another key, or drop the piece that has it",
  },
  pieceMismatch: {
    exit: "proof-invalid",
    message: (data: { pieceKey: string; expected: string; found: string }) =>
      `the bytes of piece ${data.pieceKey} have commP ${data.found}, not ${data.expected}`,
    fix: "fetch the bytes again from their owner",
  },
  shortPiece: {
    exit: "retry-later",
    message: (data: { pieceKey: string; userBytes: number; receivedBytes: number }) =>
      `piece ${data.pieceKey} ended after ${data.receivedBytes} of ${data.userBytes} bytes`,
    fix: "send the whole piece again",
  },
  longPiece: {
    exit: "usage",
    message: (data: { pieceKey: string; userBytes: number }) =>
      `piece ${data.pieceKey} goes on after its ${data.userBytes} bytes`,
    fix: "announce the size that is sent",
  },
  full: {
    exit: "retry-later",
    message: (data: { neededBytes: number; availableBytes: number; limit: string }) =>
      `${data.neededBytes} bytes are needed, ${data.availableBytes} are left (${data.limit})`,
    fix: "free space, raise the quota, or wait until sealed sectors are on the chain",
  },
  unknownPiece: {
    exit: "not-found",
    message: (data: { pieceKey: string }) => `there is no piece ${data.pieceKey}`,
    fix: "list the sectors with `holdfast sector ls`, and the pieces of one with `holdfast sector show NUMBER`",
  },
  pieceCorrupt: {
    exit: "proof-invalid",
    message: (data: { pieceKey: string; sectorId: number; expected: string; found: string }) =>
      `piece ${data.pieceKey} of sector ${data.sectorId} has rotted: commP is ${data.found}, not ${data.expected}`,
    fix: "check the volume (dmesg, SMART) and declare the sector faulty",
  },
  badRange: {
    exit: "usage",
    message: (data: { pieceKey: string; offset: number; length: number; userBytes: number }) =>
      `bytes ${data.offset} + ${data.length} are outside of piece ${data.pieceKey} (${data.userBytes} bytes)`,
    fix: "ask for a range inside of the piece",
  },
  notSealed: {
    exit: "retry-later",
    message: (data: { sectorId: number; state: string }) =>
      `sector ${data.sectorId} is ${data.state}, not sealed`,
    fix: "wait until the sector is sealed",
  },
  unknownSector: {
    exit: "not-found",
    message: (data: { sectorId: number }) => `there is no sector ${data.sectorId}`,
    fix: "list the sectors with `holdfast sector ls`",
  },
  sectorConflict: {
    exit: "refused",
    message: (data: { sectorId: number }) => `sector ${data.sectorId} exists already with another content`,
    fix: "import presealed sectors into a fresh repository",
  },
  badSector: {
    exit: "proof-invalid",
    message: (data: { sectorId: number; reason: string }) => `sector ${data.sectorId}: ${data.reason}`,
    fix: "seal the sector again; its files do not belong to its commitments",
  },
  wrongState: {
    exit: "refused",
    message: (data: { sectorId: number; state: string; wanted: string }) =>
      `sector ${data.sectorId} is ${data.state}; this needs ${data.wanted}`,
    fix: "see the sector's state with `holdfast sector ls`",
  },
  notFinal: {
    exit: "retry-later",
    message: (data: { sectorId: number }) =>
      `the seal of sector ${data.sectorId} is not final: the chain could still take it back, and the sector begin anew`,
    fix: "try again when the chain has gone on: how many rounds that takes is finality in `holdfast network show`",
  },
  sectorBusy: {
    exit: "retry-later",
    message: (data: { sectorId: number }) => `pieces are still being written to sector ${data.sectorId}`,
    fix: "wait until the transfers into the sector have ended",
  },
  stagedCorrupt: {
    exit: "internal",
    message: (data: { sectorId: number; expected: string; found: string }) =>
      `the staged data of sector ${data.sectorId} has rotted: commD is ${data.found}, not ${data.expected}`,
    fix: "drop the damaged pieces (`verifyPiece` finds them), ask for them again, and retry the sector",
  },
  replicaCorrupt: {
    exit: "proof-invalid",
    message: (data: { sectorId: number; detail: string }) =>
      `the sealed data of sector ${data.sectorId} has rotted: ${data.detail}`,
    fix: "check the volume (dmesg, SMART) and declare the sector faulty",
  },
  unrepairable: {
    exit: "refused",
    message: (data: { sectorId: number; reason: string }) =>
      `sector ${data.sectorId} cannot be made anew: ${data.reason}`,
    fix: "attach the volume with what is left of it, or give the sector up with `holdfast mine terminate`",
  },
  noNativeFiles: {
    exit: "usage",
    message: (_data: NoData) => "worker threads cannot open the files of this disk",
    fix: "give the storage a prover of this thread, or a disk of the operating system",
  },
  missingFile: {
    exit: "internal",
    message: (data: { sectorId: number; path: string }) =>
      `sector ${data.sectorId} lacks its file ${data.path}`,
    fix: "restore the file from a backup, or declare the sector faulty",
  },
  noProvableSector: {
    exit: "refused",
    message: (data: { faults: readonly number[] }) =>
      `none of the sectors can be proven (faults: ${data.faults.join(", ") || "none"})`,
    fix: "check the volume of the sectors; declare the faults and recover them",
  },
  notReached: {
    exit: "retry-later",
    message: (data: { reason: string }) => `not for this worker: ${data.reason}`,
    fix: "another worker or the node does it; `holdfast worker` says at its start what it does not reach",
  },
  nothingReached: {
    exit: "refused",
    message: (data: { places: string }) => `no volume of the miner is reached from here: ${data.places}`,
    fix: "mount the disks under the same paths, or let the miner keep its sectors on a bucket (`holdfast daemon --blob s3://…`)",
  },
  workerCrashed: {
    exit: "retry-later",
    message: (data: { job: string; attempts: number; detail: string }) =>
      `the worker of ${data.job} died ${data.attempts} times: ${data.detail}`,
    fix: "give the machine more memory or use fewer sealing threads, then retry the sector",
  },
  jobFailed: {
    exit: "internal",
    message: (data: { job: string; detail: string }) => `${data.job} failed: ${data.detail}`,
    fix: "see the node's log; this is a bug",
  },
  badJob: {
    exit: "usage",
    message: (data: { what: string; bytes: number; maxBytes: number }) =>
      `${data.what} of a job is Unicode text of 1 to ${data.maxBytes} bytes without U+0000, this one has ${data.bytes}`,
    fix: "put large data and bytes into files and their paths into the job",
  },
  leaseLost: {
    exit: "refused",
    message: (data: { jobId: number; token: number }) =>
      `job ${data.jobId} is no longer this worker's (lease ${data.token})`,
    fix: "nothing is to be done: another worker has the job, or nobody wants it any more",
  },
  queueMoved: {
    exit: "retry-later",
    message: (data: { place: string }) =>
      `the job queue ${data.place} is closed: its jobs are on their way to another database, or there already`,
    fix: "start the worker, or the node, with the database that holds the node's records now (`holdfast storage migrate` names it); one that is under way is over in a moment",
  },
  unknownJob: {
    exit: "not-found",
    message: (data: { jobId: number }) => `there is no job ${data.jobId}`,
    fix: "list the jobs with `holdfast jobs ls`",
  },
  cancelled: {
    exit: "retry-later",
    message: (data: { job: string }) => `${data.job} was cancelled`,
    fix: "start it again",
  },
});

/** Expected while a database is away, and said once for all who ask (db/silence.ts): nothing to fill a log with. */
export function isDatabaseSilent(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === "storage/database-unreachable";
}
