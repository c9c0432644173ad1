/** The chain as files and space, for the API. */
import type { Clock } from "@holdfast/base";
import {
  type Pruner,
  planSnapshot,
  type SnapshotPlan,
  type StoredChain,
  snapshotBytes,
  takeInventory,
} from "./chain/index.ts";
import type { HandlerNeeds } from "./rpc/index.ts";

export function archiveOf(chain: StoredChain, pruner: Pruner, clock: Clock): HandlerNeeds["archive"] {
  const planOf = ({ height, messageEpochs }: Parameters<HandlerNeeds["archive"]["plan"]>[0]): SnapshotPlan =>
    planSnapshot(chain, {
      ...(height === undefined ? {} : { height }),
      ...(messageEpochs === undefined ? {} : { messageEpochs }),
    });
  return {
    plan(request) {
      const { root, messageEpochs, isFinal } = planOf(request);
      return { height: root.height, cids: root.cids.map(String), messageEpochs, isFinal };
    },
    snapshot: (request) => snapshotBytes(chain, planOf(request), clock),
    async prune({ keepEpochs }) {
      const { horizon, ...rest } = await pruner.prune(keepEpochs);
      return { ...rest, ...horizon };
    },
    async inventory(signal) {
      const { kinds, ...sums } = await takeInventory(chain.store, clock, signal);
      return {
        kinds: [...kinds],
        ...sums,
        ...chain.horizon(),
        ...pruner.policy,
        height: chain.head().height,
      };
    },
  };
}
