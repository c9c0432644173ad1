/** What the API needs of attested pinning. */
import type { ApiHandlers, MethodResult } from "@holdfast/api";
import type { Cancel } from "@holdfast/base";

export type PoscCall =
  | "posc.join"
  | "posc.leave"
  | "posc.status"
  | "pinReport.ls"
  | "pinReport.show"
  | "pinReport.verify"
  | "pinReport.inspect"
  | "posc.ask"
  | "pinDispute.open"
  | "pinDispute.ls";

export type PoscDoor = {
  readonly [Name in PoscCall]: (
    params: Parameters<ApiHandlers[Name]>[0],
    signal: Cancel,
  ) => MethodResult<Name> | Promise<MethodResult<Name>>;
} & {
  /** What this node found of a report; undefined: it has it not. */
  checkOf(node: number, slot: number): MethodResult<"pinReport.show">["check"] | undefined;
  /** What this node found when it looked at a node's part in an order of its own accounts. */
  lookOf(order: number, node: number): MethodResult<"pinOrder.show">["holders"][number]["look"] | undefined;
};
