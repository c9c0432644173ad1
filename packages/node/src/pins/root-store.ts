/** The tables of the embedded back end: roots, and which root needs which block. */
import type { Database } from "../database.ts";
import type { PinSize } from "./backend.ts";

export interface RootStore {
  /** Undefined until the walk of the root has ended. */
  sizeOf(root: Uint8Array): PinSize | undefined;
  idOf(root: Uint8Array): number | undefined;
  /** The id of a root, which is there from now on. */
  begin(root: Uint8Array): number;
  finish(id: number, size: PinSize): void;
  unfinish(id: number): void;
  need(id: number, blocks: readonly Uint8Array[]): void;
  needs(block: Uint8Array): boolean;
  /**
   * Takes some of the root's blocks from it: those that no root needs any more. Undefined when it had none left; then
   * the root is gone.
   */
  release(id: number, most: number): readonly Uint8Array[] | undefined;
}

const tables: readonly string[] = [
  `CREATE TABLE pins_roots (
     id INTEGER PRIMARY KEY, root BLOB NOT NULL UNIQUE, blocks INTEGER, bytes INTEGER
   ) STRICT;
   CREATE TABLE pins_blocks (
     root_id INTEGER NOT NULL, block BLOB NOT NULL, PRIMARY KEY (root_id, block)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX pins_blocks_by_block ON pins_blocks (block);`,
];

export function openRootStore(database: Database): RootStore {
  database.migrate("pins_roots", tables);
  const needs = (block: Uint8Array): boolean =>
    database.get("SELECT 1 AS one FROM pins_blocks WHERE block = ? LIMIT 1", block) !== undefined;
  const idOf = (root: Uint8Array): number | undefined => {
    const row = database.get("SELECT id FROM pins_roots WHERE root = ?", root);
    return row && Number(row.id);
  };
  return {
    idOf,
    needs,
    sizeOf(root) {
      const row = database.get(
        "SELECT blocks, bytes FROM pins_roots WHERE root = ? AND blocks IS NOT NULL",
        root,
      );
      return row && { blocks: Number(row.blocks), bytes: Number(row.bytes) };
    },
    begin(root) {
      database.run("INSERT INTO pins_roots (root) VALUES (?) ON CONFLICT (root) DO NOTHING", root);
      return idOf(root) ?? 0;
    },
    finish: (id, { blocks, bytes }) =>
      database.run("UPDATE pins_roots SET blocks = ?, bytes = ? WHERE id = ?", blocks, bytes, id),
    unfinish: (id) => database.run("UPDATE pins_roots SET blocks = NULL, bytes = NULL WHERE id = ?", id),
    need: (id, blocks) =>
      database.transaction(() => {
        for (const block of blocks)
          database.run("INSERT INTO pins_blocks VALUES (?, ?) ON CONFLICT DO NOTHING", id, block);
      }),
    release: (id, most) =>
      database.transaction(() => {
        const rows = database.all("SELECT block FROM pins_blocks WHERE root_id = ? LIMIT ?", id, most);
        if (rows.length === 0) {
          database.run("DELETE FROM pins_roots WHERE id = ?", id);
          return undefined;
        }
        const blocks = rows.map(({ block }) => block as Uint8Array);
        for (const block of blocks)
          database.run("DELETE FROM pins_blocks WHERE root_id = ? AND block = ?", id, block);
        return blocks.filter((block) => !needs(block));
      }),
  };
}
