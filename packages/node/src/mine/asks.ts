/** Keeps an ask of this miner on the chain, so that clients find its price. */
import { type AttoFil, encode } from "@holdfast/base";
import { methods, readMinerState } from "@holdfast/consensus";
import type { AskPolicy, MineNeeds } from "./needs.ts";

/** A new ask is published when the last one has this share of its life left. */
const renewShare = 0.1;
/** Rounds after which one that the chain has refused is sent anew. */
const retryRounds = 20;

export async function publishAsk(needs: MineNeeds, policy: AskPolicy): Promise<void> {
  const { chain, miner, sender } = needs;
  const { state, tipset } = chain.headState();
  const { asks, worker } = readMinerState(chain.store, state, miner);
  const lasting = asks.filter((ask) => ask.expiry > tipset.height + policy.forEpochs * renewShare);
  if (lasting.length > 0) return;
  const lastId = Math.max(-1, ...asks.map((ask) => ask.askId));
  const { minProviderCollateralPercent: ofProvider, minClientCollateralPercent: ofClient } = chain.params;
  const least = { ofProvider, ofClient };
  const params = encode(methods.miner.addAsk.params, {
    pricePerBytePerEpoch: policy.pricePerBytePerEpoch as AttoFil,
    minBytes: policy.minBytes,
    maxBytes: policy.maxBytes,
    // As before, or what the network asks for.
    providerCollateralPercent: Math.max(least.ofProvider, asks.at(-1)?.providerCollateralPercent ?? 0),
    clientCollateralPercent: Math.max(least.ofClient, asks.at(-1)?.clientCollateralPercent ?? 0),
    expiresAfterEpochs: policy.forEpochs,
  });
  const first = `ask/after-${lastId}`;
  const sent = sender.sentAs(first);
  // One of a worker that was none yet, or no more, in the chain that stays has failed for good.
  const isRefused = sent !== undefined && (sender.find(sent.cid)?.mined?.receipt.exitCode ?? 0) !== 0;
  const key = isRefused ? `${first}/${Math.floor(tipset.height / retryRounds)}` : first;
  await sender.send({ from: worker, to: miner, method: "addAsk", params, key });
}
