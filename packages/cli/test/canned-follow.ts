/** What the canned node answers about following the chain. */
import type { CallName, MethodResult } from "@holdfast/api";
import { cidOfCbor, encodeCbor } from "@holdfast/base";

type FollowCall = Extract<CallName, `sync.${string}` | `light.${string}`>;

export const followCalls: { readonly [Name in FollowCall]: MethodResult<Name> } = {
  "sync.status": {
    state: "synced",
    code: "none",
    reason: "new blocks come in",
    fix: null,
    height: 100,
    headAgeMs: 400,
    toldHeight: 100,
    checkpoint: null,
    final: `${cidOfCbor(encodeCbor("block 92"))}@92`,
    believedFrom: 3,
    warning: "the history from height 3 on is believed",
    warningFix: "start the node with a checkpoint",
    beginning: null,
  },
  "light.headers": { state: "unknown", tipsets: [] },
  "light.prove": { state: "unknown", objects: [] },
};
