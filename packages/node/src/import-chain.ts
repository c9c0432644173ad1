/**
 * A snapshot becomes the chain of a repo. It is read into a folder beside the chain's, judged by the rules of sync,
 * compared with the chain that is there, and only then exchanged with it: whatever goes wrong, and whenever the
 * process is killed, the repo has the chain that it had or the whole new one.
 */
import { createReadStream } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import type { Clock, Logger } from "@holdfast/base";
import { createVerifier } from "@holdfast/proofs/verify";
import {
  type Checkpoint,
  chainErrors,
  exchangeChainFolder,
  type ImportedSnapshot,
  importSnapshot,
  nextChainFolder,
  openChain,
  openLevelDatabase,
  parseCheckpoint,
  type StoredChain,
  settleChainFolder,
} from "./chain/index.ts";
import { realClock } from "./clock.ts";
import { aloneExecutions } from "./executions.ts";
import { finalTipset } from "./final.ts";
import { type LoadedGenesis, loadGenesis } from "./genesis.ts";
import { createHeaderPass } from "./header-pass.ts";
import { installNativeKernels } from "./kernels.ts";
import { openLogger } from "./logger.ts";
import { createProofPass, type ProofChecker } from "./proof-pass.ts";
import { openRepo, type RepoPaths, repoErrors } from "./repo/index.ts";
import { createValidator } from "./sync/index.ts";
import { openWorkers } from "./workers.ts";

export interface ImportChainOptions {
  readonly repo: string;
  readonly file: string;
  /** Instead of the configured one: `CID[,CID…]@HEIGHT`. */
  readonly checkpoint?: string;
  readonly onProgress?: (readBytes: number) => void;
  readonly signal?: AbortSignal;
}

export interface ImportedChain {
  readonly height: number;
  readonly cids: readonly string[];
  readonly messageEpochs: number;
  readonly objects: number;
  readonly bytes: number;
}

interface ImportContext {
  readonly paths: RepoPaths;
  readonly checkpoint: Checkpoint | undefined;
  readonly checker: ProofChecker;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onProgress?: (readBytes: number) => void;
  readonly signal?: AbortSignal;
}

/** Errors: `repo/…`, and those of `importSnapshot`, `chain/snapshot-older`, `chain/snapshot-forks`. */
export async function importChain(options: ImportChainOptions): Promise<ImportedChain> {
  await installNativeKernels();
  await using stack = new AsyncDisposableStack();
  const repo = stack.use(await openRepo(options.repo));
  const { config, paths } = repo;
  const logger = stack.use(openLogger({ name: config.name, level: "error" }));
  const workers = stack.use(openWorkers({ sealingThreads: 1, computeThreads: config.mining.computeThreads }));
  const checkpoint = parseCheckpoint(options.checkpoint ?? config.chain.checkpoint);
  const { onProgress, signal } = options;
  return await importInto(
    {
      paths,
      checkpoint,
      checker: workers.checker,
      clock: realClock(0),
      logger,
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(signal === undefined ? {} : { signal }),
    },
    options.file,
  );
}

/** For a node that starts: a repo that has a chain already goes on with that. Errors as of `importChain`. */
export async function beginWithSnapshot(context: ImportContext, file: string | undefined): Promise<void> {
  const { paths, logger } = context;
  await settleChainFolder(paths.chain);
  if (file === undefined) return;
  const height = await ownHeight(context);
  if (height > 0) return logger.info("the snapshot is not needed: the repo has a chain", { height });
  const imported = await importInto(context, file);
  logger.info("the chain begins with a snapshot", { height: imported.height, objects: imported.objects });
}

async function ownHeight({ paths, logger }: ImportContext): Promise<number> {
  await using database = await openLevelDatabase(paths.chain);
  const genesis = await readGenesisFile(paths, database);
  return (await openChain({ database, genesis, logger })).head().height;
}

async function importInto(context: ImportContext, file: string): Promise<ImportedChain> {
  const { paths } = context;
  await settleChainFolder(paths.chain);
  const next = nextChainFolder(paths.chain);
  try {
    const imported = await readInto(next, context, file);
    await exchangeChainFolder(paths.chain);
    return imported;
  } catch (error) {
    await rm(next, { recursive: true, force: true });
    throw error;
  }
}

async function readInto(folder: string, context: ImportContext, file: string): Promise<ImportedChain> {
  const { paths, checkpoint, logger, onProgress } = context;
  await using database = await openLevelDatabase(folder);
  const genesis = await readGenesisFile(paths, database);
  const imported = await importSnapshot(fileBytes(file, context.signal), {
    database,
    genesis,
    logger,
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(onProgress === undefined ? {} : { onProgress }),
    judge: judgeWith(context),
  });
  await compareWithOwn(context, imported.chain);
  return viewOf(imported);
}

/** The full validation of sync: headers, proofs, messages, roots. */
function judgeWith({ checker, clock }: ImportContext) {
  const proofs = createProofPass(checker, createVerifier());
  return async (
    chain: StoredChain,
    blocks: Parameters<ReturnType<typeof createValidator>["validate"]>[0],
  ) => {
    await createValidator({
      chain,
      proofs,
      headers: createHeaderPass(proofs),
      executions: aloneExecutions,
      clock,
    }).validate(blocks);
  };
}

/** What is final here stays; and a snapshot that adds nothing would only cost history. */
async function compareWithOwn({ paths, logger }: ImportContext, next: StoredChain): Promise<void> {
  await using database = await openLevelDatabase(paths.chain);
  const genesis = await readGenesisFile(paths, database);
  const own = await openChain({ database, genesis, logger });
  const head = own.head();
  const [ownWeight, nextWeight] = [own.weightOf(head.key), next.weightOf(next.head().key)];
  if (head.height > 0 && (ownWeight ?? 0n) >= (nextWeight ?? 0n))
    throw chainErrors.snapshotOlder({ height: next.head().height, own: head.height });
  const final = finalTipset(own);
  if (next.tipsetAt(final.height).key !== final.key)
    throw chainErrors.snapshotForks({ height: final.height });
}

async function readGenesisFile(
  paths: RepoPaths,
  database: Parameters<typeof loadGenesis>[1],
): Promise<LoadedGenesis> {
  return loadGenesis(new Uint8Array(await readFile(paths.genesis)), database);
}

async function* fileBytes(file: string, signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of createReadStream(file)) {
      signal?.throwIfAborted();
      const bytes: Buffer = chunk;
      yield new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    }
  } catch (cause) {
    const isOfSystem = cause instanceof Error && "code" in cause && "syscall" in cause;
    if (!isOfSystem) throw cause;
    throw repoErrors.unreadable({ path: file, detail: cause.message }, cause);
  }
}

function viewOf({ chain, messageEpochs, objects, bytes }: ImportedSnapshot): ImportedChain {
  const head = chain.head();
  return { height: head.height, cids: head.cids.map(String), messageEpochs, objects, bytes };
}
