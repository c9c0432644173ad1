/**
 * Heights of the chain as times. A network's clock may lag behind the machine's (one that was stopped and
 * continued does), so its own head says what time it is there.
 */
import type { CommandContext } from "./command.ts";
import { roughly } from "./human-text.ts";

export interface ChainTime {
  readonly height: number;
  /** `1200 (in 29d23h)`, `1200 (3m20s ago)`, or `-` for none. */
  at(height: number | null): string;
  /** How long ago a block of this time was made. */
  age(timestampMs: number): string;
}

export async function chainTime(context: CommandContext): Promise<ChainTime> {
  const node = await context.node();
  const { head, headAgeMs, roundMs } = await node.call("node.status", {}, context.signal);
  return {
    height: head.height,
    at(height) {
      if (height === null) return "-";
      const distanceMs = (height - head.height) * roundMs;
      if (distanceMs === 0) return `${height} (now)`;
      return distanceMs > 0
        ? `${height} (in ${roughly(distanceMs)})`
        : `${height} (${roughly(-distanceMs)} ago)`;
    },
    age: (timestampMs) => roughly(Math.max(0, head.timestampMs + headAgeMs - timestampMs)),
  };
}
