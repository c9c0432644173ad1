/** Bans in SQLite. */
import type { Database } from "../database.ts";
import type { Ban, BanStore } from "./bans.ts";

const tables: readonly string[] = [
  `CREATE TABLE net_bans (
       subject TEXT PRIMARY KEY, kind TEXT NOT NULL, reason TEXT NOT NULL, by TEXT NOT NULL,
       from_ms INTEGER NOT NULL, until_ms INTEGER
     ) STRICT`,
];

export function openBanStore(database: Database): BanStore {
  database.migrate("net", tables);
  return {
    load: () =>
      database.all("SELECT * FROM net_bans ORDER BY from_ms, subject").map(
        (row): Ban => ({
          subject: String(row.subject),
          kind: row.kind === "peer" || row.kind === "address" ? row.kind : "range",
          reason: String(row.reason),
          by: row.by === "person" ? "person" : "score",
          fromMs: Number(row.from_ms),
          untilMs: row.until_ms === null ? undefined : Number(row.until_ms),
        }),
      ),
    put: ({ subject, kind, reason, by, fromMs, untilMs }) => {
      const values = [subject, kind, reason, by, fromMs, untilMs ?? null] as const;
      database.run("INSERT OR REPLACE INTO net_bans VALUES (?, ?, ?, ?, ?, ?)", ...values);
    },
    remove: (subject) => database.run("DELETE FROM net_bans WHERE subject = ?", subject),
  };
}
