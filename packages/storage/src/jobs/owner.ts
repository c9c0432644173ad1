/**
 * Whose jobs a queue has: those of the miner whose node was the first to open it. Another miner's node would take jobs
 * whose files it does not have, and call off what it does not know, so it is refused before it has changed anything.
 * Who has left a queue keeps it: its records are beside it still.
 */
import { storageErrors } from "../errors.ts";
import type { Carrier, MovableQueue } from "./carry.ts";

/** The miner whose queue it is; undefined where no node has opened it yet. */
export async function ownerOfQueue({ carrier }: Pick<MovableQueue, "carrier">): Promise<string | undefined> {
  return await ownerOf(carrier);
}

/** For who works there and is no node. Throws storage/others-records: it is another miner's; nobody's is not marked. */
export async function assertQueueOf(
  { carrier }: Pick<MovableQueue, "carrier">,
  miner: string,
): Promise<void> {
  assertOwner(carrier, await ownerOf(carrier), miner);
}

/** Of two who ask at a time one gets it. Throws storage/others-records: it is another miner's. */
export async function ownQueue({ carrier }: Pick<MovableQueue, "carrier">, miner: string): Promise<void> {
  const mark = "INSERT INTO job_owner VALUES (1, ?) ON CONFLICT (one) DO NOTHING RETURNING owner";
  const [marked] = await carrier.all(mark, miner);
  assertOwner(carrier, marked === undefined ? await ownerOf(carrier) : miner, miner);
}

function assertOwner(carrier: Carrier, owner: string | undefined, miner: string): void {
  if (owner !== undefined && owner !== miner)
    throw storageErrors.othersRecords({ dbPath: carrier.place, owner: `miner ${owner}` });
}

async function ownerOf(carrier: Carrier): Promise<string | undefined> {
  const [row] = await carrier.all("SELECT owner FROM job_owner");
  return row === undefined ? undefined : String(row.owner);
}
