/** The door for tests: the simulated twins of the seams, and the suites that every twin must pass. */
export { type CancelSource, cancelSource } from "./cancel.ts";
export { type Drain, drainMicrotasks, SimClock } from "./clock.ts";
export { type DiskFault, type DiskOperation, SimDisk, type SimDiskOptions } from "./disk.ts";
export { SeededRandom } from "./random.ts";
