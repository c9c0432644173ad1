/** The heights at which this node has signed a block: two blocks for one height would be slashed. */
import type { Address } from "@holdfast/base";
import type { Database } from "../database.ts";

export interface SignedHeights {
  /** False if a block for this height or a later one was signed before; otherwise it is now on disk. */
  claim(miner: Address, height: number): boolean;
  won(miner: Address): { readonly blocks: number; readonly lastHeight: number | null };
  count(miner: Address, height: number): void;
}

export function openSignedHeights(database: Database): SignedHeights {
  database.migrate("mine", [
    `CREATE TABLE mine_heights (
       miner TEXT PRIMARY KEY, claimed INTEGER NOT NULL, blocks INTEGER NOT NULL, last_height INTEGER
     ) STRICT`,
  ]);
  return {
    claim: (miner, height) =>
      database.transaction(() => {
        const row = database.get("SELECT claimed FROM mine_heights WHERE miner = ?", miner);
        if (typeof row?.claimed === "number" && row.claimed >= height) return false;
        database.run(
          `INSERT INTO mine_heights VALUES (?, ?, 0, NULL)
           ON CONFLICT (miner) DO UPDATE SET claimed = excluded.claimed`,
          miner,
          height,
        );
        return true;
      }),
    won(miner) {
      const row = database.get("SELECT blocks, last_height FROM mine_heights WHERE miner = ?", miner);
      return {
        blocks: typeof row?.blocks === "number" ? row.blocks : 0,
        lastHeight: typeof row?.last_height === "number" ? row.last_height : null,
      };
    },
    count(miner, height) {
      database.run(
        "UPDATE mine_heights SET blocks = blocks + 1, last_height = ? WHERE miner = ?",
        height,
        miner,
      );
    },
  };
}
