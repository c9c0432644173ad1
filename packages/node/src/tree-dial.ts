/**
 * Time against space: whether the trees of replicas are kept, or hashed anew for each proof (`mining.trees`). A miner
 * whose machine could not hash them in time would lose its power for the sake of its disk, so the node measures how
 * fast it hashes, refuses to start where half a window, or half a round, is not enough, and opens no more sectors than
 * that allows.
 */
import { type Clock, defineErrors, HoldfastError, type Logger } from "@holdfast/base";
import type { NetworkParams } from "@holdfast/consensus";
import { poseidonHasher, rowsLength, startRows } from "@holdfast/proofs";
import { landedStates, type SectorTotal, type Storage, type StorageOptions } from "@holdfast/storage";

export const treeErrors = defineErrors("trees", {
  tooSlow: {
    exit: "refused",
    message: (data: {
      what: string;
      neededMs: number;
      allowedMs: number;
      sectors: number;
      sectorBytes: number;
    }) =>
      `${data.what} would take ${data.neededMs} ms with trees that are not kept (${data.sectors} sectors of ` +
      `${data.sectorBytes} bytes), and half of its time is ${data.allowedMs} ms`,
    fix: 'keep them: trees = "kept" under [mining] in config.toml; `holdfast storage repair` makes what is gone',
  },
});

export type TreeParams = Pick<
  NetworkParams,
  "roundMs" | "deadlinesPerPeriod" | "proofWindowEpochs" | "sectorClasses"
>;

export interface TreeDialParts {
  /** Of new sectors. */
  readonly sectorBytes: number;
  readonly params: TreeParams;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How fast this machine hashes; measured if left out. */
  readonly measure?: () => number;
}

/** Bytes that are hashed to learn how fast this machine is. */
const sampleBytes = 2 ** 20;
/** A proof in the form of SNARKs asks for the nodes a second time, when those of all sectors are known. */
const passesOf = { vanilla: 1, succinct: 2 } as const;

/** Milliseconds for a byte of replica. */
export function hashingMsPerByte(nowMs: () => number): number {
  const rows = new Uint8Array(rowsLength(poseidonHasher, sampleBytes / 32));
  const startedMs = nowMs();
  startRows(poseidonHasher, new Uint8Array(sampleBytes), rows).finish();
  return (nowMs() - startedMs) / sampleBytes;
}

/** What a storage is told of trees: whether they are kept; if not, how many sectors this machine can hash. */
export function treeOptions(
  trees: "kept" | "rebuilt",
  { params, clock, measure }: Pick<TreeDialParts, "params" | "clock" | "measure">,
): Pick<StorageOptions, "keepTrees"> & Partial<Pick<StorageOptions, "checkSectors">> {
  if (trees === "kept") return { keepTrees: true };
  const msPerByte = measure?.() ?? hashingMsPerByte(() => clock.nowMs());
  const checkSectors = (all: readonly SectorTotal[]): void =>
    checkRebuiltTrees(merged(all.filter(({ state }) => !overStates.includes(state))), params, msPerByte);
  return { keepTrees: false, checkSectors };
}

/** Nothing is proven of them any more. */
const overStates: readonly SectorTotal["state"][] = ["expired", "removed"];

/** Sectors of a size together, in whatever state. */
function merged(totals: readonly SectorTotal[]): { sectorBytes: number; sectorCount: number }[] {
  const counts = new Map<number, number>();
  for (const { sectorBytes, sectorCount } of totals)
    counts.set(sectorBytes, (counts.get(sectorBytes) ?? 0) + sectorCount);
  return [...counts].map(([sectorBytes, sectorCount]) => ({ sectorBytes, sectorCount }));
}

/** Of what is stored, and at least one sector of the size that this miner seals. Throws trees/too-slow. */
export async function checkTreeDial(
  storage: Pick<Storage, "countSectors">,
  { sectorBytes, params, clock, measure }: Omit<TreeDialParts, "logger">,
): Promise<void> {
  const stored = (await storage.countSectors()).filter(({ state }) => landedStates.includes(state));
  const msPerByte = measure?.() ?? hashingMsPerByte(() => clock.nowMs());
  checkRebuiltTrees([{ sectorBytes, sectorCount: 1 }], params, msPerByte);
  checkRebuiltTrees(stored, params, msPerByte);
}

/** Between two looks: sectors come one by one. */
const lookMs = 3_600_000;

/** Looks again while sectors come, and says so in the log before their proofs take too long. */
export function watchTreeDial(
  storage: Pick<Storage, "countSectors">,
  { logger, ...dial }: TreeDialParts,
): AsyncDisposable {
  const end = new AbortController();
  const watch = async (): Promise<void> => {
    for (;;) {
      try {
        await dial.clock.sleep(lookMs, end.signal);
        await checkTreeDial(storage, dial);
      } catch (error) {
        if (end.signal.aborted) return;
        const known = error instanceof HoldfastError ? error : undefined;
        logger.error("trees that are not kept", {
          detail: known?.message ?? String(error),
          fix: known?.fix ?? "",
        });
      }
    }
  };
  const watching = watch();
  return {
    async [Symbol.asyncDispose]() {
      end.abort();
      await watching;
    },
  };
}

/** What the proofs of these sectors take, hashing their trees anew. Throws trees/too-slow. */
export function checkRebuiltTrees(
  stored: readonly Pick<SectorTotal, "sectorBytes" | "sectorCount">[],
  params: TreeParams,
  msPerByte: number,
): void {
  let windowMs = 0;
  for (const { sectorBytes, sectorCount } of stored) {
    if (sectorCount === 0) continue;
    const isSuccinct = params.sectorClasses.some(
      (one) => one.keys !== null && one.sectorBytes === sectorBytes,
    );
    const oneMs = sectorBytes * msPerByte * passesOf[isSuccinct ? "succinct" : "vanilla"];
    const about = { sectors: sectorCount, sectorBytes };
    refuseIfSlow("winning a block", oneMs, params.roundMs / 2, { ...about, sectors: 1 });
    windowMs += oneMs * Math.ceil(sectorCount / params.deadlinesPerPeriod);
    refuseIfSlow("the proof of a deadline", windowMs, (params.proofWindowEpochs * params.roundMs) / 2, about);
  }
}

function refuseIfSlow(
  what: string,
  neededMs: number,
  allowedMs: number,
  about: { readonly sectors: number; readonly sectorBytes: number },
): void {
  if (neededMs <= allowedMs) return;
  throw treeErrors.tooSlow({
    what,
    neededMs: Math.ceil(neededMs),
    allowedMs: Math.floor(allowedMs),
    ...about,
  });
}
