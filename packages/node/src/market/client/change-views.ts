/** Changes of deals as people see them. */
import { decode, filText } from "@holdfast/base";
import { type Amendment, amendmentCodec, amendmentIdOf } from "../amendment.ts";
import type { DealChange } from "../types.ts";
import type { Change, ChangeState } from "./change-store.ts";
import type { ClientContext } from "./context.ts";
import type { Attempt } from "./store.ts";

export function amendmentOf({ amendment }: Change): Amendment | undefined {
  return amendment === null ? undefined : decode(amendmentCodec, amendment);
}

/** The signed changes of a deal that are in this state, oldest first. */
export function amendmentsOf({ changes }: ClientContext, { id }: Attempt, state: ChangeState): Amendment[] {
  return changes.of(id).flatMap((change) => {
    const amendment = change.state === state ? amendmentOf(change) : undefined;
    return amendment === undefined ? [] : [amendment];
  });
}

export function changeView(change: Change): DealChange {
  const amendment = amendmentOf(change);
  return {
    amendmentId: amendment === undefined ? null : amendmentIdOf(amendment).toString(),
    kind: change.kind,
    state: change.state,
    endHeight: change.endHeight,
    totalFil: filText(change.total),
    code: change.code === "" ? null : change.code,
    detail: change.detail,
  };
}
