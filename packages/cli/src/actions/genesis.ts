/** Founding a network: the files of drafts, founders and networks, made and checked without a node. */
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseBytes } from "@holdfast/base";
import { z } from "zod";
import { action, type CommandContext, type CommandInput } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { fil, plural } from "../human-text.ts";
import {
  argument,
  cidArgument,
  optionAddress,
  optionAmount,
  optionBytes,
  optionChoice,
  optionDurationMs,
  optionFlag,
  optionList,
  optionNumber,
  optionText,
} from "../input.ts";
import { facts } from "../layout.ts";
import { offline } from "../offline.ts";
import { defaultRepo } from "../up-record.ts";

const door = async () => (await offline()).founding();

const constants = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));
const shown = z.object({
  kind: z.enum(["network", "draft"]),
  name: z.string(),
  genesis: z.string().nullable(),
  began: z.string().nullable(),
  parameters: constants,
  sectors: z.array(z.string()),
  upgrades: z.array(z.string()),
  founders: z.array(z.string()),
  bootstrap: z.array(z.string()),
  warnings: z.array(z.string()),
});

function pairsOf(
  input: CommandInput,
  option: string,
  example: string,
): readonly (readonly [string, string])[] {
  return optionList(input, option).map((pair) => {
    const at = pair.indexOf("=");
    if (at > 0 && at < pair.length - 1) return [pair.slice(0, at), pair.slice(at + 1)] as const;
    throw cliErrors.badValue({ problem: `--${option} is ${example}, not ${pair}` });
  });
}

/** `HEIGHT:name=value[,name=value…]`, of which `rules` is the version of the rules. */
function upgradesOf(input: CommandInput) {
  return optionList(input, "upgrade").map((text) => {
    const [, height = "", pairs = ""] = /^([^:]+):(.+)$/.exec(text) ?? [];
    const set = pairs.split(",").map((pair) => /^([^=]+)=([^=]+)$/.exec(pair)?.slice(1) ?? []);
    if (height === "" || set.some(({ length }) => length !== 2)) {
      const example = "a height and what changes there, such as 250000:blockReward=500FIL,rules=2";
      throw cliErrors.badValue({ problem: `--upgrade is ${example}, not ${text}` });
    }
    return { height, set: Object.fromEntries(set) as { readonly [name: string]: string } };
  });
}

/** What a person must know of a file whose founders prove nothing. */
const sealsText = (sectors: number, proven: number): string =>
  proven > 0
    ? `${plural(sectors, "founders' sector")}, each with a proof that verifies`
    : `${plural(sectors, "founders' sector")}, NONE of them proven: the founders believe each other`;

/** Before an hour of sealing, not after it. */
function multiaddrsOf(input: CommandInput, option: string): readonly string[] {
  return optionList(input, option).map((address) => {
    if (/^\/(ip4|ip6|dns|dns4|dns6)\/[^/]+\/tcp\/\d{1,5}$/.test(address)) return address;
    const problem = `--${option} is a multiaddr such as /ip4/10.0.0.5/tcp/6000, not ${address}`;
    throw cliErrors.badValue({ problem });
  });
}

const passphraseOf = ({ env }: CommandContext): string | undefined => env.HOLDFAST_PASSPHRASE || undefined;

export const genesisNew = action({
  result: z.object({
    draft: z.string(),
    name: z.string(),
    parameters: constants,
    warnings: z.array(z.string()),
  }),
  async run(_context, input) {
    const file = resolve(argument(input, 0, "the draft's file"));
    const proofMode = optionChoice(input, "proofMode", ["vanilla", "groth16"]) ?? "vanilla";
    const porep = optionChoice(input, "porep", ["zigzag", "sdr"]) ?? "zigzag";
    const given = optionList(input, "sector").map((size) => Number(parseBytes(size)));
    const usual = proofMode === "groth16" ? [2_048] : porep === "sdr" ? [262_144] : [1_024, 262_144];
    const authority = optionAddress(input, "authority");
    const faucet = optionAmount(input, "faucet");
    const { draftNetwork } = await door();
    const { draft, warnings } = await draftNetwork(file, {
      name: optionText(input, "name") ?? "",
      roundMs: optionDurationMs(input, "round") ?? 30_000,
      sectors: given.length > 0 ? given : usual,
      proofMode,
      porep,
      accounts: pairsOf(input, "account", "an address and an amount, such as tfq…=10FIL").map(
        ([address, balance]) => ({ address, balance }),
      ),
      founderFunds: optionAmount(input, "founderFunds") ?? "10000FIL",
      minerFunds: optionAmount(input, "minerFunds") ?? "1000FIL",
      set: Object.fromEntries([
        ...(authority === undefined ? [] : [["upgradeAuthority", authority]]),
        ...(faucet === undefined ? [] : [["faucetAmount", faucet]]),
        ...pairsOf(input, "set", "a parameter and its value, such as blockReward=50FIL"),
      ]),
      upgrades: upgradesOf(input),
      foundersProven: !optionFlag(input, "unproven"),
    });
    return {
      draft: file,
      name: String(draft.parameters.name),
      parameters: draft.parameters,
      warnings: [...warnings],
    };
  },
  render: ({ draft, name, warnings }, { terminal }) => {
    for (const warning of warnings) terminal.hint(`careful: ${warning}`);
    return facts([
      ["draft", `${draft}, of the network ${name}`],
      ["next", `each founder: holdfast genesis sector ${draft} --repo DIR`],
    ]);
  },
});

