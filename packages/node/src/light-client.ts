/**
 * A light client on this machine: finds the providers, follows from what the file holds or from an anchor, writes
 * what it trusts now, and asks. A provider that cannot be reached is one that gives nothing, and the others are asked.
 */
import { randomBytes } from "node:crypto";
import { type ApiFetch, createClient } from "@holdfast/api";
import { type CID, type Clock, HoldfastError, parseCid, silentLogger } from "@holdfast/base";
import {
  beginLight,
  type LightAnchor,
  type LightAnswers,
  type LightBelief,
  LightClient,
  type LightProvider,
  type LightQuestion,
  type LightTrust,
  protocolAt,
} from "@holdfast/consensus";
import { checkpointText, parseCheckpoint } from "./chain/index.ts";
import { realClock } from "./clock.ts";
import { checkInvitationTime, decodeInvitation } from "./discovery/index.ts";
import { installNativeKernels } from "./kernels.ts";
import {
  apiProvider,
  boundedFetch,
  fileOf,
  type LightFile,
  type LightView,
  lightServiceErrors,
  lightView,
  readLightFile,
  trustOf,
  wireProvider,
  writeLightFile,
} from "./light/index.ts";
import { limits } from "./limits.ts";
import { openLibp2pWire } from "./net/index.ts";

export type { LightAnswers, LightQuestion } from "@holdfast/consensus";
export type { LightView } from "./light/index.ts";
export { plainJson } from "./plain-json.ts";

export interface LightOptions {
  /** Where the trusted tipset is kept. */
  readonly file: string;
  /** Multiaddrs, and URLs of APIs (their tokens as passwords); those of the file if both are empty. */
  readonly peers: readonly string[];
  readonly urls: readonly string[];
  /** Of URLs without one. */
  readonly token: string;
  /** For a file that is not there yet: where to begin. */
  readonly genesis?: string;
  readonly checkpoint?: string;
  readonly invitation?: string;
  readonly fetch: ApiFetch;
  readonly signal: AbortSignal;
  readonly onProgress?: (trustedHeight: number, topHeight: number) => void;
}

export interface LightSession extends AsyncDisposable {
  readonly view: LightView;
  ask<Kind extends LightQuestion["kind"]>(
    question: Extract<LightQuestion, { kind: Kind }>,
  ): Promise<LightAnswers[Kind]>;
}

interface Known {
  readonly kept: LightFile | undefined;
  /** Where to begin; undefined: where the file ends, or nowhere. A checkpoint that is named begins anew. */
  readonly anchor: LightAnchor | undefined;
  readonly peers: readonly string[];
  readonly urls: readonly string[];
}

