/** What the API needs of attested pinning. */
import type { ApiHandlers, MethodResult } from "@holdfast/api";
import type { Cancel } from "@holdfast/base";

export type PoscCall =
  | "posc.join"
  | "posc.leave"
  | "posc.status"
  | "pinReport.ls"
  | "pinReport.show"
  | "pinReport.verify";

export type PoscDoor = {
  readonly [Name in PoscCall]: (
    params: Parameters<ApiHandlers[Name]>[0],
    signal: Cancel,
  ) => MethodResult<Name> | Promise<MethodResult<Name>>;
};
