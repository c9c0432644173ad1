/** Methods about the idle space of this node's miner. */
import { rpcErrors } from "../errors.ts";
import type { IdleDoor } from "../idle-door.ts";
import type { HandlerNeeds } from "../needs.ts";

export function idleHandlers({ idle, storage, chain, name }: HandlerNeeds): IdleDoor {
  const door = (): IdleDoor => {
    if (storage === undefined) throw rpcErrors.noSectors({ node: name });
    if (idle === undefined) throw rpcErrors.noIdleSpace({ network: chain.params.name });
    return idle;
  };
  return {
    "idle.status": async (params, signal) => door()["idle.status"](params, signal),
    "idle.fill": async (params, signal) => door()["idle.fill"](params, signal),
    "idle.drain": async (params, signal) => door()["idle.drain"](params, signal),
  };
}
