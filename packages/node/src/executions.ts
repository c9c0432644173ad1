/**
 * Executions of tipsets that the nodes of one process share: of a local network every node would execute every tipset,
 * and find the same. What a node takes from another is the outcome of applying the same blocks to the same state:
 * state root, receipts, and the objects that the new state has beyond its parent's, which the taker holds. Each node
 * checks headers, signatures and bodies itself before it asks here. Invariants: an execution is taken only for the
 * network, parent state and tipset that it was made for, and only if it gives what a single block claims; one that
 * failed is taken by nobody, so whoever meets a bad block refuses it by its own execution; memory is bounded.
 */
import { type CID, toHex } from "@holdfast/base";
import type { Tipset, TipsetResult } from "@holdfast/consensus";
import { Bounded } from "./bounded.ts";
import { limits } from "./limits.ts";

export interface ExecutionPlace {
  readonly networkId: Uint8Array;
  readonly parentState: CID;
  readonly tipset: Tipset;
}

export interface Execution {
  readonly result: TipsetResult;
  /** All that was written, to be put where the parent state is. */
  readonly objects: readonly { readonly cid: CID; readonly bytes: Uint8Array }[];
}

export interface Executions {
  /** The execution of a tipset, by `execute` unless somebody else has made it or is about to. */
  of(place: ExecutionPlace, execute: () => Promise<Execution>): Promise<Execution>;
}

/** Each node executes everything itself. */
export const aloneExecutions: Executions = { of: (_place, execute) => execute() };

/** For nodes of one network in one process, which know the same versions of its rules. */
export function shareExecutions(): Executions {
  const known = new Bounded<Promise<Execution>>(limits.sharedExecutions);
  return {
    async of(place, execute) {
      const key = `${toHex(place.networkId)} ${place.parentState} ${place.tipset.key}`;
      const other = known.get(key);
      if (other !== undefined) {
        const made = await other.catch(() => undefined);
        if (made !== undefined && isOf(place, made)) return made;
      }
      const own = execute();
      known.set(key, own);
      own.catch(() => {
        if (known.get(key) === own) known.delete(key);
      });
      return own;
    },
  };
}

/** A tipset of several blocks claims no state: its next one does. */
function isOf({ tipset }: ExecutionPlace, { result }: Execution): boolean {
  const [only, second] = tipset.blocks;
  return only === undefined || second !== undefined || only.stateRoot.equals(result.stateRoot);
}
