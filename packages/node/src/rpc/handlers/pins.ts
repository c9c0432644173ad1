/** Methods about pinned content: the door is made of them. */
import type { ApiHandlers } from "@holdfast/api";
import { rpcErrors } from "../errors.ts";
import type { HandlerNeeds } from "../needs.ts";
import type { PinCall, PinDoor } from "../pin-needs.ts";

type PinHandlers = Pick<ApiHandlers, PinCall>;

const names: readonly PinCall[] = [
  ...(["localPin.add", "localPin.ls", "localPin.show", "localPin.rm", "localPin.retry"] as const),
  ...(["localPin.gc", "localPin.status", "pinAccess.new", "pinAccess.ls", "pinAccess.rm"] as const),
  ...(["pinService.add", "pinService.ls", "pinService.rm"] as const),
  ...(["remotePin.add", "remotePin.ls", "remotePin.show", "remotePin.rm"] as const),
];

export function pinHandlers({ pins }: HandlerNeeds): PinHandlers {
  const handlers = names.map((name) => [
    name,
    async (params: never, signal: AbortSignal) => {
      if (pins === undefined) throw rpcErrors.notFound({ what: "place for pins in this node" });
      return (pins[name] as PinDoor[PinCall] as (params: never, signal: AbortSignal) => unknown)(
        params,
        signal,
      );
    },
  ]);
  return Object.fromEntries(handlers) as PinHandlers;
}
