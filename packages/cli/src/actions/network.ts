/** The network's constants and upgrades, as the node's chain has them. */
import { type MethodResult, methods } from "@holdfast/api";
import { byteCount, formatBytes, formatDuration } from "@holdfast/base";
import { action } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { fil, roughly } from "../human-text.ts";
import { argument, optionFlag, optionList, optionNumber, wholeNumber } from "../input.ts";
import { facts, table } from "../layout.ts";

type Network = MethodResult<"network.show">;
type Upgrade = Network["upgrades"][number];
type Told = MethodResult<"network.schedule">;

const constantText = ([name, value]: [string, unknown]): string => `${name} = ${value}`;

export const networkShow = action({
  result: methods["network.show"].result,
  run: async ({ node, signal }) => (await node()).call("network.show", {}, signal),
  render: (found) =>
    facts([
      ["network", `${found.name}, ${found.networkByte === 1 ? "a test network" : "with addresses of value"}`],
      ["genesis", found.genesis],
      ["began", new Date(found.genesisMs).toISOString()],
      ["a round", formatDuration(found.roundMs)],
      ["head", String(found.height)],
      ["rules", `version ${found.protocol.version}; this program knows ${found.protocol.known}`],
      [
        "sectors",
        found.sectors.map(
          ({ sectorBytes, profile, proofMode }) =>
            `${formatBytes(byteCount(sectorBytes))}: ${profile}, ${proofMode} proofs`,
        ),
      ],
      ["constants", Object.entries(found.constants).map(constantText)],
      [
        "upgrades",
        found.upgradeAuthority === null ? "only those of the genesis" : `by ${found.upgradeAuthority}`,
      ],
      ["waiting", found.upgrades.length === 0 ? "none" : found.upgrades.map(upgradeText)],
      [
        "founders",
        found.foundersProven ? "with proofs of their seals" : "believed: their seals are not proven",
      ],
      ["faucet", found.faucetFil === null ? "none" : `${fil(found.faucetFil)} for a request`],
    ]),
});

export function upgradeText({ height, version, isKnown, inMs, changes }: Upgrade): string {
  const known = isKnown ? "" : ", which this program does not know";
  const set = Object.entries(changes).map(constantText);
  return [`height ${height}, in ${roughly(inMs)}: version ${version}${known}`, ...set].join(", ");
}

const rows = (found: readonly Upgrade[], when: (upgrade: Upgrade) => string): string[][] =>
  found.map((upgrade) => [
    String(upgrade.height),
    when(upgrade),
    upgrade.isKnown ? String(upgrade.version) : `${upgrade.version} (unknown)`,
    Object.entries(upgrade.changes).map(constantText).join(", ") || "-",
  ]);

export const networkUpgrades = action({
  result: methods["network.show"].result.pick({
    height: true,
    protocol: true,
    upgrades: true,
    applied: true,
  }),
  async run({ node, signal }) {
    const { height, protocol, upgrades, applied } = await (await node()).call("network.show", {}, signal);
    return { height, protocol, upgrades, applied };
  },
  render({ upgrades, applied }, { terminal }) {
    if (upgrades.length + applied.length === 0) {
      terminal.hint("this network has never been upgraded, and no upgrade waits");
      return "";
    }
    return table(
      ["HEIGHT", "WHEN", "RULES", "CHANGES"],
      [...rows(applied, () => "in force"), ...rows(upgrades, ({ inMs }) => `in ${roughly(inMs)}`)],
    );
  },
});

const heightOf = (text: string): number =>
  wholeNumber(text, "the height", { least: 1, most: Number.MAX_SAFE_INTEGER });

function changesOf(pairs: readonly string[]): { readonly [name: string]: string } {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = "", value = "", ...rest] = pair.split("=");
      if (name !== "" && value !== "" && rest.length === 0) return [name, value];
      throw cliErrors.badValue({ problem: `--set is name=value, such as blockReward=500FIL, not ${pair}` });
    }),
  );
}

const toldText = ({ cid, to, method, paramsHex }: Told): string =>
  cid === null
    ? facts([
        ["to", to],
        ["method", method],
        ["params", paramsHex],
      ])
    : `sent: message ${cid}`;

export const networkSchedule = action({
  result: methods["network.schedule"].result,
  async run({ node, signal }, input) {
    const height = heightOf(argument(input, 0, "the height"));
    const version = optionNumber(input, "rules", { least: 1, most: 65_536 });
    const changes = changesOf(optionList(input, "set"));
    const dryRun = optionFlag(input, "dryRun");
    const params = { height, changes, dryRun, ...(version === undefined ? {} : { version }) };
    return (await node()).call("network.schedule", params, signal);
  },
  render: toldText,
});

export const networkCancel = action({
  result: methods["network.cancel"].result,
  async run({ node, signal }, input) {
    const height = heightOf(argument(input, 0, "the height"));
    return (await node()).call("network.cancel", { height, dryRun: optionFlag(input, "dryRun") }, signal);
  },
  render: toldText,
});
