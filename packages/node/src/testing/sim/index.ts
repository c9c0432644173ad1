/** The door of the simulator: a whole hostile network in one process, from one seed. */
export { simErrors } from "./errors.ts";
export type { SimEvent, Violation } from "./history.ts";
export {
  drawPlan,
  type Plan,
  type Profile,
  profiles,
  type Service,
  type SimOptions,
  services,
} from "./plan.ts";
export { isRepro, type Repro, reproOf } from "./repro.ts";
export { type SimHooks, type SimReport, simulate } from "./simulation.ts";
