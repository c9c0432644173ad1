/** The metadata in PostgreSQL: the suite of all engines on the server of the tests, and what is this one's own. */
import { codeOf, SimClock, SimDisk } from "@holdfast/base/testing";
import { openStorage } from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import { metadataSuite } from "./metadata-suite.ts";
import { migrationSuite, migrationTroubles } from "./migration-suite.ts";
import { cutConnections, freshUrl, inPostgres, postgresUrl, schemaOf } from "./postgres.ts";
import { identity, prover, reaches, scratch, sectorBytes, ticketAt } from "./support.ts";

const files = scratch();
afterAll(() => files.remove());

const open = (dbPath: string, disk = new SimDisk()) =>
  openStorage({ disk, dbPath, prover, clock: new SimClock(), sectorBytes });

describe.runIf(postgresUrl !== undefined)("with a server", () => {
  metadataSuite("metadata in PostgreSQL", freshUrl);
  migrationSuite("metadata from SQLite to PostgreSQL", files.next, freshUrl);
  migrationTroubles("metadata from SQLite to PostgreSQL", files.next, freshUrl);
  migrationSuite("metadata from PostgreSQL to SQLite", freshUrl, files.next);
  migrationTroubles("metadata from PostgreSQL to SQLite", freshUrl, files.next);

  it("of another program, of a newer version, or nowhere is refused and not touched", async () => {
    const foreign = freshUrl();
    const schema = schemaOf(foreign);
    await inPostgres(foreign, (client) =>
      client.query(`CREATE SCHEMA ${schema} CREATE TABLE deals (id INT)`),
    );
    expect(await codeOf(open(foreign))).toBe("storage/foreign-database");
    const newer = freshUrl();
    await (await open(newer)).close();
    await inPostgres(newer, (client) => client.query("UPDATE versions SET version = 99"));
    expect(await codeOf(open(newer))).toBe("storage/schema-too-new");
    expect(await codeOf(open("postgres://a:secret@localhost:1/none"))).toBe("storage/database-unreachable");
    expect(String(await open("postgres://a:secret@localhost:1/none").catch(String))).not.toContain("secret");
    expect(await codeOf(open("postgres://localhost"))).toBe("storage/bad-database-url");
    expect(await codeOf(open(`${postgresUrl}&schema=a;b`))).toBe("storage/bad-database-url");
  });

  it("lies in the schema that is named, whatever else the server is told by the URL", async () => {
    const url = freshUrl();
    const told = `${url}&options=${encodeURIComponent("-c search_path=public -c statement_timeout=7s")}`;
    await (await open(told)).close();
    const tables = await inPostgres(url, (client) => client.query("SELECT * FROM sectors, versions"));
    expect(tables.rows).toEqual([]);
  });

  it("is opened by several at once: the schema is made once, and the last one has it", async () => {
    const url = freshUrl();
    const disk = new SimDisk();
    const add = async () => {
      await using storage = await open(url, disk);
      return await storage.addCommittedCapacity();
    };
    const codes = await Promise.all([1, 2, 3, 4].map(() => codeOf(add())));
    expect(new Set(codes)).toEqual(new Set(["no error", "storage/taken-over"]));
    await using last = await open(url, disk);
    const made = codes.filter((code) => code === "no error").length;
    expect((await last.countSectors())[0]?.sectorCount).toBe(made);
  });

  it("wakes consumers of another process, and again after all connections were cut", async () => {
    const url = freshUrl();
    const disk = new SimDisk();
    await using watching = await open(url, disk);
    const events = watching.events(0)[Symbol.asyncIterator]();
    await using working = await open(url, disk);
    await working.addCommittedCapacity();
    expect((await events.next()).value).toMatchObject({ sectorId: 1, to: "closing" });
    await cutConnections(url);
    for (;;) if ((await codeOf(working.addCommittedCapacity())) === "no error") break;
    expect((await events.next()).value).toMatchObject({ sectorId: 2 });
  });

  it("loses no seal when the server goes away while it runs", async () => {
    const url = freshUrl();
    const clock = new SimClock();
    const disk = new SimDisk();
    await using storage = await openStorage({ disk, dbPath: url, prover, clock, sectorBytes });
    await storage.addCommittedCapacity();
    await storage.startSeal(1, ticketAt(1), identity);
    await cutConnections(url);
    const sealed = reaches(storage, 1, "sealed", "failed");
    let isOver = false;
    void sealed.then(() => (isOver = true));
    while (!isOver) {
      await clock.advance(1_000); // what could not be recorded is tried again
      await new Promise(setImmediate);
    }
    expect(await sealed).toMatchObject({ to: "sealed" });
  });
});
