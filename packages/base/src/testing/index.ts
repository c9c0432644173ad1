/** The door for tests: the simulated twins of the seams, and the suites that every twin must pass. */
export { type CancelSource, cancelSource } from "./cancel.ts";
export { type Drain, drainMicrotasks, SimClock } from "./clock.ts";
export { type DiskFault, type DiskOperation, SimDisk, type SimDiskOptions } from "./disk.ts";
export { type LinkRate, SimNet, type SimNetOptions, type SimWeather } from "./net.ts";
export { SimWire } from "./net-wire.ts";
export { SeededRandom } from "./random.ts";
export { type BlockstoreUnderTest, blockstoreSuite } from "./suites/blockstore.ts";
export { type ClockUnderTest, clockSuite } from "./suites/clock.ts";
export { type CryptoVectors, cryptoSuite } from "./suites/crypto.ts";
export { type DiskUnderTest, diskSuite } from "./suites/disk.ts";
export {
  type CaseResult,
  codeOf,
  codeThrown,
  failures,
  rejectionOf,
  runSuite,
  type SuiteTools,
} from "./suites/tools.ts";
export { wireSuite } from "./suites/wire.ts";
export type { WiresUnderTest } from "./suites/wire-bench.ts";
