/** What the API needs of pinned content; undefined where a node keeps none. */
import type { ApiHandlers, MethodResult } from "@holdfast/api";
import type { Cancel } from "@holdfast/base";

type Of<Name extends PinCall> = (
  params: Parameters<ApiHandlers[Name]>[0],
  signal: Cancel,
) => MethodResult<Name> | Promise<MethodResult<Name>>;

export type PinCall =
  | "localPin.add"
  | "localPin.ls"
  | "localPin.show"
  | "localPin.rm"
  | "localPin.retry"
  | "localPin.gc"
  | "localPin.status"
  | "pinAccess.new"
  | "pinAccess.ls"
  | "pinAccess.rm"
  | "pinService.add"
  | "pinService.ls"
  | "pinService.rm"
  | "remotePin.add"
  | "remotePin.ls"
  | "remotePin.show"
  | "remotePin.rm";

export type PinDoor = { readonly [Name in PinCall]: Of<Name> };
