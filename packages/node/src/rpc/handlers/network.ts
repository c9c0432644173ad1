/**
 * Methods about the network itself. Which rules hold, and which will, is read from the head's state: no node has a
 * configuration of it.
 */
import type { ApiHandlers, CheckedParams, MethodResult } from "@holdfast/api";
import { assert, encode, epoch, filText, HoldfastError, parseFil, toHex } from "@holdfast/base";
import {
  builtinAddresses,
  changeableNames,
  changesOfNamed,
  knownVersion,
  methods,
  type NamedValue,
  type NamedValues,
  type NetworkParams,
  namedChanges,
  namedParams,
  type ParamChanges,
  protocolAt,
  type Upgrade,
} from "@holdfast/consensus";
import { rpcErrors } from "../errors.ts";
import type { HandlerNeeds } from "../needs.ts";

type NetworkHandlers = Pick<ApiHandlers, "network.show" | "network.schedule" | "network.cancel">;
type UpgradeView = MethodResult<"network.show">["upgrades"][number];
type Constants = UpgradeView["changes"];

/** Told by themselves in a view, or of no use to a person. */
const notConstants = new Set(["name", "networkByte", "roundMs", "upgradeAuthority"]);

const constantText = (value: NamedValue): Constants[string] =>
  typeof value === "bigint" ? filText(value as never) : value;

function constantsOf(values: NamedValues): Constants {
  const known = Object.entries(values).filter(([name, value]) => !notConstants.has(name) && value !== null);
  return Object.fromEntries(known.map(([name, value]) => [name, constantText(value)]));
}

function upgradeView(needs: HandlerNeeds, { height, version, changes }: Upgrade): UpgradeView {
  const { chain, clock } = needs;
  const atMs = chain.genesisTimestampMs + height * chain.params.roundMs;
  return {
    height,
    version,
    isKnown: version <= knownVersion(chain.protocols),
    inMs: Math.max(0, Math.round(atMs - clock.nowMs())),
    changes: constantsOf(namedChanges(changes)),
  };
}

export function protocolView(needs: HandlerNeeds): MethodResult<"node.status">["protocol"] {
  const { chain } = needs;
  const { version, upgrades } = protocolAt(chain.protocol(), chain.head().height + 1);
  const [next] = upgrades;
  const waiting = chain.unknownUpgrade(Number.MAX_SAFE_INTEGER) ?? next;
  return {
    version,
    known: knownVersion(chain.protocols),
    next: waiting === undefined ? null : upgradeView(needs, waiting),
  };
}

/** Of an upgrade to come that this program does not know; one that has come is why the node stands still. */
export function upgradeWarning(needs: HandlerNeeds): MethodResult<"node.status">["health"] | undefined {
  const unknown = needs.chain.unknownUpgrade(Number.MAX_SAFE_INTEGER);
  if (unknown === undefined) return undefined;
  const { version, height } = unknown;
  const known = knownVersion(needs.chain.protocols);
  return {
    light: "warning",
    reason: `from height ${height} on the network follows version ${version} of its rules; this program knows ${known} and will stop there`,
    fix: "install a program that knows the version before that height",
  };
}

export function networkHandlers(needs: HandlerNeeds): NetworkHandlers {
  return {
    "network.show": async () => showNetwork(needs),
    "network.schedule": async (params) => schedule(needs, params),
    "network.cancel": async ({ height, dryRun }) =>
      tellInit(
        needs,
        "cancelUpgrade",
        encode(methods.init.cancelUpgrade.params, { height: epoch(height) }),
        dryRun,
      ),
  };
}

function showNetwork(needs: HandlerNeeds): MethodResult<"network.show"> {
  const { chain } = needs;
  const { params } = chain;
  const [genesis] = chain.genesis.cids;
  assert(genesis !== undefined, "a genesis is one block");
  const { upgrades, applied } = protocolAt(chain.protocol(), chain.head().height + 1);
  return {
    name: params.name,
    genesis: genesis.toString(),
    genesisMs: chain.genesisTimestampMs,
    networkByte: params.networkByte,
    roundMs: params.roundMs,
    height: chain.head().height,
    protocol: protocolView(needs),
    sectors: params.sectorClasses.map(({ sectorBytes, profile, proofMode }) => ({
      sectorBytes,
      profile,
      proofMode,
    })),
    constants: constantsOf(namedParams(params)),
    upgradeAuthority: params.upgradeAuthority,
    faucetFil: params.faucetAmount === 0n ? null : filText(params.faucetAmount),
    foundersProven: chain.genesis.blocks[0]?.winningPost.length !== 0,
    upgrades: upgrades.map((upgrade) => upgradeView(needs, upgrade)),
    applied: applied.map((upgrade) => upgradeView(needs, upgrade)),
  };
}

async function schedule(
  needs: HandlerNeeds,
  { height, version, changes, dryRun }: CheckedParams<"network.schedule">,
): Promise<MethodResult<"network.schedule">> {
  const { version: present, params } = protocolAt(needs.chain.protocol(), height);
  const upgrade: Upgrade = {
    height: epoch(height),
    version: version ?? present,
    changes: readChanges(params, changes),
  };
  const bytes = encode(methods.init.scheduleUpgrade.params, upgrade);
  return tellInit(needs, "scheduleUpgrade", bytes, dryRun);
}

/** Amounts as FIL, everything else as whole numbers. `rpc/bad-constant`. */
export function readChanges(params: NetworkParams, given: { readonly [name: string]: string }): ParamChanges {
  const present = namedParams(params);
  const read = Object.entries(given).map(([name, text]): [string, NamedValue] => {
    if (!changeableNames.includes(name)) {
      const problem = `${name} never changes, or there is none; these can: ${changeableNames.join(", ")}`;
      throw rpcErrors.badConstant({ problem });
    }
    if (typeof present[name] === "bigint") return [name, amountOf(name, text)];
    if (/^\d{1,13}$/.test(text)) return [name, Number(text)];
    throw rpcErrors.badConstant({ problem: `${name} is a whole number, not ${text}` });
  });
  return changesOfNamed(Object.fromEntries(read));
}

function amountOf(name: string, text: string): bigint {
  try {
    return parseFil(text);
  } catch (cause) {
    const detail = cause instanceof HoldfastError ? cause.message : String(cause);
    throw rpcErrors.badConstant({ problem: `${name}: ${detail}` }, cause);
  }
}

/** A message to the init actor from the authority, if its key is here. */
async function tellInit(
  needs: HandlerNeeds,
  method: "scheduleUpgrade" | "cancelUpgrade",
  params: Uint8Array,
  dryRun: boolean,
): Promise<MethodResult<"network.schedule">> {
  const { chain, sender, wallet } = needs;
  const to = builtinAddresses(chain.params.networkByte).init;
  const told = { to, method, paramsHex: toHex(params) };
  if (dryRun) return { ...told, cid: null };
  const from = chain.params.upgradeAuthority;
  if (from === null) throw rpcErrors.noAuthority({});
  if (!wallet.addresses().includes(from)) throw rpcErrors.notAuthority({ authority: from });
  const { cid } = await sender.send({ from, to, method, params });
  return { ...told, cid: cid.toString() };
}
