/**
 * Whether one more deal can be sealed by its start. Sectors are sealed in the order of their deals' starts, so many at
 * a time as there are workers: what is due later delays nobody, but for a seal that has begun; and a deal that would be
 * in time itself is still one too many if it makes another late that would have been in time. Pure.
 */

/** Seals of which some deals wait for the last. */
export interface SealDemand {
  /** The last height at which they may be on the chain. */
  readonly startBy: number;
  /** By one worker. */
  readonly ms: number;
  /** One sector that a worker may be at, and does not leave. */
  readonly isBegun?: boolean;
}

export interface SealPlace {
  readonly height: number;
  readonly roundMs: number;
  /** Seals at a time. */
  readonly parallel: number;
  /** From the end of the last seal to the chain. */
  readonly restRounds: number;
}

/** A deal's own seals may take so many times as long as those before. */
const slowness = 1.25;

/** The first start that would be missed with this deal, its own or another's, and when its seals would be done. */
export function missedStart(
  wish: SealDemand,
  others: readonly SealDemand[],
  { height, roundMs, parallel, restRounds }: SealPlace,
): { readonly startBy: number; readonly readyAt: number } | undefined {
  const at = (workMs: number, begunMs: number): number =>
    height + restRounds + Math.ceil((workMs / parallel + begunMs) / roundMs);
  const starts = startsOf(others);
  const own = starts.findLast(({ startBy }) => startBy <= wish.startBy);
  const later = starts.filter(({ startBy }) => startBy > wish.startBy);
  const begunLater = Math.max(0, ...later.map(({ begunMs }) => begunMs));
  const ready = at(slowness * ((own?.workMs ?? 0) + wish.ms), begunLater);
  if (ready > wish.startBy) return { startBy: wish.startBy, readyAt: ready };
  for (const { startBy, workMs, begunBeforeMs, begunAfterMs } of later) {
    const readyAt = at(workMs + wish.ms, begunAfterMs);
    // Late without this deal too, as far as what is begun may be nearly done.
    const isLost = at(workMs, -begunBeforeMs) > startBy;
    if (readyAt > startBy && !isLost) return { startBy, readyAt };
  }
  return undefined;
}

interface Start {
  readonly startBy: number;
  /** Of all that is due by then. */
  readonly workMs: number;
  /** The longest that is begun: due just then, by then, and later. */
  readonly begunMs: number;
  readonly begunBeforeMs: number;
  readonly begunAfterMs: number;
}

/** The nearest first. */
function startsOf(demands: readonly SealDemand[]): Start[] {
  const known = new Map<number, { ms: number; begunMs: number }>();
  for (const { startBy, ms, isBegun = false } of demands) {
    const one = known.get(startBy) ?? { ms: 0, begunMs: 0 };
    known.set(startBy, { ms: one.ms + ms, begunMs: Math.max(one.begunMs, isBegun ? ms : 0) });
  }
  const sorted = [...known].sort(([a], [b]) => a - b);
  const after = sorted.map(() => 0);
  for (let index = sorted.length - 2; index >= 0; index -= 1)
    after[index] = Math.max(after[index + 1] ?? 0, sorted[index + 1]?.[1].begunMs ?? 0);
  let [workMs, begunBeforeMs] = [0, 0];
  return sorted.map(([startBy, { ms, begunMs }], index) => {
    workMs += ms;
    begunBeforeMs = Math.max(begunBeforeMs, begunMs);
    return { startBy, workMs, begunMs, begunBeforeMs, begunAfterMs: after[index] ?? 0 };
  });
}
