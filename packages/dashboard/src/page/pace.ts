/**
 * How often the page asks. News from the chain makes it ask at once, but never twice within half a round;
 * without news it asks every second round, so that a chain that stands still is seen. Never faster than a
 * second, whatever the round.
 */

/** Milliseconds of a steady clock, and its timers. */
export interface PaceClock {
  nowMs(): number;
  /** Calls back once after the time, unless the returned function was called before. */
  after(ms: number, run: () => void): () => void;
}

export interface Pace {
  /** Something happened: ask as soon as it is time. */
  wake(): void;
  stop(): void;
}

const leastMs = 1000;

/** Starts with a first round of questions. `ask` tells the length of a round as far as it is known by then. */
export function startPace(clock: PaceClock, ask: () => Promise<{ readonly roundMs: number }>): Pace {
  let roundMs = leastMs;
  let askedMs = 0;
  let asking = false;
  let news = false;
  let stopped = false;
  let cancelTimer = (): void => {};
  const schedule = (): void => {
    cancelTimer();
    if (stopped || asking) return;
    const gapMs = Math.max(leastMs, news ? roundMs / 2 : roundMs * 2);
    cancelTimer = clock.after(Math.max(0, askedMs + gapMs - clock.nowMs()), run);
  };
  const run = (): void => {
    if (asking) return;
    asking = true;
    news = false;
    askedMs = clock.nowMs();
    void ask().then((known) => {
      roundMs = known.roundMs;
      asking = false;
      schedule();
    });
  };
  run();
  return {
    wake() {
      news = true;
      schedule();
    },
    stop() {
      stopped = true;
      cancelTimer();
    },
  };
}
