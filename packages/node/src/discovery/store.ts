/** The peers that a node has been connected to, in SQLite, so that a restart finds them without a bootstrap. */
import type { Database } from "../database.ts";
import { limits } from "../limits.ts";

export interface KeptPeer {
  readonly id: string;
  readonly addresses: readonly string[];
  readonly seenMs: number;
  /** It was among those whom this node had dialled when it was saved. */
  readonly isAnchor: boolean;
}

export interface PeerStore {
  load(): readonly KeptPeer[];
  /** Replaces what was kept. */
  save(peers: readonly KeptPeer[]): void;
}

const tables: readonly string[] = [
  `CREATE TABLE discovery_peers (
       id TEXT PRIMARY KEY, addresses TEXT NOT NULL, seen_ms INTEGER NOT NULL, anchor INTEGER NOT NULL
     ) STRICT`,
];

export function openPeerStore(database: Database): PeerStore {
  database.migrate("discovery", tables);
  return {
    load: () =>
      database
        .all("SELECT * FROM discovery_peers ORDER BY anchor DESC, seen_ms DESC LIMIT ?", limits.knownPeers)
        .map((row) => ({
          id: String(row.id),
          addresses: String(row.addresses).split("\n"),
          seenMs: Number(row.seen_ms),
          isAnchor: row.anchor === 1,
        })),
    save: (peers) =>
      database.transaction(() => {
        database.run("DELETE FROM discovery_peers");
        for (const { id, addresses, seenMs, isAnchor } of peers.slice(0, limits.knownPeers)) {
          const lines = addresses.join("\n");
          database.run(
            "INSERT INTO discovery_peers VALUES (?, ?, ?, ?)",
            id,
            lines,
            seenMs,
            isAnchor ? 1 : 0,
          );
        }
      }),
  };
}
