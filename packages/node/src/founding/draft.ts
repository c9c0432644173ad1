/**
 * Founding together: a draft holds what the founders have agreed on; each founder seals sectors for it with keys
 * that never leave its folder, and signs a file of public facts; whoever has all these files makes the same genesis.
 */
import {
  type Address,
  filText,
  fromHex,
  parseAddress,
  parseFil,
  sectorId,
  utf8Bytes,
  verifySignature,
} from "@holdfast/base";
import {
  foundedMinerAddress,
  type GenesisMiner,
  type NetworkParams,
  paramProblems,
} from "@holdfast/consensus";
import { z } from "zod";
import { makeGenesis } from "../genesis.ts";
import { foundingErrors } from "./errors.ts";
import {
  maxFounderSectors,
  maxFounders,
  multiaddrs,
  plainParametersSchema,
  plainSectorsSchema,
  sealProofText,
  writeNetworkFile,
} from "./network-file.ts";
import { plainParameters, plainSectors, readParameters } from "./parameters.ts";
import { inFile, readPlainFile } from "./plain-file.ts";
import { checkFounderSeal, digestOf } from "./seals.ts";
import { type PlainUpgrade, plainUpgrade, plainUpgradesSchema, readUpgrades } from "./upgrades.ts";

const hex = (bytes: number) =>
  z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`), `${bytes} bytes in hex`);

/** What a founder brings; all of it is public, and the owner's key signs it. */
const founderFacts = z.strictObject({
  holdfast: z.literal("founder/2"),
  network: z.string().max(64),
  owner: z.string().max(64),
  workerKey: hex(48),
  peerId: z.string().max(128),
  miner: z.string().max(64),
  sectors: z
    .array(
      z.strictObject({
        sectorId: z.int().min(0),
        sectorBytes: z.int().min(1),
        commD: hex(32),
        commR: hex(32),
        commRStar: hex(32),
        /** Base64; only where the draft asks for it. */
        sealProof: sealProofText.optional(),
      }),
    )
    .min(1)
    .max(maxFounderSectors),
  bootstrap: multiaddrs,
});
export const founderSchema = founderFacts.extend({ signature: hex(65) });
export type FounderFacts = z.output<typeof founderFacts>;
export type Founder = z.output<typeof founderSchema>;

export const draftSchema = z.strictObject({
  holdfast: z.literal("draft/2"),
  parameters: plainParametersSchema,
  sectors: plainSectorsSchema,
  upgrades: plainUpgradesSchema,
  accounts: z.array(z.strictObject({ address: z.string().max(64), balance: z.string().max(64) })).max(10_000),
  /** Whether every founder proves its sectors; only people who trust each other do without. */
  foundersProven: z.boolean(),
  founderFunds: z.string().max(64),
  minerFunds: z.string().max(64),
  founders: z.array(founderSchema).max(maxFounders),
});
export type Draft = z.output<typeof draftSchema>;

export interface DraftOptions {
  readonly params: NetworkParams;
  readonly upgrades: readonly PlainUpgrade[];
  readonly accounts: readonly { readonly address: string; readonly balance: string }[];
  readonly foundersProven: boolean;
  readonly founderFunds: string;
  readonly minerFunds: string;
}

/** Errors: `network/bad-file` with every reason for which the parameters make no network. */
export function makeDraft(options: DraftOptions): Draft {
  const { params, accounts, foundersProven, founderFunds, minerFunds } = options;
  checkDraft("the draft", params, foundersProven);
  const upgrades = inFile("the draft", () => readUpgrades(params, options.upgrades));
  return {
    holdfast: "draft/2",
    parameters: plainParameters(params),
    sectors: plainSectors(params.sectorClasses) as Draft["sectors"],
    upgrades: upgrades.map(plainUpgrade),
    accounts: accounts.map(({ address, balance }) => ({
      address: parseAddress(address, { network: params.networkByte }),
      balance: `${filText(parseFil(balance))}FIL`,
    })),
    foundersProven,
    founderFunds,
    minerFunds,
    founders: [],
  };
}

function checkDraft(file: string, params: NetworkParams, foundersProven: boolean): void {
  const isTrusting = params.networkByte === 0 && !foundersProven;
  const trust = "founders of a network whose money has a value prove that their sectors are sealed";
  const problems = [...paramProblems(params), ...(isTrusting ? [trust] : [])];
  if (problems.length > 0) {
    throw foundingErrors.badFile({ file, problem: `not so: ${problems.join("; not so: ")}` });
  }
}

/** Errors: `network/bad-file`. */
export async function readDraft(
  file: string,
): Promise<{ readonly draft: Draft; readonly params: NetworkParams }> {
  const draft = await readPlainFile(file, draftSchema);
  const params = inFile(file, () => readParameters(draft.parameters, draft.sectors));
  checkDraft(file, params, draft.foundersProven);
  inFile(file, () => readUpgrades(params, draft.upgrades));
  return { draft, params };
}

const founderDomain = "holdfast founder\n";

/** The bytes under a founder's signature: its facts in the order of the schema. */
export function founderSigningBytes(facts: FounderFacts): Uint8Array {
  return utf8Bytes(founderDomain + JSON.stringify(founderFacts.parse(facts)));
}

/** Errors: `network/bad-founder`, `network/seal-not-proven`. */
export function addFounder(draft: Draft, params: NetworkParams, founder: Founder): Draft {
  const refuse = (problem: string): never => {
    throw foundingErrors.badFounder({ problem });
  };
  const { signature, ...facts } = founder;
  if (facts.network !== params.name) refuse(`it is for the network ${facts.network}`);
  const owner = parseAddress(facts.owner, { network: params.networkByte });
  if (!verifySignature(founderSigningBytes(facts), fromHex(signature), owner))
    refuse("its owner has not signed it");
  if (facts.miner !== foundedMinerAddress(params.networkByte, fromHex(facts.workerKey))) {
    refuse("the miner's address is not that of its key");
  }
  const sizes = params.sectorClasses.map(({ sectorBytes }) => sectorBytes);
  const foreign = facts.sectors.find(({ sectorBytes }) => !sizes.includes(sectorBytes));
  if (foreign !== undefined) refuse(`the network has no sectors of ${foreign.sectorBytes} bytes`);
  if (draft.founders.some(({ miner }) => miner === facts.miner)) refuse("it is in the draft already");
  for (const sector of facts.sectors) {
    if (draft.foundersProven)
      checkFounderSeal(params, facts.miner as Address, sectorOf(sector), sector.sealProof);
    else if (sector.sealProof !== undefined) refuse("it brings proofs, and the draft asks for none");
  }
  return { ...draft, founders: [...draft.founders, founder] };
}

function sectorOf({ sectorId: id, sectorBytes, commD, commR, commRStar }: FounderFacts["sectors"][number]) {
  return {
    sectorId: sectorId(id),
    sectorBytes,
    commD: fromHex(commD),
    commR: fromHex(commR),
    commRStar: fromHex(commRStar),
  };
}

function minerOf({ miner, ...founder }: Founder, balance: string): GenesisMiner {
  return {
    owner: founder.owner as Address,
    worker: founder.owner as Address,
    workerKey: fromHex(founder.workerKey),
    peerId: founder.peerId,
    balance: parseFil(balance),
    address: miner as Address,
    sectors: founder.sectors.map(sectorOf),
  };
}

/**
 * The network's file. The same draft and time give the same file, in whatever order founders were added. Errors:
 * `network/no-founder`, `network/bad-founder`, `network/seal-not-proven`, `network/bad-file`, `genesis/…`.
 */
export async function finishDraft(draft: Draft, params: NetworkParams, timestampMs: number): Promise<string> {
  if (draft.founders.length === 0) throw foundingErrors.noFounder({});
  const empty: Draft = { ...draft, founders: [] };
  const checked = draft.founders.reduce((sum, founder) => addFounder(sum, params, founder), empty);
  const founders = [...checked.founders].sort((a, b) => (a.miner < b.miner ? -1 : 1));
  const seals = founders.flatMap(({ miner, sectors }) =>
    sectors.flatMap(({ sectorId: id, sealProof: proof }) =>
      proof === undefined ? [] : { miner, sectorId: id, proof },
    ),
  );
  const given = new Map(draft.accounts.map(({ address, balance }) => [address, parseFil(balance)]));
  for (const { owner } of founders) if (!given.has(owner)) given.set(owner, parseFil(draft.founderFunds));
  const { car } = makeGenesis({
    params,
    timestampMs,
    accounts: [...given].map(([address, balance]) => ({ address: address as Address, balance })),
    miners: founders.map((founder) => minerOf(founder, draft.minerFunds)),
    upgrades: readUpgrades(params, draft.upgrades),
    ...(draft.foundersProven ? { sealsDigest: digestOf(seals) } : {}),
  });
  return writeNetworkFile(car, {
    bootstrap: [...new Set(founders.flatMap(({ bootstrap }) => bootstrap))],
    seals,
  });
}
