/** Methods about other programs of IPFS. */
import type { ApiHandlers, MethodResult } from "@holdfast/api";
import type { HandlerNeeds, IpfsDoor } from "../needs.ts";

type IpfsHandlers = Pick<ApiHandlers, "ipfs.status" | "ipfs.pull">;
type Line = MethodResult<"ipfs.pull">;

export function ipfsHandlers({ ipfs }: HandlerNeeds): IpfsHandlers {
  return {
    "ipfs.status": async () => ipfs.status(),
    "ipfs.pull": ({ cid, from }, signal) => pulling(ipfs, cid, from, signal),
  };
}

/** How far it is whenever somebody reads; what nobody read in time is overtaken by the next. */
async function* pulling(
  ipfs: IpfsDoor,
  cid: string,
  from: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Line, void, undefined> {
  let last: Line | undefined;
  let wake = Promise.withResolvers<void>();
  const done = ipfs.pull(
    cid,
    from,
    (progress) => {
      last = { cid, ...progress, made: null };
      wake.resolve();
    },
    signal,
  );
  let isOver = false;
  const over = (): void => {
    isOver = true;
    wake.resolve();
  };
  done.then(over, over);
  while (!isOver) {
    await wake.promise;
    wake = Promise.withResolvers<void>();
    if (last !== undefined && !isOver) yield last;
    last = undefined;
  }
  const { sizeBytes, carBytes, fetchedBlocks, fetchedBytes } = await done;
  yield { cid, fetchedBlocks, fetchedBytes, totalBytes: sizeBytes, made: { sizeBytes, carBytes } };
}
