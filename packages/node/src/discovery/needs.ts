/** What finding peers needs. */
import type { Clock, Logger, Wire } from "@holdfast/base";

export interface DiscoveryNeeds {
  readonly wire: Wire;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Peers to keep a connection to, as multiaddrs with their peer id. */
  readonly bootstrap: readonly string[];
}
