/** The terms of deals in the units of people: a miner's policy, and what miners answer to who asks before a deal. */
import type { MethodParams, MethodResult } from "@holdfast/api";
import { parseAddress } from "@holdfast/base";
import { rpcErrors } from "../errors.ts";
import type { DealRules } from "../market-needs.ts";
import type { HandlerNeeds } from "../needs.ts";
import { cidOf, epochsOf, priceFilPerGiBPerDay } from "./views.ts";

type PolicyView = MethodResult<"deal.policy">;

/** Times of people are epochs of the policy. */
export function policyView(needs: HandlerNeeds, given: MethodParams<"deal.policy">): PolicyView {
  const { params } = needs.chain;
  const { minForMs, maxForMs, ...rest } = given;
  const epochs = (ms: number | null) => (ms === null ? null : epochsOf(ms, params));
  const times = {
    ...(minForMs === undefined ? {} : { minEpochs: epochs(minForMs) }),
    ...(maxForMs === undefined ? {} : { maxEpochs: epochs(maxForMs) }),
  };
  const plain = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  for (const list of [rest.allow, rest.deny, rest.verified]) {
    for (const client of list ?? []) parseAddress(client, { network: params.networkByte });
  }
  const policy = needs.market.policy({ ...plain, ...times } as Partial<DealRules>);
  if (policy === undefined) throw rpcErrors.notAMiner({ node: needs.name });
  const { minEpochs, maxEpochs, allow, deny, verified, ...flags } = policy;
  const ms = (count: number | null) => (count === null ? null : count * params.roundMs);
  const lists = { allow: [...allow], deny: [...deny], verified: [...verified] };
  return { ...flags, ...lists, minForMs: ms(minEpochs), maxForMs: ms(maxEpochs) };
}

/** What miners would take, in the units of people. */
export async function quotesOf(
  needs: HandlerNeeds,
  given: MethodParams<"ask.quote">,
): Promise<MethodResult<"ask.quote">> {
  const { params } = needs.chain;
  const { sizeBytes, forMs, cid, miners } = given;
  const found = await needs.market.terms({
    carBytes: sizeBytes,
    durationEpochs: epochsOf(forMs, params),
    payload: cid === undefined ? undefined : cidOf(cid),
    miners,
  });
  return found.map(({ miner, isWilling, totalFil, code, reason, terms }) => ({
    miner,
    willing: isWilling,
    totalFil,
    code,
    reason,
    takes:
      terms === null
        ? null
        : {
            priceFilPerGiBPerDay: priceFilPerGiBPerDay(terms.pricePerBytePerEpoch, params),
            minBytes: terms.minBytes,
            maxBytes: terms.maxBytes,
            minForMs: terms.minEpochs * params.roundMs,
            maxForMs: terms.maxEpochs * params.roundMs,
            sectorBytes: terms.sectorBytes,
          },
  }));
}
