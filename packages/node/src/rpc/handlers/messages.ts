/** Methods about messages and the wallet. */
import type { ApiHandlers, MethodResult } from "@holdfast/api";
import { type Address, attoFil, f1Text, filText, fromHex, parseFil } from "@holdfast/base";
import { readActor } from "@holdfast/consensus";
import { rpcErrors } from "../errors.ts";
import type { HandlerNeeds } from "../needs.ts";
import { addressParam } from "./params.ts";
import { cidOf, messageStateView, messageView } from "./views.ts";

type MessageHandlers = Pick<
  ApiHandlers,
  | "message.send"
  | "message.show"
  | "message.wait"
  | "message.ls"
  | "wallet.ls"
  | "wallet.new"
  | "wallet.default"
  | "wallet.export"
  | "wallet.import"
>;

export function messageHandlers(needs: HandlerNeeds): MessageHandlers {
  const { chain, sender, wallet } = needs;
  const entry = (address: Address): MethodResult<"wallet.new"> => ({
    address,
    f1: f1Text(address),
    balanceFil: filText(readActor(chain.store, chain.headState().state, address)?.balance ?? attoFil(0)),
    isDefault: address === wallet.defaultAddress(),
  });
  return {
    "message.send": async (params) => {
      const sent = await sender.send({
        to: addressParam(needs, params.to),
        value: parseFil(params.value),
        method: params.method,
        params: fromHex(params.paramsHex),
        ...(params.from === undefined ? {} : { from: addressParam(needs, params.from) }),
        ...(params.gasPrice === undefined ? {} : { gasPrice: parseFil(params.gasPrice) }),
        ...(params.gasLimit === undefined ? {} : { gasLimit: params.gasLimit }),
      });
      return { cid: sent.cid.toString(), nonce: sent.nonce };
    },
    "message.show": async ({ cid }) => {
      const found = sender.find(cidOf(cid));
      if (found === undefined) throw rpcErrors.notFound({ what: `message ${cid}` });
      return messageStateView(chain, found.message, found.mined);
    },
    "message.wait": async ({ cid, timeoutMs, confirmations }, signal) => {
      const mined = await sender.wait(cidOf(cid), { confirmations, timeoutMs, signal });
      return messageStateView(chain, mined.message, mined);
    },
    "message.ls": async () => needs.pending().map(messageView),
    "wallet.ls": async () => wallet.addresses().map(entry),
    "wallet.new": async () => entry(await wallet.newAccount()),
    "wallet.default": async ({ address }) => {
      const chosen = addressParam(needs, address);
      await wallet.setDefault(chosen);
      return entry(chosen);
    },
    "wallet.export": async ({ address }) => {
      const exported = addressParam(needs, address);
      return { address: exported, ...wallet.exportKey(exported) };
    },
    "wallet.import": async ({ text }) => (await wallet.importText(text)).map(entry),
  };
}
