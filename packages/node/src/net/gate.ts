/**
 * Who may come in, as libp2p asks at each step of a connection: before anything is said (machine banned, too many
 * connections or half-open ones of this machine), when the peer has proved who it is (banned), and when everything
 * is agreed (a place is free, or somebody worse makes room). Invariants: what an inbound stranger can hold before
 * that is bounded, by machine and in all; machines of this machine's own networks are dialled only if somebody here
 * named them or they were connected before, whatever addresses peers say that they have.
 */
import type { ConnectionGater, MultiaddrConnection, PeerId } from "@libp2p/interface";
import type { Multiaddr } from "@multiformats/multiaddr";
import { Bounded } from "../bounded.ts";
import { realmOf } from "../ip-ranges.ts";
import type { Bans } from "./bans.ts";
import type { ByteMeter } from "./meter.ts";

export interface GateLimits {
  readonly connectionsPerMachine: number;
  readonly pendingConnectionsPerMachine: number;
  /** Machines of local networks that may be dialled. */
  readonly knownPeers: number;
}

export interface GateNeeds {
  readonly bans: Bans;
  readonly meter: ByteMeter;
  readonly limits: GateLimits;
  /** Open connections with this machine. */
  connectionsWith(ip: string): number;
  /** Whether an inbound place is free; somebody else may have to go for it. */
  makeRoom(): Promise<boolean>;
}

/** Nodes of one machine share its address: local networks would count as one swarm. */
export const ownMachine: ReadonlySet<string> = new Set(["127.0.0.1", "::1"]);

export class Gate implements ConnectionGater {
  readonly #needs: GateNeeds;
  readonly #halfOpen = new Map<string, number>();
  #halfOpenCount = 0;

  readonly #named: Bounded<true>;
  #lookUps = 0;

  constructor(needs: GateNeeds) {
    this.#needs = needs;
    this.#named = new Bounded(needs.limits.knownPeers);
  }
  /**
   * While `work` dials this address, and later, it may be dialled. The machine behind a name is known only when the
   * name has been looked up.
   */
  async named<T>(address: Multiaddr, work: () => Promise<T>): Promise<T> {
    this.remember(address);
    const isName = machineOf(address) === undefined;
    if (isName) this.#lookUps += 1;
    try {
      return await work();
    } finally {
      if (isName) this.#lookUps -= 1;
    }
  }
  get halfOpen(): number {
    return this.#halfOpenCount;
  }

  denyDialPeer = (peer: PeerId): boolean => this.#needs.bans.ofPeer(String(peer)) !== undefined;
  denyDialMultiaddr = (address: Multiaddr): boolean => {
    const machine = machineOf(address) ?? "";
    if (this.#needs.bans.isBannedMachine(machine)) return true;
    const isOpen = realmOf(machine) === "public" || this.#lookUps > 0;
    return !isOpen && this.#named.get(machine) === undefined;
  };

  denyInboundConnection = (connection: MultiaddrConnection): boolean => {
    const { bans, limits, connectionsWith } = this.#needs;
    const machine = machineOf(connection.remoteAddr);
    if (machine === undefined) return true;
    if (bans.isBannedMachine(machine)) return true;
    const waiting = this.#halfOpen.get(machine) ?? 0;
    if (!ownMachine.has(machine)) {
      if (waiting >= limits.pendingConnectionsPerMachine) return true;
      if (waiting + connectionsWith(machine) >= limits.connectionsPerMachine) return true;
    }
    this.#halfOpen.set(machine, waiting + 1);
    this.#halfOpenCount += 1;
    this.#watch(connection, machine);
    return false;
  };
  denyInboundEncryptedConnection = (peer: PeerId): boolean => this.denyDialPeer(peer);
  denyOutboundEncryptedConnection = (peer: PeerId): boolean => this.denyDialPeer(peer);

  denyInboundUpgradedConnection = async (peer: PeerId, connection: MultiaddrConnection): Promise<boolean> => {
    this.#settled.get(connection)?.();
    if (!(await this.#needs.makeRoom())) return true;
    this.#agreed(peer, connection);
    return false;
  };
  denyOutboundUpgradedConnection = (peer: PeerId, connection: MultiaddrConnection): boolean => {
    this.#agreed(peer, connection);
    return false;
  };

  #agreed(peer: PeerId, connection: MultiaddrConnection): void {
    this.#needs.meter.measure(String(peer), connection);
    this.remember(connection.remoteAddr);
  }
  /** May be dialled from now on. */
  remember(address: Multiaddr): void {
    const machine = machineOf(address);
    if (machine !== undefined && realmOf(machine) !== "public") this.#named.set(machine, true);
  }

  readonly #settled = new WeakMap<MultiaddrConnection, () => void>();
  /** Half open until it is agreed or gone, whichever comes first. */
  #watch(connection: MultiaddrConnection, machine: string): void {
    const settle = (): void => {
      if (!this.#settled.delete(connection)) return;
      const left = (this.#halfOpen.get(machine) ?? 1) - 1;
      if (left > 0) this.#halfOpen.set(machine, left);
      else this.#halfOpen.delete(machine);
      this.#halfOpenCount -= 1;
    };
    this.#settled.set(connection, settle);
    connection.addEventListener("close", settle, { once: true });
  }
}

/** The IP address of a multiaddr; IPv4 in IPv6 clothes counts as what it is. */
export function machineOf(address: Multiaddr): string | undefined {
  const found = address.getComponents().find(({ name }) => name === "ip4" || name === "ip6")?.value;
  return found?.replace(/^::ffff:(?=\d+\.)/i, "");
}
