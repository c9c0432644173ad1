/** Lists of the chain that may be long: what else runs in this thread has its turn between the parts of one. */
import { limits } from "../limits.ts";

export async function* inTurns<Entry>(list: Iterable<Entry>): AsyncGenerator<Entry> {
  let given = 0;
  for (const entry of list) {
    yield entry;
    given += 1;
    if (given % limits.pinOrdersAtOnce === 0) await new Promise((later) => setImmediate(later));
  }
}
