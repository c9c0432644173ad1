/** Who has a file, how large it is, and how much of it is here. */
import { type Cancel, type CID, HoldfastError, type PeerId } from "@holdfast/base";
import { limits } from "../limits.ts";
import { askProvider, type ClientTools, type ProviderOffer } from "./client.ts";
import { retrievalErrors } from "./errors.ts";
import type { LocalFiles } from "./local-files.ts";
import type { ProviderFailure } from "./providers.ts";

export interface FileStat {
  /** The truth if the file is here, else what the fastest answer claims; null if nobody knows it. */
  readonly sizeBytes: number | null;
  readonly carBytes: number;
  /** Bytes of the file that are here. */
  readonly localBytes: number;
  /** Who has it, the fastest answer first. */
  readonly providers: readonly ProviderOffer[];
  readonly failures: readonly ProviderFailure[];
}

/** `retrieval/no-provider` if neither the providers nor this node have the file, or the signal's reason. */
export async function statFile(request: {
  readonly tools: ClientTools;
  readonly files: LocalFiles;
  readonly root: CID;
  readonly providers: readonly PeerId[];
  readonly signal: Cancel | undefined;
}): Promise<FileStat> {
  const { tools, files, root, providers, signal } = request;
  const offers: ProviderOffer[] = [];
  const failures: ProviderFailure[] = [];
  const peers = [...new Set(providers)].slice(0, limits.retrievalProviders);
  const never = new AbortController().signal;
  const ask = async (): Promise<void> => {
    for (let peer = peers.shift(); peer !== undefined; peer = peers.shift()) {
      try {
        offers.push(await askProvider(tools, peer, root, signal ?? never));
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof HoldfastError)) throw error;
        failures.push({ peer, code: error.code, message: error.message });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limits.retrievalQuestions, peers.length) }, ask));
  offers.sort((a, b) => a.answerMs - b.answerMs);

  const record = await files.complete(root);
  const fastest = offers[0];
  const carBytes = record?.carBytes ?? fastest?.carBytes;
  if (carBytes === undefined) {
    throw retrievalErrors.noProvider({
      cid: root.toString(),
      tried: failures.length,
      reasons: failures.map(({ message }) => message).join("; "),
    });
  }
  const localBytes = record?.fileBytes ?? (await files.presentBytes(root));
  const sizeBytes = record?.fileBytes ?? fastest?.fileBytes ?? null;
  return { sizeBytes, carBytes, localBytes, providers: offers, failures };
}
