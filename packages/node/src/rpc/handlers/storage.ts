/** Methods about where this node's sectors lie. */
import { rpcErrors } from "../errors.ts";
import type { HandlerNeeds } from "../needs.ts";
import type { StorageDoor } from "../storage-door.ts";

export function storageHandlers({ storage, name }: HandlerNeeds): StorageDoor {
  const door = (): StorageDoor => {
    if (storage === undefined) throw rpcErrors.noSectors({ node: name });
    return storage;
  };
  return {
    "storage.ls": async (params, signal) => door()["storage.ls"](params, signal),
    "storage.attach": async (params, signal) => door()["storage.attach"](params, signal),
    "storage.set": async (params, signal) => door()["storage.set"](params, signal),
    "storage.drain": async (params, signal) => door()["storage.drain"](params, signal),
    "storage.detach": async (params, signal) => door()["storage.detach"](params, signal),
    "storage.move": async (params, signal) => door()["storage.move"](params, signal),
    "storage.check": async (params, signal) => door()["storage.check"](params, signal),
    "storage.repair": async (params, signal) => door()["storage.repair"](params, signal),
    "storage.clean": async (params, signal) => door()["storage.clean"](params, signal),
  };
}
