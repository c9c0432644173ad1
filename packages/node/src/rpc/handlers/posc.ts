/** Methods about this node as a pinning node of the network, and about reports: the door is made of them. */
import type { ApiHandlers } from "@holdfast/api";
import { rpcErrors } from "../errors.ts";
import type { HandlerNeeds } from "../needs.ts";
import type { PoscCall, PoscDoor } from "../posc-needs.ts";

type PoscHandlers = Pick<ApiHandlers, PoscCall>;

const names: readonly PoscCall[] = [
  ...(["posc.join", "posc.leave", "posc.status"] as const),
  ...(["pinReport.ls", "pinReport.show", "pinReport.verify"] as const),
  ...(["pinReport.inspect", "pinDispute.open", "pinDispute.ls", "posc.ask"] as const),
];

export function poscHandlers({ posc }: HandlerNeeds): PoscHandlers {
  const handlers = names.map((name) => [
    name,
    async (params: never, signal: AbortSignal) => {
      if (posc === undefined) throw rpcErrors.notFound({ what: "attested pinning in this node" });
      return (posc[name] as PoscDoor[PoscCall] as (params: never, signal: AbortSignal) => unknown)(
        params,
        signal,
      );
    },
  ]);
  return Object.fromEntries(handlers) as PoscHandlers;
}
