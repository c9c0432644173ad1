/**
 * The faucet of a test network: a node with money gives what the genesis allows to whoever asks, within limits per
 * address, peer, machine and time; every other node asks for it. On a network whose money has a value there is none,
 * by the parameters and again here.
 */
import type { MethodResult } from "@holdfast/api";
import { type AttoFil, assert, type CID, filText, HoldfastError, type PeerId } from "@holdfast/base";
import { faucetErrors } from "./errors.ts";
import type { AskOptions, FaucetNeeds, FaucetRequest } from "./needs.ts";
import { askFaucet, type Paid, serveFaucet } from "./protocol.ts";
import { amountNow, Teller } from "./teller.ts";

export { faucetErrors } from "./errors.ts";
export type {
  AskOptions,
  FaucetChain,
  FaucetLimits,
  FaucetNeeds,
  FaucetRequest,
  FaucetSender,
  FaucetService,
} from "./needs.ts";
export { faucetProtocol } from "./protocol.ts";
export { machineOf } from "./rules.ts";

export interface Faucet extends AsyncDisposable {
  /** Errors: `faucet/…`, `wire/…`, `net/…`. */
  ask(request: FaucetRequest, options: AskOptions): Promise<MethodResult<"faucet.ask">>;
  show(): MethodResult<"faucet.show">;
}

/** Rounds between two questions of a waiting requester: the message may have been replaced by a better paid one. */
const repeatRounds = 10;

/** Errors: `faucet/not-allowed-here`, `faucet/not-ours`. */
export function openFaucet(needs: FaucetNeeds): Faucet {
  const { service, wire, clock, chain } = needs;
  const stop = new AbortController();
  const teller = service === undefined ? undefined : new Teller(needs, service);
  const genesis = genesisOf(needs);
  const end =
    teller === undefined
      ? undefined
      : serveFaucet({
          wire,
          clock,
          async give(peer, { genesis: wanted, address, key }) {
            if (!wanted.equals(genesis)) throw faucetErrors.otherNetwork({ genesis: wanted.toString() });
            return await teller.give(peer, needs.remoteOf(peer), { address, key });
          },
        });
  return {
    async ask(request, options) {
      if (amountNow(needs) === 0n) throw faucetErrors.notAllowedHere({ network: chain.params.name });
      const signal = AbortSignal.any([stop.signal, options.signal as AbortSignal]);
      const { peer, paid, again } = await find(needs, teller, request, { from: options.from, signal });
      const wanted = { ...request, amount: paid.amount };
      const height =
        options.waitMs === 0
          ? null
          : await untilMined(needs, paid.message, {
              ...{ wanted, peer, again, signal },
              timeoutMs: options.waitMs,
            });
      return {
        cid: paid.message.toString(),
        peerId: peer,
        address: request.address,
        account: paid.account,
        amountFil: filText(paid.amount),
        balanceFil: filText(paid.balance),
        height,
      };
    },
    show: () => show(needs, teller),
    async [Symbol.asyncDispose]() {
      end?.();
      stop.abort(faucetErrors.stopped({}));
      await teller?.stop();
    },
  };
}

function genesisOf({ chain }: FaucetNeeds): CID {
  const [genesis] = chain.genesis.cids;
  assert(genesis !== undefined, "a chain has a genesis block");
  return genesis;
}

function show(needs: FaucetNeeds, teller: Teller | undefined): MethodResult<"faucet.show"> {
  const { limits, chain } = needs;
  const amount = amountNow(needs);
  return {
    network: chain.params.name,
    amountFil: amount === 0n ? null : filText(amount),
    windowMs: limits.faucetWindowMs,
    mostPerAddress: limits.faucetPerAddress,
    mostPerPeer: limits.faucetPerPeer,
    mostPerMachine: limits.faucetPerMachine,
    mostInAll: limits.faucetInAll,
    mostPerMinute: limits.faucetPerMinute,
    serving:
      teller === undefined
        ? null
        : { account: teller.account, balanceFil: filText(teller.balance), paid: teller.paid },
  };
}

interface Found {
  readonly peer: PeerId;
  readonly paid: Paid;
  /** The same request to the same faucet. */
  again(): Promise<Paid>;
}

/** Who pays: this node, the one that was named, or the first of the peers that does. */
async function find(
  needs: FaucetNeeds,
  teller: Teller | undefined,
  request: FaucetRequest,
  { from, signal }: { readonly from: string | undefined; readonly signal: AbortSignal },
): Promise<Found> {
  const { wire } = needs;
  const genesis = genesisOf(needs);
  const tryPeer = async (peer: PeerId): Promise<Found> => {
    const again = () => askFaucet(needs, peer, { genesis, ...request }, signal);
    return { peer, paid: await again(), again };
  };
  if (teller !== undefined && (from === undefined || from === wire.self)) {
    const again = () => teller.give(wire.self, undefined, request);
    return { peer: wire.self, paid: await again(), again };
  }
  if (from !== undefined) {
    const peer = from.startsWith("/") ? await wire.connect(from, signal) : (from as PeerId);
    try {
      return await tryPeer(peer);
    } catch (error) {
      const isUnserved = error instanceof HoldfastError && error.code === "wire/protocol-unsupported";
      throw isUnserved ? faucetErrors.notServed({ peer }, error) : error;
    }
  }
  const peers = wire.peers().slice(0, needs.limits.faucetAsked);
  const failures: HoldfastError[] = [];
  for (const { id } of peers) {
    try {
      return await tryPeer(id);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof HoldfastError)) throw error;
      if (error.code !== "wire/protocol-unsupported") failures.push(error);
    }
  }
  // What a faucet said tells more than that others are silent.
  throw (
    failures.find(({ code }) => code.startsWith("faucet/")) ??
    faucetErrors.noneKnown({ asked: peers.length }, failures[0])
  );
}

interface Wanted {
  readonly wanted: { readonly address: string; readonly amount: AttoFil };
  readonly peer: PeerId;
  readonly again: () => Promise<Paid>;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** The height at which the payment is in the chain, read there. Errors: `faucet/not-mined`, `faucet/bad-answer`. */
async function untilMined(
  { chain, sender, clock }: FaucetNeeds,
  first: CID,
  { wanted, peer, again, signal, timeoutMs }: Wanted,
): Promise<number> {
  const endMs = clock.nowMs() + timeoutMs;
  let cid = first;
  for (let round = 1; ; round += 1) {
    const found = sender.find(cid);
    if (found?.mined !== undefined) {
      const { to, value } = found.message.message;
      const isPaid = to === wanted.address && value === wanted.amount && found.mined.receipt.exitCode === 0;
      if (!isPaid) {
        const detail = `the message ${cid} is not the payment of ${filText(wanted.amount)} FIL`;
        throw faucetErrors.badAnswer({ peer, detail });
      }
      return found.mined.tipset.height;
    }
    if (clock.nowMs() >= endMs) throw faucetErrors.notMined({ cid: cid.toString(), timeoutMs });
    await clock.sleep(Math.max(1, Math.min(chain.params.roundMs, endMs - clock.nowMs())), signal);
    if (round % repeatRounds !== 0) continue;
    try {
      cid = (await again()).message;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof HoldfastError)) throw error;
    }
  }
}
