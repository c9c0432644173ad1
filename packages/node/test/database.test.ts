/** The relations of a node: all or nothing, versions that only go forward, and a disk that may be full. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HoldfastError } from "@holdfast/base";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../src/database.ts";

const table = "CREATE TABLE room_things (name TEXT PRIMARY KEY) STRICT";

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof HoldfastError) return error.code;
    throw error;
  }
  return "no error";
}

describe("database", () => {
  it("runs each migration once", () => {
    using database = openDatabase(":memory:");
    database.migrate("room", [table]);
    database.run("INSERT INTO room_things VALUES ('a')");
    database.migrate("room", [table, "ALTER TABLE room_things ADD COLUMN size INTEGER"]);
    expect(database.all("SELECT * FROM room_things")).toEqual([{ name: "a", size: null }]);
  });

  it("refuses tables that a newer program made", () => {
    using database = openDatabase(":memory:");
    database.migrate("room", [table, "ALTER TABLE room_things ADD COLUMN size INTEGER"]);
    expect(codeOf(() => database.migrate("room", [table]))).toBe("database/newer");
  });

  it("undoes a transaction that fails, nested work included", () => {
    using database = openDatabase(":memory:");
    database.migrate("room", [table]);
    const failing = () =>
      database.transaction(() => {
        database.run("INSERT INTO room_things VALUES ('a')");
        database.transaction(() => database.run("INSERT INTO room_things VALUES ('b')"));
        database.run("INSERT INTO room_things VALUES ('a')");
      });
    expect(failing).toThrow();
    expect(database.all("SELECT * FROM room_things")).toEqual([]);
  });

  it("says that the disk is full, and keeps what was acknowledged", () => {
    using database = openDatabase(":memory:");
    database.migrate("room", ["CREATE TABLE room_things (name TEXT PRIMARY KEY, body BLOB) STRICT"]);
    database.run("INSERT INTO room_things VALUES ('kept', x'00')");
    database.get("PRAGMA max_page_count = 20");
    const fill = () => {
      for (let index = 0; index < 1000; index += 1) {
        database.run("INSERT INTO room_things VALUES (?, ?)", `row ${index}`, new Uint8Array(4096));
      }
    };
    expect(codeOf(fill)).toBe("database/full");
    expect(database.get("SELECT name FROM room_things WHERE name = 'kept'")).toEqual({ name: "kept" });
  });

  it("is not opened on something else", async () => {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-database-"));
    const path = join(folder, "node.db");
    await writeFile(path, "this is a text and no database, however long one may look at it");
    expect(codeOf(() => openDatabase(path))).toBe("database/damaged");
    await rm(folder, { recursive: true });
  });
});