/** Errors: `light/…`, `discovery/…`, `chain/bad-checkpoint`, `cid/malformed`. */
export async function openLight(options: LightOptions): Promise<LightSession> {
  const clock = realClock();
  const known = await whatIsKnown(options, clock);
  await installNativeKernels();
  await using stack = new AsyncDisposableStack();
  const providers = await providersOf(known, options, { clock, stack });
  const trust = await trustFrom(known, options, providers);
  const { onProgress, signal } = options;
  const client = new LightClient({
    trust,
    providers,
    nowMs: () => clock.nowMs(),
    onProgress: (trusted, top) => {
      signal.throwIfAborted();
      onProgress?.(trusted, top);
    },
  });
  const belief = await client.sync();
  const file = fileFrom(belief, known, clock.nowMs());
  await writeLightFile(options.file, file);
  const held = stack.move();
  return {
    view: lightView(file, options.file, belief.providers),
    ask: (question) => client.ask(question),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** What a file says, without asking anybody. Errors `light/bad-file`, `light/never-synced`. */
export async function readLight(path: string): Promise<LightView> {
  const file = await readLightFile(path);
  if (file === undefined) throw lightServiceErrors.neverSynced({ path });
  return lightView(file, path, []);
}

async function whatIsKnown(options: LightOptions, clock: Clock): Promise<Known> {
  const kept = await readLightFile(options.file);
  const invitation = options.invitation === undefined ? undefined : decodeInvitation(options.invitation);
  if (invitation !== undefined) checkInvitationTime(invitation, clock.nowMs());
  const given = options.genesis === undefined ? invitation?.genesis : parseCid(options.genesis);
  if (kept !== undefined && given !== undefined && kept.genesis !== given.toString())
    throw lightServiceErrors.otherAnchor({
      path: options.file,
      holds: kept.genesis,
      given: given.toString(),
    });
  const named = options.checkpoint === undefined ? undefined : parseCheckpoint(options.checkpoint);
  const genesis = given ?? (kept === undefined ? undefined : parseCid(kept.genesis));
  const isBeginning = kept === undefined || named !== undefined;
  const hasNamed = options.peers.length + options.urls.length > 0;
  const peers = [...options.peers, ...(invitation?.addresses ?? [])];
  const isNew = hasNamed || peers.length > 0;
  return {
    kept,
    anchor: isBeginning ? anchorOf(genesis, named ?? invitation?.checkpoint ?? undefined) : undefined,
    peers: (isNew ? peers : (kept?.peers ?? [])).slice(0, limits.lightProviders),
    urls: (isNew ? options.urls : (kept?.urls ?? [])).slice(0, limits.lightProviders),
  };
}

function anchorOf(genesis: CID | undefined, checkpoint: LightAnchor["checkpoint"]): LightAnchor | undefined {
  if (genesis === undefined) return undefined;
  return checkpoint === undefined ? { genesis } : { genesis, checkpoint };
}

async function trustFrom(
  { kept, anchor }: Known,
  { file }: LightOptions,
  providers: readonly LightProvider[],
): Promise<LightTrust> {
  if (anchor !== undefined) return beginLight(providers, anchor);
  if (kept === undefined) throw lightServiceErrors.noAnchor({ path: file });
  return trustOf(kept, file);
}

interface Running {
  readonly clock: Clock;
  readonly stack: AsyncDisposableStack;
}

async function providersOf(known: Known, options: LightOptions, running: Running): Promise<LightProvider[]> {
  const { signal, token, fetch } = options;
  const { clock } = running;
  const overApi = known.urls.map((text) => {
    const url = new URL(text);
    const own = decodeURIComponent(url.password);
    url.username = "";
    url.password = "";
    const plain = url.toString().replace(/\/$/, "");
    const client = createClient({ url: plain, token: own === "" ? token : own, fetch: boundedFetch(fetch) });
    return apiProvider(client, plain, { clock, signal });
  });
  return [...(await wireProviders(known.peers, options, running)), ...overApi];
}

async function wireProviders(
  peers: readonly string[],
  { signal }: LightOptions,
  { clock, stack }: Running,
): Promise<LightProvider[]> {
  if (peers.length === 0) return [];
  const wire = stack.use(
    await openLibp2pWire(
      { clock, logger: silentLogger, limits },
      { privateKey: new Uint8Array(randomBytes(32)), listen: [] },
    ),
  );
  return Promise.all(
    peers.map(async (address) => {
      try {
        return wireProvider({ wire, clock, signal }, await wire.connect(address, signal), address);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof HoldfastError)) throw error;
        return unreachable(address, error);
      }
    }),
  );
}

function unreachable(name: string, error: HoldfastError): LightProvider {
  const fail = () => Promise.reject(error);
  return { name, headers: fail, prove: fail };
}

function fileFrom(belief: LightBelief, { kept, anchor, peers, urls }: Known, savedMs: number): LightFile {
  const { rules, top, trusted } = belief;
  const { params } = protocolAt(rules, trusted.tipset.height + 1);
  return fileOf(belief, {
    network: params.name,
    anchor: anchor === undefined ? (kept?.anchor ?? "genesis") : anchorText(anchor),
    finalityEpochs: params.finalityEpochs,
    top: { height: top.height, timestampMs: top.blocks[0]?.timestampMs ?? 0 },
    savedMs,
    peers: [...peers],
    urls: [...urls],
  });
}

const anchorText = ({ checkpoint }: LightAnchor): string =>
  checkpoint === undefined ? "genesis" : checkpointText(checkpoint);
