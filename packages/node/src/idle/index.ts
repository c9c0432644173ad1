/**
 * Idle space of a miner: files that fill what is free on its volumes, certified on the chain, shown when it asks, and
 * given back when a deal needs the room.
 */
import type { IdleProfile } from "@holdfast/proofs";
import { IdleEngine } from "./engine.ts";
import { idleErrors } from "./errors.ts";
import type { IdleNeeds, IdleShare } from "./needs.ts";
import { newLayerBytes, restingBytes, restingCount, sharesOf, totalBytes } from "./plan.ts";
import type { IdleSettings, LayerState } from "./store.ts";

export { idleErrors } from "./errors.ts";
export { inlineMaker, threadMaker } from "./makers.ts";
export type { LayerFiles, LayerTask, MadeLayer } from "./making.ts";
export type {
  IdleMaker,
  IdleNeeds,
  IdleNetwork,
  IdleShare,
  IdleView,
  IdleVolumes,
  OpenAudit,
} from "./needs.ts";
export type { IdleSettings } from "./store.ts";

export interface IdleStatus {
  readonly profile: IdleProfile;
  readonly settings: IdleSettings;
  readonly isRegistered: boolean;
  /** Files, as the chain has them: claimed are front ≤ number < rear. */
  readonly front: number;
  readonly rear: number;
  /** What files that the chain knows take, and all that idle space takes or may take now. */
  readonly certifiedBytes: number;
  readonly totalBytes: number;
  /** What has to be free, of the limit too, for one more layer to be made. */
  readonly nextLayerBytes: number;
  /** Kept layers by state. */
  readonly layers: { readonly [State in LayerState]: number };
  readonly volumes: readonly ({ readonly volumeId: number } & IdleShare)[];
  readonly underWay: "append" | "release" | null;
  readonly openAudits: number;
}

export interface IdleFill {
  /** Left out: as it was; null: all that is free. */
  readonly maxBytes?: number | null;
  readonly threads?: number;
  readonly memoryBytes?: number;
}

export interface Idle extends AsyncDisposable {
  status(): IdleStatus;
  /** Fills what is free, up to a limit. Errors: `idle/too-small`, `idle/too-much-memory`. */
  fill(options: IdleFill): void;
  /** Gives back so many bytes, or all, and takes no more until it is told to. */
  drain(bytes: number | null): void;
  /** Resolves when so many bytes are free that idle space had. Errors: `idle/no-room`, `idle/stopped`. */
  makeRoom(bytes: number, signal?: AbortSignal): Promise<void>;
  /** Nothing new is begun until what it returns is called. */
  hold(): () => void;
}

export function openIdle(needs: IdleNeeds): Idle {
  const engine = new IdleEngine(needs);
  const { profile, network } = needs;
  engine.start();
  return {
    status: () => statusOf(engine, needs),
    fill: ({ maxBytes, threads, memoryBytes }) => {
      const leastBytes = newLayerBytes(profile);
      const limit = maxBytes === undefined ? engine.settings.maxBytes : maxBytes; // what a drain has left of it
      if (limit !== null && limit < leastBytes) {
        throw idleErrors.tooSmall({ askedBytes: limit, leastBytes });
      }
      engine.change({
        isFilling: true,
        ...(maxBytes === undefined ? {} : { maxBytes }),
        ...(threads === undefined ? {} : { threads }),
        ...(memoryBytes === undefined ? {} : { memoryBytes }),
      });
    },
    drain: (bytes) => {
      const { rear = 0, front = 0 } = network.view().state ?? {};
      const isAll = bytes === null || rear === front;
      const nowBytes = totalBytes(profile, engine.store);
      engine.change({ isFilling: false, maxBytes: isAll ? 0 : Math.max(0, nowBytes - bytes) });
    },
    makeRoom: (bytes, signal) => engine.makeRoom(bytes, signal),
    hold: () => engine.hold(),
    [Symbol.asyncDispose]: () => engine.stop(),
  };
}

function statusOf({ store, settings }: IdleEngine, { profile, network }: IdleNeeds): IdleStatus {
  const { state, audits } = network.view();
  const resting = restingCount(store);
  const layers = { making: 0, made: 0, certified: resting, lost: 0 };
  for (const row of store.active) layers[row.state] += 1;
  const certified = store.active.filter((row) => row.state === "certified");
  const restBytes = resting * restingBytes(profile, { firstKept: 0 });
  return {
    profile,
    settings,
    isRegistered: state !== undefined,
    front: state?.front ?? 0,
    rear: state?.rear ?? 0,
    certifiedBytes: certified.reduce((sum, row) => sum + restingBytes(profile, row), restBytes),
    totalBytes: totalBytes(profile, store),
    nextLayerBytes: newLayerBytes(profile),
    layers,
    volumes: [...sharesOf(profile, store)].map(([volumeId, share]) => ({ volumeId, ...share })),
    underWay:
      store.pending("release") !== undefined
        ? "release"
        : store.pending("append") !== undefined
          ? "append"
          : null,
    openAudits: audits.filter(({ isAnswered }) => !isAnswered).length,
  };
}
