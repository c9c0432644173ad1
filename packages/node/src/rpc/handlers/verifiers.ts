/** Methods about the verifiers of idle space: what the chain has of them, and messages to the actor. */
import type { ApiHandlers, MethodResult } from "@holdfast/api";
import { type Address, addEpochs, encode, epoch, filText, parseFil, toHex } from "@holdfast/base";
import { builtinAddresses, isInOffice, methods, readIdleVerifiers } from "@holdfast/consensus";
import { rpcErrors } from "../errors.ts";
import type { HandlerNeeds, VerifierDoorView } from "../needs.ts";
import { callAs } from "./owner-calls.ts";
import { addressParam } from "./params.ts";

type VerifierHandlers = Pick<
  ApiHandlers,
  "verifier.list" | "verifier.admit" | "verifier.remove" | "verifier.bond" | "verifier.withdraw"
>;

type OwnVerifier = NonNullable<MethodResult<"verifier.list">["own"]>;

const { idle } = methods;

export function verifierHandlers(needs: HandlerNeeds): VerifierHandlers {
  const { chain } = needs;
  const to = (): Address => builtinAddresses(chain.params.networkByte).idle;
  return {
    "verifier.list": async () => listVerifiers(needs),
    async "verifier.admit"({ operator, peerId, forEpochs }) {
      const { authority } = chain.params.idle;
      if (authority === null) throw rpcErrors.nobodyAdmits({});
      const params = encode(idle.admitVerifier.params, {
        operator: addressParam(needs, operator),
        peerId,
        expires: addEpochs(epoch(chain.head().height), forEpochs),
      });
      return callAs(needs, authority, { to: to(), method: "admitVerifier", params });
    },
    async "verifier.remove"({ operator }) {
      const verifier = verifierOf(needs, operator);
      const isOurs = needs.wallet.addresses().includes(verifier);
      const from = isOurs ? verifier : (chain.params.idle.authority ?? verifier);
      const params = encode(idle.removeVerifier.params, { verifier });
      return callAs(needs, from, { to: to(), method: "removeVerifier", params });
    },
    async "verifier.bond"({ operator, amount }) {
      const verifier = verifierOf(needs, operator);
      const params = encode(idle.postBond.params, { verifier });
      return callAs(needs, payerOf(needs, verifier), {
        ...{ to: to(), method: "postBond", params, value: parseFil(amount) },
      });
    },
    async "verifier.withdraw"({ operator }) {
      const verifier = verifierOf(needs, operator);
      const params = encode(idle.withdrawBond.params, { verifier });
      return callAs(needs, payerOf(needs, verifier), { to: to(), method: "withdrawBond", params });
    },
  };
}

/** The one that is named, or the one of which this wallet has the key. `rpc/no-verifier`. */
function verifierOf(needs: HandlerNeeds, given: string | undefined): Address {
  if (given !== undefined) return addressParam(needs, given);
  const { chain, wallet } = needs;
  const own = wallet.addresses();
  const found = readIdleVerifiers(chain.store, chain.headState().state).find(({ operator }) =>
    own.includes(operator),
  );
  if (found === undefined) throw rpcErrors.noVerifier({});
  return found.operator;
}

function viewOf({ account, office, certified, judged, refused }: VerifierDoorView): OwnVerifier {
  const { key, reason } = office;
  return {
    ...{ operator: account, certified, judged, refused },
    kind: key?.kind ?? null,
    programHex: key === undefined ? null : toHex(key.program),
    keyBoundTo: key?.boundTo ?? null,
    reason: reason ?? null,
  };
}

/** Anybody may pay a bond or send it home. `rpc/not-found`. */
function payerOf({ wallet }: HandlerNeeds, verifier: Address): Address {
  const payer = wallet.addresses().includes(verifier) ? verifier : wallet.defaultAddress();
  if (payer === undefined) throw rpcErrors.notFound({ what: "account in this wallet" });
  return payer;
}

function listVerifiers({
  chain,
  wallet,
  verifier: ownOf,
}: HandlerNeeds): Awaited<ReturnType<VerifierHandlers["verifier.list"]>> {
  const { state, tipset } = chain.headState();
  const { idle: rules } = chain.params;
  const own = wallet.addresses();
  return {
    profile: rules.profile,
    weightPercent: rules.weightPercent,
    bondFil: filText(rules.verifierBond),
    seats: rules.seats,
    authority: rules.authority,
    verifiers: readIdleVerifiers(chain.store, state).map((verifier) => ({
      operator: verifier.operator,
      peerId: verifier.peerId,
      key: verifier.key,
      isInOffice: isInOffice(verifier, rules, tipset.height + 1),
      isOurs: own.includes(verifier.operator),
      bondFil: filText(verifier.bond),
      since: verifier.since,
      expires: verifier.expires,
      validUntil: verifier.validUntil,
      kind: verifier.runs?.kind ?? null,
      programHex: verifier.runs && toHex(verifier.runs.program),
      evidenceHex: verifier.runs && toHex(verifier.runs.evidence),
    })),
    own: ownOf === undefined ? null : viewOf(ownOf()),
  };
}
