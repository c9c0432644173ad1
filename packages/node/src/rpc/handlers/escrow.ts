/** Methods about the money that the market holds. What is locked for deals comes free with them. */
import type { ApiHandlers, MethodResult } from "@holdfast/api";
import { type Address, attoFil, decode, encode, filText, parseFil } from "@holdfast/base";
import { builtinAddresses, methods, readEscrow, readMinerState } from "@holdfast/consensus";
import { rpcErrors } from "../errors.ts";
import type { HandlerNeeds } from "../needs.ts";
import { callAs, sentParams } from "./owner-calls.ts";
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
    "market.add": async ({ amount: text, ofMiner, from, key }) => {
      const value = parseFil(text);
      const params = encode(methods.market.addBalance.params, { miner: named(ofMiner) ?? null });
      const call = { to: market, method: "addBalance", params, value };
      return { ...(await callAs(needs, payerOf(from), call, { key })), amountFil: filText(value) };
    },
    "market.withdraw": async ({ amount: text, ofMiner, from, key }) => {
      const miner = named(ofMiner) ?? null;
      const { state } = chain.headState();
      const payer = miner === null ? payerOf(from) : readMinerState(chain.store, state, miner).owner;
      const { escrow, locked } = readEscrow(chain.store, state, miner ?? payer);
      const amount = text === undefined ? attoFil(escrow - locked) : parseFil(text);
      const params = encode(methods.market.withdrawBalance.params, { miner, amount });
      const call = { to: market, method: "withdrawBalance", params };
      const sent = await callAs(needs, payer, call, { key, isRelative: text === undefined });
      const asked = decode(methods.market.withdrawBalance.params, sentParams(needs, sent));
      return { ...sent, amountFil: filText(asked.amount) };
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
