/** A PostgreSQL that does not answer for a while: it is known since when, and said once at its beginning and end. */
import { once } from "node:events";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import type { Logger } from "@holdfast/base";
import { codeOf, SimClock, SimDisk } from "@holdfast/base/testing";
import { openStorage } from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import { freshUrl, inPostgres, postgresUrl, schemaOf } from "./postgres.ts";
import { prover, sectorBytes } from "./support.ts";

/** A way to the server of the tests that can be closed and opened again. */
class Way {
  #server: Server | undefined;
  #port = 0;
  /** Said to whoever comes, instead of letting them through. */
  #refusal: Buffer | undefined;
  refusedCount = 0;
  readonly #sockets = new Set<Socket>();

  async open(): Promise<void> {
    const folder = new URL(postgresUrl ?? "").searchParams.get("host");
    const server = createServer((socket) => {
      if (this.#refusal !== undefined) {
        this.refusedCount++;
        socket.on("error", () => undefined).resume();
        socket.end(this.#refusal);
        return;
      }
      const there = createConnection(`${folder}/.s.PGSQL.5432`);
      for (const [one, other] of [
        [socket, there],
        [there, socket],
      ] as const) {
        this.#sockets.add(one);
        one
          .on("error", () => undefined)
          .on("close", () => {
            this.#sockets.delete(one);
            other.destroy();
          });
        one.pipe(other);
      }
    });
    this.#server = server;
    server.listen(this.#port, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    this.#port = typeof address === "object" && address !== null ? address.port : 0;
  }
  /** Who is connected stays so. */
  refuse(refusal: Buffer): void {
    this.#refusal = refusal;
  }
  async close(): Promise<void> {
    const closed = this.#server === undefined ? undefined : once(this.#server.close(), "close");
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
  urlOf(url: string): string {
    const { search } = new URL(url);
    const schema = new URLSearchParams(search).get("schema");
    return `postgres://holdfast@127.0.0.1:${this.#port}/postgres?schema=${schema}`;
  }
}

/** An ErrorResponse (postgresql.org/docs/15/protocol-message-formats.html). */
function errorResponse(state: string): Buffer {
  const fields = `SFATAL\0VFATAL\0C${state}\0Msorry\0\0`;
  const head = Buffer.from("E....");
  head.writeInt32BE(4 + fields.length, 1);
  return Buffer.concat([head, Buffer.from(fields)]);
}

/** Ends the connection that listens; whoever listens tries to have another from then on. */
async function cutListener(url: string): Promise<void> {
  const listens = "application_name = $1 AND query LIKE 'LISTEN%'";
  const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${listens}`;
  const name = `holdfast ${schemaOf(url)}`;
  await inPostgres(url, (client) =>
    expect.poll(async () => (await client.query(cut, [name])).rowCount).toBe(1),
  );
}

function logged(): { readonly logger: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const at = (level: string) => (event: string) => void lines.push(`${level} ${event}`);
  return {
    lines,
    logger: { debug: () => undefined, info: at("info"), warn: at("warn"), error: at("error") },
  };
}

const patient = { timeout: 60_000 };
const linesOf = (lines: readonly string[]) => lines.filter((line) => line.includes("database"));

async function storageBehind(way: Way, url: string) {
  const { logger, lines } = logged();
  const parts = { disk: new SimDisk(), dbPath: way.urlOf(url), prover, clock: new SimClock(), logger };
  return { storage: await openStorage({ ...parts, sectorBytes }), lines };
}

describe.runIf(postgresUrl !== undefined)("a database that is away for a while", () => {
  it("is known to be, since when, and is told of once at the beginning and once at the end", async () => {
    const way = new Way();
    await way.open();
    const clock = new SimClock();
    const { logger, lines } = logged();
    const url = way.urlOf(freshUrl());
    const parts = { disk: new SimDisk(), dbPath: url, prover, clock, logger, sectorBytes };
    await using storage = await openStorage(parts);
    expect(storage.metadataSilence).toBe(undefined);
    await way.close();
    const sinceMs = clock.nowMs();
    await expect.poll(() => storage.metadataSilence, patient).toMatchObject({ sinceMs }); // whoever listens has noticed
    await clock.advance(5_000);
    for (let asked = 0; asked < 20; asked++)
      expect(await codeOf(storage.countSectors())).toBe("storage/database-unreachable");
    expect(storage.metadataSilence).toEqual({ sinceMs, detail: expect.stringContaining("ECONNREFUSED") });
    await way.open();
    await expect.poll(() => storage.metadataSilence, patient).toBe(undefined);
    expect(await storage.countSectors()).toEqual([]);
    expect(lines.filter((line) => line.includes("database"))).toEqual([
      "error storage: the database of sectors does not answer",
      "warn storage: the database of sectors answers again",
    ]);
    await storage.close();
    await way.close();
  });
});

describe.runIf(postgresUrl !== undefined)("a database that answers is not called silent", () => {
  it("when all connections of the process are in use for longer than anybody waits for one", async () => {
    const [way, url] = [new Way(), freshUrl()];
    await way.open();
    const { storage, lines } = await storageBehind(way, url);
    await inPostgres(url, async (client) => {
      await client.query("BEGIN");
      const tables = await client.query("SELECT tablename FROM pg_tables WHERE schemaname = $1", [
        schemaOf(url),
      ]);
      for (const { tablename } of tables.rows)
        await client.query(`LOCK TABLE ${tablename} IN ACCESS EXCLUSIVE MODE`);
      const asked = Array.from({ length: 12 }, () => codeOf(storage.countSectors()));
      expect(await Promise.race(asked)).toBe("storage/database-unreachable");
      expect([storage.metadataSilence, linesOf(lines)]).toEqual([undefined, []]);
      await client.query("ROLLBACK");
      await Promise.all(asked);
    });
    expect(linesOf(lines)).toEqual([]);
    await storage.close();
    await way.close();
  });

  it("when nobody new gets through, and open connections answer", async () => {
    const [way, url] = [new Way(), freshUrl()];
    await way.open();
    const { storage, lines } = await storageBehind(way, url);
    way.refuse(Buffer.alloc(0));
    await cutListener(url);
    const refused = async () => {
      expect(await storage.countSectors()).toEqual([]);
      return way.refusedCount;
    };
    await expect.poll(refused, patient).toBeGreaterThan(7);
    expect([storage.metadataSilence, linesOf(lines)]).toEqual([undefined, []]);
    await storage.close();
    await way.close();
  });

  it("when it says that it has room for no more, however long nothing else is asked", async () => {
    const [way, url] = [new Way(), freshUrl()];
    await way.open();
    const { storage, lines } = await storageBehind(way, url);
    way.refuse(errorResponse("53300"));
    await cutListener(url);
    await expect.poll(() => way.refusedCount, patient).toBeGreaterThan(7);
    expect([storage.metadataSilence, linesOf(lines)]).toEqual([undefined, []]);
    await storage.close();
    await way.close();
  });
});
