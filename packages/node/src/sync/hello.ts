/**
 * `/fil/hello/1.0.0`: on every new connection both sides say which network they are of and which head
 * they have. Another genesis ends the connection. Fields and limits as in go-filecoin 2019.
 */
import { type CID, type Clock, type Codec, c, type Logger, type PeerId, type Wire } from "@holdfast/base";
import { maxParents } from "@holdfast/consensus";
import { FrameReader, sendMessage, withDeadline } from "../framing.ts";
import { syncErrors } from "./errors.ts";
import type { SyncChain } from "./needs.ts";

export const helloProtocol = "/fil/hello/1.0.0";

/** Who greets again and again is answered no more often. */
const answerPauseMs = 5_000;
/** Deadline of a hello stream in go-filecoin 2019. */
const helloTimeoutMs = 10_000;

export interface Hello {
  readonly genesisHash: CID;
  readonly heaviestTipSetCids: readonly CID[];
  readonly heaviestTipSetHeight: number;
}

export const helloCodec: Codec<Hello> = c.tuple("Hello", {
  genesisHash: c.cid,
  heaviestTipSetCids: c.list(c.cid, maxParents),
  heaviestTipSetHeight: c.uint(),
});

export interface HelloNeeds {
  readonly chain: SyncChain;
  readonly wire: Wire;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Greeter {
  /** Says hello to everybody once more; whoever is ahead of us says so itself when it hears it. */
  again(): void;
  /** Says hello to a peer once more, at most once in a while: it may not know where we are. */
  to(peer: PeerId): void;
  end(): void;
}

/** Answers hellos and says hello to every peer; `heard` gets those of our own network. */
export function openHello(needs: HelloNeeds, heard: (peer: PeerId, hello: Hello) => void): Greeter {
  const { chain, wire, clock, logger } = needs;
  const options = { timeoutMs: helloTimeoutMs, protocol: helloProtocol };
  /** When each connected peer was greeted last. */
  const greeted = new Map<PeerId, number>();

  const greet = async (peer: PeerId): Promise<void> => {
    if (greeted.has(peer)) return;
    greeted.set(peer, clock.nowMs());
    try {
      await withDeadline(clock, options, async (signal) => {
        const stream = await wire.open(peer, helloProtocol, signal);
        await sendMessage(stream, helloCodec, ownHello(chain), signal);
        await stream.closeWrite();
      });
    } catch (error) {
      greeted.delete(peer);
      logger.debug("hello not delivered", { peer, detail: String(error) });
    }
  };

  const endHandler = wire.handle(helloProtocol, async (stream) => {
    try {
      const hello = await withDeadline(clock, options, (signal) =>
        new FrameReader(stream).readMessage(helloCodec, signal),
      );
      await stream.closeWrite();
      if (hello === undefined) return;
      if (hello.genesisHash.equals(chain.genesis.cids[0])) heard(stream.peer, hello);
      else {
        logger.warn("peer of another network", { peer: stream.peer, genesis: hello.genesisHash.toString() });
        await wire.disconnect(stream.peer);
      }
    } catch (error) {
      stream.abort(error instanceof Error ? error : syncErrors.stopped({}, error));
    }
  });
  const endPeers = wire.onPeer((event, peer) => {
    if (event === "disconnect") greeted.delete(peer);
    else void greet(peer);
  });
  for (const { id } of wire.peers()) void greet(id);
  return {
    again() {
      greeted.clear();
      for (const { id } of wire.peers()) void greet(id);
    },
    to(peer) {
      if (clock.nowMs() - (greeted.get(peer) ?? 0) < answerPauseMs) return;
      greeted.delete(peer);
      void greet(peer);
    },
    end() {
      endHandler();
      endPeers();
    },
  };
}

function ownHello(chain: SyncChain): Hello {
  const head = chain.head();
  const [genesisHash] = chain.genesis.cids;
  if (genesisHash === undefined) throw syncErrors.stopped({});
  return { genesisHash, heaviestTipSetCids: head.cids, heaviestTipSetHeight: head.height };
}
