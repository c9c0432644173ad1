/** What the deadlines of a miner hold and wait for, from the chain alone. */
import type { MethodResult } from "@holdfast/api";
import { type Address, addEpochs, type Epoch, epoch } from "@holdfast/base";
import { nextWindowOf, provingPeriodAt, readDeadlines } from "@holdfast/consensus";
import type { ChainDoor } from "../needs.ts";

type Deadline = MethodResult<"mine.status">["deadlines"][number] & { readonly judgedAt: Epoch };

/** The deadlines that have sectors, for a message that is executed at `next`; `judgedAt` is the next judgement. */
export function deadlinesOf(chain: ChainDoor, miner: Address, next: Epoch): Deadline[] {
  const { params, store } = chain;
  const from = epoch(Math.max(0, next - 1 - params.proofWindowEpochs));
  return readDeadlines(store, chain.headState().state, params, miner, next).map((deadline) => {
    const { index, window, sectors, partitions } = deadline;
    const isOpen = next > window.start;
    return {
      index,
      sectors: sectors.length,
      faulty: sectors.filter(({ faultySince }) => faultySince !== null).length,
      partitions: partitions.length,
      opensAt: addEpochs(window.start, 1),
      closesAt: window.lastEpoch,
      isOpen,
      toProve: isOpen ? partitions.reduce((sum, { toProve }) => sum + toProve.length, 0) : 0,
      judgedAt: nextWindowOf(params, miner, index, from).judgedAt,
    };
  });
}

/** The next judgement of a deadline that has sectors; without sectors, of any. */
export function nextDeadlineOf(
  { params }: ChainDoor,
  miner: Address,
  deadlines: readonly Deadline[],
  next: Epoch,
): Epoch {
  const [first] = deadlines.map(({ judgedAt }) => judgedAt).sort((a, b) => a - b);
  return first ?? provingPeriodAt(params, miner, next).nextJudgement;
}
