/** Methods about the money that the market holds. What is locked for deals comes free with them. */
import type { ApiHandlers, MethodResult } from "@holdfast/api";
import { type Address, attoFil, encode, filText, parseFil } from "@holdfast/base";
import { builtinAddresses, methods, readEscrow, readMinerState } from "@holdfast/consensus";
import { rpcErrors } from "../errors.ts";
import type { HandlerNeeds } from "../needs.ts";
import { callAs } from "./owner-calls.ts";
import { addressParam } from "./params.ts";

type EscrowHandlers = Pick<ApiHandlers, Extract<keyof ApiHandlers, `market.${string}`>>;
type EscrowView = MethodResult<"market.balance">[number];

export function escrowHandlers(needs: HandlerNeeds): EscrowHandlers {
  const { chain, wallet } = needs;
  const market = builtinAddresses(chain.params.networkByte).market;
  const named = (text: string | undefined): Address | undefined =>
    text === undefined ? undefined : addressParam(needs, text);
  const payerOf = (text: string | undefined): Address => {
    const payer = named(text) ?? wallet.defaultAddress();
    if (payer === undefined) throw rpcErrors.notFound({ what: "account in this wallet" });
    return payer;
  };
  return {
    "market.balance": async ({ address }) => {
      const own = [...wallet.addresses(), ...(needs.miner === undefined ? [] : [needs.miner.miner])];
      const wanted = address === undefined ? own : [addressParam(needs, address)];
      return wanted.map((party) => escrowOf(needs, party));
    },
    "market.add": async ({ amount: text, ofMiner, from }) => {
      const value = parseFil(text);
      const params = encode(methods.market.addBalance.params, { miner: named(ofMiner) ?? null });
      const call = { to: market, method: "addBalance", params, value };
      return { ...(await callAs(needs, payerOf(from), call)), amountFil: filText(value) };
    },
    "market.withdraw": async ({ amount: text, ofMiner, from }) => {
      const miner = named(ofMiner) ?? null;
      const { state } = chain.headState();
      const payer = miner === null ? payerOf(from) : readMinerState(chain.store, state, miner).owner;
      const { escrow, locked } = readEscrow(chain.store, state, miner ?? payer);
      const amount = text === undefined ? attoFil(escrow - locked) : parseFil(text);
      const params = encode(methods.market.withdrawBalance.params, { miner, amount });
      const sent = await callAs(needs, payer, { to: market, method: "withdrawBalance", params });
      return { ...sent, amountFil: filText(amount) };
    },
  };
}

function escrowOf({ chain, wallet, miner }: HandlerNeeds, address: Address): EscrowView {
  const { escrow, locked } = readEscrow(chain.store, chain.headState().state, address);
  const isOwn = wallet.addresses().includes(address);
  return {
    address,
    role: isOwn ? "account" : miner?.miner === address ? "miner" : "other",
    escrowFil: filText(escrow),
    lockedFil: filText(locked),
    freeFil: filText(attoFil(escrow - locked)),
  };
}
