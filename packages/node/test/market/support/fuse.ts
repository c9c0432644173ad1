/**
 * Killing a process at an exact point: after the n-th effect on the world (a committed write, a message handed
 * to the sender, a piece handed to the storage, a stream opened) nothing of the process has any effect any more.
 * What it does until it is disposed of throws, like calls into a process that is gone.
 */
import type { Database } from "../../../src/database.ts";
import type { ClientMarketNeeds, MinerMarketNeeds } from "../../../src/market/index.ts";

class Killed extends Error {
  override readonly name = "Killed";
}

export class Fuse {
  #left: number;
  /** Effects so far. */
  count = 0;
  /** What happened last before the end. */
  last = "";

  /** Infinity never blows. */
  constructor(effects: number) {
    this.#left = effects;
  }
  get blown(): boolean {
    return this.#left <= 0;
  }
  /** Throws in a dead process. */
  check(): void {
    if (this.blown) throw new Killed("the process is dead");
  }
  /** An effect has happened; it may have been the last. */
  effect(what: string): void {
    this.count += 1;
    this.#left -= 1;
    if (this.blown && this.last === "") this.last = what;
    this.check();
  }
}

const isWrite = (sql: string): boolean => /^\s*(INSERT|UPDATE|DELETE)/i.test(sql);

function mortalDatabase(database: Database, fuse: Fuse): Database {
  let depth = 0;
  // Inside of a transaction nothing has happened yet; its commit is the effect.
  const wrote = (sql: string): void => {
    if (depth === 0 && isWrite(sql)) fuse.effect(sql.trim().slice(0, 60));
  };
  return {
    migrate: (room, steps) => database.migrate(room, steps),
    run(sql, ...values) {
      fuse.check();
      database.run(sql, ...values);
      wrote(sql);
    },
    get(sql, ...values) {
      fuse.check();
      const row = database.get(sql, ...values);
      wrote(sql);
      return row;
    },
    all(sql, ...values) {
      fuse.check();
      return database.all(sql, ...values);
    },
    transaction(work) {
      fuse.check();
      depth += 1;
      try {
        return database.transaction(work);
      } finally {
        depth -= 1;
        if (depth === 0) fuse.effect("commit");
      }
    },
    [Symbol.dispose]: () => undefined,
  };
}

interface Shared {
  readonly sender: ClientMarketNeeds["sender"];
  readonly wire: ClientMarketNeeds["wire"];
  readonly database: Database;
}

function mortal(needs: Shared, fuse: Fuse): Shared {
  const { sender, wire } = needs;
  return {
    database: mortalDatabase(needs.database, fuse),
    sender: {
      async send(request) {
        fuse.check();
        const sent = await sender.send(request);
        fuse.effect(`send ${request.method}`);
        return sent;
      },
      async wait(cid, options) {
        const mined = await sender.wait(cid, options);
        fuse.check();
        return mined;
      },
      sentAs: (key) => sender.sentAs(key),
      find: (cid) => sender.find(cid),
    },
    wire: {
      self: wire.self,
      peers: () => wire.peers(),
      handle: (protocol, handler) => wire.handle(protocol, handler),
      async open(peer, protocol, signal) {
        fuse.check();
        const stream = await wire.open(peer, protocol, signal);
        fuse.effect(`open ${protocol}`);
        return stream;
      },
    },
  };
}

export function mortalClient(needs: ClientMarketNeeds, fuse: Fuse): ClientMarketNeeds {
  return { ...needs, ...mortal(needs, fuse) };
}

export function mortalMiner(needs: MinerMarketNeeds, fuse: Fuse): MinerMarketNeeds {
  const { storage } = needs;
  return {
    ...needs,
    ...mortal(needs, fuse),
    storage: {
      async addPiece(piece, signal) {
        fuse.check();
        const stored = await storage.addPiece(piece, signal);
        fuse.effect("addPiece");
        return stored;
      },
      getPiece: (key) => storage.getPiece(key),
      readPiece: (key, range) => storage.readPiece(key, range),
      doubtPiece: (key) => storage.doubtPiece(key),
      provePieceInclusion: (key) => storage.provePieceInclusion(key),
      async dropPiece(key) {
        fuse.check();
        await storage.dropPiece(key);
        fuse.effect("dropPiece");
      },
      async dropUnfinished(key) {
        fuse.check();
        await storage.dropUnfinished(key);
      },
      getSector: (id) => storage.getSector(id),
      maxUserBytesPerStagedSector: () => storage.maxUserBytesPerStagedSector(),
      async sealStagedSector(id) {
        fuse.check();
        const closed = await storage.sealStagedSector(id);
        fuse.effect("sealStagedSector");
        return closed;
      },
    },
  };
}
