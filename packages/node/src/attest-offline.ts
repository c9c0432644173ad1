/**
 * Making evidence by hand, without a node: quotes of this machine's hardware or, of a network that allows it, by
 * software; the measurement of a program; collateral for evidence that lies in a file.
 */
import { readFile } from "node:fs/promises";
import { MemoryBlockstore } from "@holdfast/base";
import { blockCid, networkIdOfGenesis, readNetworkParams } from "@holdfast/consensus";
import { programOf, softwareRootOf, verifyAttestation } from "@holdfast/proofs/attestation";
import { openNodeDisk } from "@holdfast/storage";
import {
  type AttestingNetwork,
  boundEvidence,
  type CollateralSource,
  chooseProvider,
  type Fetcher,
  type MeasuredProgram,
  machineDevices,
  measureProgram,
  networkFetcher,
  ownProgram,
  type ProducedKind,
  producedKinds,
  type Services,
  softwareProvider,
  vendorCollateral,
} from "./attestation/index.ts";
import { realClock, realRandom } from "./clock.ts";
import { readNetworkFile } from "./founding/index.ts";
import { loadGenesis } from "./genesis.ts";
import { offlineErrors } from "./offline/index.ts";
import { installSignatures } from "./signature-kernel.ts";

export type { MeasuredProgram } from "./attestation/index.ts";
export { producedKinds } from "./attestation/index.ts";

export interface QuoteRequest {
  /** Undefined: the hardware that is there. Error `proof/unknown-kind`. */
  readonly kind: string | undefined;
  /** 64 bytes. */
  readonly reportData: Uint8Array;
  /** A network's file or its genesis; software attests for a network. */
  readonly networkFile: string | undefined;
  /** What software says that it runs, 32 bytes; undefined: this program. */
  readonly program: Uint8Array | undefined;
  /** Fetch or make collateral too. */
  readonly withCollateral: boolean;
  readonly services: Services;
  /** Where what was fetched is kept. */
  readonly keptIn: string;
}

export interface MadeQuote {
  readonly kind: ProducedKind;
  readonly evidence: Uint8Array;
  /** 32 bytes, for lists of allowed programs. */
  readonly program: Uint8Array;
  readonly measurement: { readonly [field: string]: string | number };
  readonly collateral: readonly Uint8Array[];
  /** Hex; of evidence by software the root that `attest verify --software-root` takes. */
  readonly softwareRoot: string | undefined;
}

/** No network: hardware alone. */
const noNetwork: AttestingNetwork = { id: new Uint8Array(32), softwareAllowed: false };

/** Errors: `attestation/…`, `proof/unknown-kind`, `network/…`, `chain/bad-genesis`. */
export async function makeQuote(request: QuoteRequest, signal?: AbortSignal): Promise<MadeQuote> {
  installSignatures();
  const kind = kindOf(request.kind);
  const network = request.networkFile === undefined ? noNetwork : await networkOf(request.networkFile);
  const program = request.program ?? (await ownProgram()).measurement;
  // What is sealed, a quote has no use for.
  const needs = { devices: machineDevices, random: realRandom, secret: new Uint8Array(32), program, network };
  const provider = await chooseProvider(needs, kind);
  const evidence = await boundEvidence(provider, request.reportData);
  const isSoftware = provider.kind === "software";
  const source = isSoftware ? softwareProvider(needs) : await vendors(request);
  const collateral = request.withCollateral
    ? await source.collateralFor(evidence, Math.floor(Date.now() / 1000), signal)
    : [];
  const policy = { allowSoftware: true };
  const { measurement } = verifyAttestation({ evidence, atSeconds: 0, policy });
  return {
    kind: provider.kind,
    evidence,
    program: programOf(provider.kind, measurement) ?? program,
    measurement,
    collateral,
    softwareRoot: isSoftware ? softwareRootOf(network.id) : undefined,
  };
}

export interface CollateralRequest {
  readonly evidence: Uint8Array;
  readonly services: Services;
  readonly keptIn: string;
  /** Default: the network. */
  readonly fetcher?: Fetcher;
}

/** What evidence of hardware is judged by, as files for `attest verify --collateral`. Errors `attestation/…`. */
export async function fetchCollateral(
  request: CollateralRequest,
  signal?: AbortSignal,
): Promise<readonly Uint8Array[]> {
  const source = await vendors(request);
  return await source.collateralFor(request.evidence, Math.floor(Date.now() / 1000), signal);
}

async function vendors({
  keptIn,
  services,
  fetcher = networkFetcher,
}: Pick<CollateralRequest, "keptIn" | "services" | "fetcher">): Promise<CollateralSource> {
  return vendorCollateral({ clock: realClock(), disk: await openNodeDisk(keptIn), fetcher }, services);
}

/** Of a program in a folder, or of this one. Errors: those of `measureProgram`. */
export async function measured(folder?: string, runtime?: string): Promise<MeasuredProgram> {
  if (folder === undefined && runtime === undefined) return await ownProgram();
  return await measureProgram(folder, { runtime });
}

/** The root of evidence by software that a network takes, in hex; undefined: it takes none. Errors as its file's. */
export async function softwareRootIn(networkFile: string): Promise<string | undefined> {
  const { id, softwareAllowed } = await networkOf(networkFile);
  return softwareAllowed ? softwareRootOf(id) : undefined;
}

function kindOf(text: string | undefined): ProducedKind | undefined {
  const kind = producedKinds.find((known) => known === text);
  if (text === undefined || kind !== undefined) return kind;
  throw offlineErrors.unknownKind({ kind: text, known: producedKinds });
}

const startOfJson = "{".charCodeAt(0);

/** Of a network's file (JSON) or a genesis (CAR). Errors: `network/bad-file`, `chain/bad-genesis`. */
async function networkOf(file: string): Promise<AttestingNetwork> {
  const bytes = new Uint8Array(await readFile(file));
  const car = bytes[0] === startOfJson ? (await readNetworkFile(file)).car : bytes;
  const store = new MemoryBlockstore();
  const { block, stateRoot } = await loadGenesis(car, store);
  const params = readNetworkParams(store, stateRoot);
  return {
    id: networkIdOfGenesis(blockCid(block.header)),
    softwareAllowed: params.softwareAttestation,
  };
}
