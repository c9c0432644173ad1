/** Methods about messages and the wallet. */
import type { ApiHandlers, CheckedParams, MethodResult } from "@holdfast/api";
import {
  type Address,
  addAtto,
  attoFil,
  type CID,
  f1Text,
  filText,
  fromHex,
  parseFil,
  printAgeIdentity,
  printAgeRecipient,
  subAtto,
} from "@holdfast/base";
import { listChannels, readActor, readEscrow } from "@holdfast/consensus";
import { rpcErrors } from "../errors.ts";
import type { HandlerNeeds } from "../needs.ts";
import { sendOnce } from "./keyed.ts";
import { addressParam } from "./params.ts";
import { cidOf, messageStateView, messageView } from "./views.ts";

type MessageHandlers = Pick<
  ApiHandlers,
  | "message.send"
  | "message.show"
  | "message.wait"
  | "message.ls"
  | "message.replace"
  | "message.cancel"
  | "message.why"
  | "wallet.ls"
  | "wallet.new"
  | "wallet.default"
  | "wallet.export"
  | "wallet.recipient"
  | "wallet.identity"
  | "wallet.import"
>;

export function messageHandlers(needs: HandlerNeeds): MessageHandlers {
  const { chain, sender, wallet } = needs;
  const entry = (address: Address): MethodResult<"wallet.new"> => ({
    address,
    f1: f1Text(address),
    ...fundsOf(needs, address),
    isDefault: address === wallet.defaultAddress(),
  });
  return {
    "message.send": async (params) => sendMessage(needs, params),
    "message.replace": async ({ cid, gasPrice }) => {
      const price = gasPrice === undefined ? undefined : parseFil(gasPrice);
      return sentView(await sender.replace(cidOf(cid), price));
    },
    "message.cancel": async ({ cid }) => sentView(await sender.cancel(cidOf(cid))),
    "message.why": async ({ cid }) => whyMessage(needs, cid),
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
    "wallet.recipient": async ({ address: given }) => {
      const address = given === undefined ? wallet.payer() : addressParam(needs, given);
      return { address, recipient: printAgeRecipient(wallet.fileRecipient(address)) };
    },
    "wallet.identity": async ({ address: given }) => {
      const address = addressParam(needs, given);
      return { address, identity: printAgeIdentity(wallet.fileIdentity(address)) };
    },
    "wallet.import": async ({ text }) => (await wallet.importText(text)).map(entry),
  };
}

function fundsOf({ chain }: HandlerNeeds, address: Address) {
  const { state } = chain.headState();
  const { escrow, locked } = readEscrow(chain.store, state, address);
  const left = listChannels(chain.store, state, address).map(({ channel }) =>
    subAtto(channel.amount, channel.redeemed),
  );
  return {
    balanceFil: filText(readActor(chain.store, state, address)?.balance ?? attoFil(0)),
    escrowFil: filText(escrow),
    lockedFil: filText(locked),
    channelsFil: filText(addAtto(...left)),
  };
}

export function sentView({ cid, nonce }: { readonly cid: CID; readonly nonce: number }) {
  return { cid: cid.toString(), nonce };
}

/** Codes of messages that no block will take any more. */
const lostCodes: ReadonlySet<string> = new Set(["replaced", "cancelled"]);

export function whyMessage({ sender }: HandlerNeeds, cid: string): MethodResult<"message.why"> {
  const reasons = sender.why(cidOf(cid));
  if (reasons === undefined) throw rpcErrors.notFound({ what: `message ${cid}` });
  const code = reasons[0]?.code ?? "";
  const state = code === "mined" ? "mined" : lostCodes.has(code) ? "lost" : "waiting";
  return { cid, state, reasons: reasons.map((reason) => ({ ...reason })) };
}

/** A repeat with the same key gives the same message, if it asks for the same. `rpc/key-reused`. */
async function sendMessage(
  needs: HandlerNeeds,
  params: CheckedParams<"message.send">,
): Promise<MethodResult<"message.send">> {
  const wanted = {
    to: addressParam(needs, params.to),
    value: parseFil(params.value),
    method: params.method,
    params: fromHex(params.paramsHex),
    ...(params.from === undefined ? {} : { from: addressParam(needs, params.from) }),
    ...(params.gasPrice === undefined ? {} : { gasPrice: parseFil(params.gasPrice) }),
    ...(params.gasLimit === undefined ? {} : { gasLimit: params.gasLimit }),
  };
  return sentView(await sendOnce(needs.sender, wanted, { key: params.key }));
}
