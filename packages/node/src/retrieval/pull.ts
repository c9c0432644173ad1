/**
 * A cache that others read through: what somebody wants and this node does not have, it fetches from whoever has it,
 * block by block, keeps within the quota of files and gives on. Off unless the operator turns it on. Bounded: roots
 * at a time, what it costs beyond what it earns, and no pulling for one who pulls.
 */
import { type AttoFil, attoFil, type CID, type PeerId } from "@holdfast/base";
import { limits } from "../limits.ts";
import { Risk, RiskyBudget } from "./budget.ts";
import type { LocalFiles } from "./local-files.ts";
import type { SwarmTools } from "./swarm.ts";
import { SwarmReader } from "./swarm-reader.ts";

export interface Pull {
  read(cid: CID): Promise<Uint8Array>;
  close(): void;
}

export interface PulledBlocks extends AsyncDisposable {
  /** Undefined if it is off, if too much is under way, or if nobody has the root. */
  open(root: CID): Promise<Pull | undefined>;
  readonly pulledBytes: number;
}

interface Running {
  readonly reader: Promise<SwarmReader>;
  users: number;
}

export function openPulls(needs: {
  readonly tools: SwarmTools;
  readonly files: LocalFiles;
  /** What others may be paid for a byte; undefined: off. */
  readonly mostPerByte: () => AttoFil | undefined;
  /** What blocks have earned. */
  readonly earned: () => AttoFil;
  readonly providersOf: (root: CID) => Promise<readonly PeerId[]>;
}): PulledBlocks {
  const { tools, files, mostPerByte, providersOf } = needs;
  const running = new Map<string, Running>();
  const closing = new Set<Promise<void>>();
  const risk = new Risk(needs.earned);
  let pulledBytes = 0;
  const start = (name: string, root: CID, most: AttoFil): Running => {
    const of = (bytes: number): AttoFil => attoFil(most * BigInt(bytes));
    const budget = new RiskyBudget(of(limits.pulledBytesPerRoot), risk, of(limits.pulledRiskBytes));
    const request = { root, signal: undefined, budget, mayFetch: false, mostPerByte: most };
    const reader = providersOf(root).then(
      (providers) => new SwarmReader(tools, files, { ...request, providers }),
    );
    const one = { reader, users: 0 };
    running.set(name, one);
    return one;
  };
  const release = (name: string, one: Running): void => {
    one.users--;
    if (one.users > 0) return;
    if (running.get(name) === one) running.delete(name);
    const left: Promise<void> = leaveOf(one).finally(() => closing.delete(left));
    closing.add(left);
  };
  return {
    get pulledBytes() {
      return pulledBytes;
    },
    async open(root) {
      const most = mostPerByte();
      const name = root.toString();
      if (most === undefined || (!running.has(name) && running.size >= limits.pulledRoots)) return undefined;
      const one = running.get(name) ?? start(name, root, most);
      one.users++;
      const read = async (cid: CID): Promise<Uint8Array> => (await one.reader).read(cid);
      try {
        await read(root);
      } catch {
        release(name, one);
        return undefined;
      }
      let isOpen = true;
      return {
        async read(cid) {
          const bytes = await read(cid);
          pulledBytes += bytes.length;
          return bytes;
        },
        close() {
          if (isOpen) release(name, one);
          isOpen = false;
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...running.values()].map(leaveOf));
      await Promise.allSettled([...closing]);
    },
  };
}

async function leaveOf({ reader }: Running): Promise<void> {
  const opened = await reader.catch(() => undefined);
  await opened?.leave();
}