export const genesisSector = action({
  result: z.object({
    file: z.string(),
    miner: z.string(),
    owner: z.string(),
    sectors: z.int(),
    isProven: z.boolean(),
  }),
  async run(context, input) {
    const { readDraft, foundIn } = await door();
    const { params, draft } = await readDraft(resolve(argument(input, 0, "the draft's file")));
    const repo = resolve(optionText(input, "repo") ?? context.env.HOLDFAST_REPO ?? defaultRepo(context.env));
    const sectorBytes = optionBytes(input, "sector");
    const { file, founder } = await foundIn(
      repo,
      params,
      {
        sectors: optionNumber(input, "sectors", { least: 1, most: 256 }) ?? 1,
        foundersProven: draft.foundersProven,
        listen: multiaddrsOf(input, "listen"),
        ...(sectorBytes === undefined ? {} : { sectorBytes }),
      },
      passphraseOf(context),
    );
    const { miner, owner, sectors } = founder;
    return { file, miner, owner, sectors: sectors.length, isProven: draft.foundersProven };
  },
  render: ({ file, miner, owner, sectors, isProven }) =>
    facts([
      ["miner", `${miner}, with ${plural(sectors, "sector")}, ${isProven ? "proven" : "not proven"}`],
      ["owner", owner],
      ["give away", file],
      ["then", "holdfast init --network FILE with the same --repo"],
    ]),
});

export const genesisAddMiner = action({
  result: z.object({ draft: z.string(), founders: z.array(z.string()) }),
  async run(_context, input) {
    const file = resolve(argument(input, 0, "the draft's file"));
    const { readDraft, readFounder, addFounder } = await door();
    const { draft, params } = await readDraft(file);
    let grown = draft;
    for (const [index] of input.args.slice(1).entries()) {
      const path = resolve(argument(input, index + 1, "a founder's file"));
      grown = addFounder(grown, params, await readFounder(path));
    }
    await writeFile(file, `${JSON.stringify(grown, null, 2)}\n`);
    return { draft: file, founders: grown.founders.map(({ miner }) => miner) };
  },
  render: ({ draft, founders }) =>
    `${draft} has ${plural(founders.length, "founder")}: ${founders.join(", ")}`,
});

export const genesisFinish = action({
  result: z.object({
    file: z.string(),
    genesis: z.string(),
    began: z.string(),
    bootstrap: z.array(z.string()),
    sectors: z.int(),
    proven: z.int(),
  }),
  async run(_context, input) {
    const draftFile = resolve(argument(input, 0, "the draft's file"));
    const file = resolve(argument(input, 1, "the network's file"));
    const at = optionText(input, "at");
    const timestampMs = at === undefined ? Date.now() : Date.parse(at);
    if (Number.isNaN(timestampMs)) {
      throw cliErrors.badValue({ problem: `--at is a time such as 2026-12-01T12:00:00Z, not ${at}` });
    }
    const { readDraft, finishDraft, readNetworkFile } = await door();
    const { draft, params } = await readDraft(draftFile);
    await writeFile(file, await finishDraft(draft, params, timestampMs));
    const { genesis, plain, bootstrap } = await readNetworkFile(file);
    const sectors = draft.founders.reduce((sum, founder) => sum + founder.sectors.length, 0);
    const proven = draft.foundersProven ? sectors : 0;
    return { file, genesis, began: plain.began, bootstrap: [...bootstrap], sectors, proven };
  },
  render: ({ file, genesis, began, sectors, proven }) =>
    facts([
      ["network", file],
      ["genesis", genesis],
      ["begins", began],
      ["founders", sealsText(sectors, proven)],
      ["next", `holdfast init --network ${file} --repo DIR`],
    ]),
});

export const genesisShow = action({
  result: shown,
  async run(_context, input) {
    const { showNetworkFile } = await door();
    return showNetworkFile(resolve(argument(input, 0, "the file")));
  },
  render: (found) =>
    facts([
      [found.kind, found.name],
      ["genesis", found.genesis ?? "not made yet"],
      ["began", found.began ?? "-"],
      ["sectors", found.sectors],
      ["upgrades", found.upgrades.length === 0 ? "none planned" : found.upgrades],
      ["parameters", Object.entries(found.parameters).map(([name, value]) => `${name} = ${value}`)],
      ["founders", found.founders.length === 0 ? "-" : found.founders],
      ["peers", found.bootstrap.length === 0 ? "-" : found.bootstrap],
      ["careful", found.warnings.length === 0 ? "-" : found.warnings],
    ]),
});

export const genesisCheck = action({
  result: z.object({
    file: z.string(),
    name: z.string(),
    genesis: z.string(),
    totalFil: z.string(),
    sectors: z.int(),
    proven: z.int(),
  }),
  async run(_context, input) {
    const file = resolve(argument(input, 0, "the file"));
    const expected = input.args[1] === undefined ? undefined : cidArgument(input, 1, "the CID");
    const { checkNetworkFile } = await door();
    return { file, ...(await checkNetworkFile(file, expected)) };
  },
  render: ({ file, name, genesis, totalFil, sectors, proven }) =>
    `${file} makes the network ${name} with the genesis ${genesis} and ${fil(totalFil)} in all\n${sealsText(sectors, proven)}`,
});
