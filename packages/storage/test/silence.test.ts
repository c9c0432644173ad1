/** A PostgreSQL that does not answer for a while: it is known since when, and said once at its beginning and end. */
import { once } from "node:events";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import type { Logger } from "@holdfast/base";
import { codeOf, SimClock, SimDisk } from "@holdfast/base/testing";
import { openStorage } from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import { freshUrl, postgresUrl } from "./postgres.ts";
import { prover, sectorBytes } from "./support.ts";

/** A way to the server of the tests that can be closed and opened again. */
class Way {
  #server: Server | undefined;
  #port = 0;
  readonly #sockets = new Set<Socket>();

  async open(): Promise<void> {
    const folder = new URL(postgresUrl ?? "").searchParams.get("host");
    const server = createServer((socket) => {
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

function logged(): { readonly logger: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const at = (level: string) => (event: string) => void lines.push(`${level} ${event}`);
  return {
    lines,
    logger: { debug: () => undefined, info: at("info"), warn: at("warn"), error: at("error") },
  };
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
    await expect.poll(() => storage.metadataSilence).toMatchObject({ sinceMs }); // whoever listens has noticed
    await clock.advance(5_000);
    for (let asked = 0; asked < 20; asked++)
      expect(await codeOf(storage.countSectors())).toBe("storage/database-unreachable");
    expect(storage.metadataSilence).toEqual({ sinceMs, detail: expect.stringContaining("ECONNREFUSED") });
    await way.open();
    await expect.poll(() => storage.metadataSilence).toBe(undefined);
    expect(await storage.countSectors()).toEqual([]);
    expect(lines.filter((line) => line.includes("database"))).toEqual([
      "error storage: the database of sectors does not answer",
      "warn storage: the database of sectors answers again",
    ]);
    await storage.close();
    await way.close();
  });
});
