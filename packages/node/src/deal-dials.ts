/** What a miner's configuration says of deals: its ask, who judges them, and how full sectors are to be. */
import { type Clock, parseFil } from "@holdfast/base";
import type { NetworkParams } from "@holdfast/consensus";
import type { MinerParts } from "./compose.ts";
import { policyHook } from "./policy-hook.ts";
import { roundedUp } from "./price-text.ts";
import type { NodeConfig } from "./repo/index.ts";

const msPerDay = 86_400_000n;
const bytesPerGiB = 2n ** 30n;
/** An ask stands for this long and is renewed before it ends. */
const askEpochs = 1_000_000;

export function dealsOf(
  config: NodeConfig,
  params: NetworkParams,
  clock: Clock,
): Pick<MinerParts, "ask" | "policyHook" | "filling"> {
  const { mining } = config;
  const hook = mining.dealHook === "" ? undefined : policyHook(mining.dealHook, clock);
  return { ask: askOf(config, params), policyHook: hook, filling: mining };
}

/** The configured price per GiB and day as attoFIL per byte and epoch, rounded up. */
function askOf({ mining }: NodeConfig, params: NetworkParams): MinerParts["ask"] {
  if (mining.pricePerGiBPerDay === "") return undefined;
  const ratio = { times: BigInt(params.roundMs), per: bytesPerGiB * msPerDay };
  return {
    pricePerBytePerEpoch: roundedUp(parseFil(mining.pricePerGiBPerDay), ratio),
    minBytes: 1,
    maxBytes: Number.MAX_SAFE_INTEGER,
    forEpochs: askEpochs,
  };
}
