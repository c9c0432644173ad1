/**
 * `/fil/genesis/1.0.0`: a network's genesis file from any of its nodes, for those who were invited. The request
 * names the genesis block; the answer is the file's length (0: not that one) and its bytes in frames. Invariant:
 * nothing of the answer is believed: the caller checks the file's blocks against the CID that it came with.
 */
import {
  type CID,
  type Clock,
  type Codec,
  c,
  concatBytes,
  HoldfastError,
  type PeerId,
  type Wire,
} from "@holdfast/base";
import { FrameReader, sendFrame, sendMessage, withDeadline } from "../framing.ts";
import { limits } from "../limits.ts";
import { discoveryErrors } from "./errors.ts";
import { checkInvitationTime, type Invitation } from "./invitation.ts";
import type { GenesisNeeds, JoinNeeds } from "./needs.ts";

export const genesisProtocol = "/fil/genesis/1.0.0";

const requestCodec: Codec<{ readonly cid: CID }> = c.tuple("GenesisRequest", { cid: c.cid });
const sizeCodec: Codec<{ readonly sizeBytes: number }> = c.tuple("GenesisSize", {
  sizeBytes: c.uint(limits.genesisBytes),
});

export function serveGenesis(needs: GenesisNeeds, wire: Wire, clock: Clock): () => void {
  let running = 0;
  return wire.handle(genesisProtocol, async (stream) => {
    running += 1;
    try {
      if (running > limits.genesisServed) throw discoveryErrors.busy({});
      const options = { timeoutMs: limits.genesisFetchMs, protocol: genesisProtocol };
      await withDeadline(clock, options, async (signal) => {
        const request = await new FrameReader(stream).readMessage(requestCodec, signal);
        const isOurs = request?.cid.equals(needs.cid) === true;
        const file = isOurs ? await needs.file() : new Uint8Array(0);
        await sendMessage(stream, sizeCodec, { sizeBytes: file.length }, signal);
        for (let at = 0; at < file.length; at += limits.frameBytes)
          await sendFrame(stream, file.subarray(at, at + limits.frameBytes), signal);
        await stream.closeWrite();
      });
    } catch (error) {
      stream.abort(error instanceof Error ? error : discoveryErrors.stopped({}, error));
    } finally {
      running -= 1;
    }
  });
}

/**
 * The genesis file of an invitation, from the first of its peers that has it. Errors: `discovery/invitation-expired`,
 * `…/inviter-silent`, `…/other-network`, `…/genesis-differs`.
 */
export async function fetchGenesis(
  { wire, clock, check }: JoinNeeds,
  invitation: Invitation,
  outer?: AbortSignal,
): Promise<Uint8Array> {
  checkInvitationTime(invitation, clock.nowMs());
  const failures: HoldfastError[] = [];
  for (const address of invitation.addresses) {
    const options = {
      timeoutMs: limits.genesisFetchMs,
      protocol: genesisProtocol,
      ...(outer ? { outer } : {}),
    };
    try {
      return await withDeadline(clock, options, async (signal) => {
        const peer = await wire.connect(address, signal);
        const file = await requestGenesis(wire, peer, invitation.genesis, signal);
        await checkFile(peer, file);
        return file;
      });
    } catch (error) {
      outer?.throwIfAborted();
      if (!(error instanceof HoldfastError)) throw error;
      failures.push(error);
    }
  }
  // What a peer that answered did wrong tells more than that others are silent.
  const telling = failures.find(({ code }) => code.startsWith("discovery/"));
  if (telling !== undefined) throw telling;
  throw discoveryErrors.inviterSilent(
    { addresses: invitation.addresses, detail: failures.map(({ message }) => message).join("; ") },
    failures[0],
  );

  async function checkFile(peer: PeerId, file: Uint8Array): Promise<void> {
    const wanted = invitation.genesis.toString();
    try {
      const { cid, network } = await check(file);
      if (!cid.equals(invitation.genesis)) throw new TypeError(`its block is ${cid}`);
      if (network !== invitation.network) throw new TypeError(`its network is called ${network}`);
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw discoveryErrors.genesisDiffers({ peer, wanted, detail }, cause);
    }
  }
}

async function requestGenesis(wire: Wire, peer: PeerId, cid: CID, signal: AbortSignal): Promise<Uint8Array> {
  const stream = await wire.open(peer, genesisProtocol, signal);
  try {
    await sendMessage(stream, requestCodec, { cid }, signal);
    await stream.closeWrite();
    const reader = new FrameReader(stream);
    const sizeBytes = (await reader.readMessage(sizeCodec, signal))?.sizeBytes ?? 0;
    if (sizeBytes === 0) throw discoveryErrors.otherNetwork({ peer, wanted: cid.toString() });
    const parts: Uint8Array[] = [];
    for (let missing = sizeBytes; missing > 0; ) {
      const part = await reader.read(signal);
      if (part === undefined || part.length === 0 || part.length > missing) {
        const detail = `${sizeBytes - missing} of ${sizeBytes} bytes came`;
        throw discoveryErrors.genesisDiffers({ peer, wanted: cid.toString(), detail });
      }
      parts.push(part);
      missing -= part.length;
    }
    return concatBytes(...parts);
  } catch (error) {
    stream.abort(error instanceof Error ? error : discoveryErrors.stopped({}, error));
    throw error;
  }
}
