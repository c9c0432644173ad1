/** Bans and scores in SQLite. */
import type { Database } from "../database.ts";
import type { Ban, BanStore } from "./bans.ts";
import { deedNames, type KeptScore, type ScoreStore } from "./scores.ts";

const tables: readonly string[] = [
  `CREATE TABLE net_bans (
       subject TEXT PRIMARY KEY, kind TEXT NOT NULL, reason TEXT NOT NULL, by TEXT NOT NULL,
       from_ms INTEGER NOT NULL, until_ms INTEGER
     ) STRICT`,
  `CREATE TABLE net_scores (
       peer TEXT PRIMARY KEY, score REAL NOT NULL, at_ms INTEGER NOT NULL, deeds TEXT NOT NULL
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

export function openScoreStore(database: Database): ScoreStore {
  database.migrate("net", tables);
  return {
    load: () =>
      database.all("SELECT * FROM net_scores ORDER BY at_ms, peer").map((row): KeptScore => {
        const { peer, score, at_ms, deeds } = row;
        return {
          peerId: String(peer),
          score: Number(score),
          atMs: Number(at_ms),
          deeds: deedsOf(String(deeds)),
        };
      }),
    save: (scores) =>
      database.transaction(() => {
        database.run("DELETE FROM net_scores");
        for (const { peerId, score, atMs, deeds } of scores)
          database.run("INSERT INTO net_scores VALUES (?, ?, ?, ?)", peerId, score, atMs, textOf(deeds));
      }),
  };
}

/** `lied 1 useful 20` */
function textOf(deeds: KeptScore["deeds"]): string {
  return deedNames.flatMap((name) => (deeds[name] === undefined ? [] : [`${name} ${deeds[name]}`])).join(" ");
}
function deedsOf(text: string): KeptScore["deeds"] {
  const words = text.split(" ");
  const counts = deedNames.map((name) => [name, Number(words[words.indexOf(name) + 1] ?? 0)] as const);
  return Object.fromEntries(counts.filter(([name, count]) => words.includes(name) && count > 0));
}
