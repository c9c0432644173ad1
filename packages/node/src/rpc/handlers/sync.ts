/** How the node follows the chain, and what it believes without having watched it. */
import type { ApiHandlers } from "@holdfast/api";
import { finalTipset } from "../../final.ts";
import type { HandlerNeeds } from "../needs.ts";

export const believedText = (from: number): string =>
  `the history from height ${from} on is believed: it is the heaviest that peers gave, and was older than finality`;
export const believedFix =
  "keys of miners who have left could write another: compare a tipset with who you trust, and start the node with " +
  "`--checkpoint CID[,CID…]@HEIGHT` (`holdfast sync status` there prints one)";

export function syncHandlers(needs: HandlerNeeds): Pick<ApiHandlers, "sync.status"> {
  const { chain, clock, sync } = needs;
  return {
    "sync.status": async () => {
      const head = chain.head();
      const final = finalTipset(chain);
      const told = [...sync.peerHeights().values()];
      const from = needs.believedFrom();
      const { state, code, reason, fix } = sync.state();
      return {
        state,
        code,
        reason,
        fix,
        height: head.height,
        headAgeMs: Math.max(0, clock.nowMs() - (head.blocks[0]?.timestampMs ?? 0)),
        toldHeight: told.length === 0 ? null : Math.max(...told),
        checkpoint: chain.checkpoint === undefined ? null : textOf(chain.checkpoint),
        final: final.height === 0 ? null : textOf(final),
        believedFrom: from,
        warning: from === null ? null : believedText(from),
        warningFix: from === null ? null : believedFix,
        beginning: sync.beginning() ?? null,
      };
    },
  };
}

const textOf = ({ cids, height }: { readonly cids: readonly unknown[]; readonly height: number }): string =>
  `${cids.join(",")}@${height}`;
