/** Methods about multisigs. */
import type { ApiHandlers, CheckedParams, MethodResult } from "@holdfast/api";
import {
  type Address,
  attoFil,
  createdAddress,
  decode,
  encode,
  filText,
  fromHex,
  nonce,
  parseFil,
  toHex,
} from "@holdfast/base";
import {
  builtinAddresses,
  codeNameOfCid,
  listActors,
  type MultisigView,
  methods,
  multisigGovernance,
} from "@holdfast/consensus";
import { rpcErrors } from "../errors.ts";
import type { HandlerNeeds } from "../needs.ts";
import { messageOfKey, sendOnce } from "./keyed.ts";
import { sentView } from "./messages.ts";
import { type Call, multisigAt, propose, signerOf } from "./owner-calls.ts";
import { addressParam } from "./params.ts";
import { epochsOf } from "./views.ts";

type MultisigHandlers = Pick<ApiHandlers, Extract<keyof ApiHandlers, `multisig.${string}`>>;

/** Actors that are looked at, and multisigs that are listed, in one answer. */
const mostActors = 100_000;
const mostListed = 100;

export function multisigHandlers(needs: HandlerNeeds): MultisigHandlers {
  const { sender, chain } = needs;
  const address = (text: string): Address => addressParam(needs, text);
  const named = (text: string | undefined) => (text === undefined ? undefined : address(text));
  const settle = async (
    method: "approve" | "cancel",
    { multisig, transactionId, from, key }: CheckedParams<"multisig.approve">,
  ): Promise<MethodResult<"multisig.approve">> => {
    const known = messageOfKey(sender, key);
    // Its transaction may be over since then.
    if (known !== undefined) {
      const { from: by, to, params: bytes } = known;
      const isSame = known.method === method && to === address(multisig);
      const isIt = isSame && decode(methods.multisig[method].params, bytes).transactionId === transactionId;
      if (!isIt) throw rpcErrors.keyReused({ key: key ?? "" });
      return sentView(await sendOnce(sender, { from: by, to, method, params: bytes }, { key }));
    }
    const view = existing(needs, address(multisig));
    const open = view.transactions.find((one) => one.transactionId === transactionId);
    if (open === undefined)
      throw rpcErrors.notFound({ what: `open transaction ${transactionId} of ${multisig}` });
    const params = encode(methods.multisig[method].params, { transactionId, hash: open.hash });
    const call = { from: signerOf(needs, view, named(from)), to: view.address, method, params };
    return sentView(await sendOnce(sender, call, { key }));
  };
  return {
    "multisig.create": async ({ signers, threshold, amount, unlockForMs, from, key }) => {
      const params = encode(methods.init.createMultisig.params, {
        signers: signers.map(address),
        threshold,
        unlockEpochs: unlockForMs === undefined ? 0 : epochsOf(unlockForMs, chain.params),
      });
      const payer = named(from) ?? needs.wallet.defaultAddress();
      if (payer === undefined) throw rpcErrors.notFound({ what: "account in this wallet" });
      const to = builtinAddresses(chain.params.networkByte).init;
      const value = parseFil(amount);
      const call = { from: payer, to, value, method: "createMultisig", params };
      const sent = await sendOnce(sender, call, { key });
      return { ...sentView(sent), address: createdAddress(payer, nonce(sent.nonce)) };
    },
    "multisig.propose": async ({ multisig, to, amount, method, paramsHex, from, key }) => {
      const call = { to: address(to), value: parseFil(amount), method, params: fromHex(paramsHex) };
      return sentView(
        await propose(needs, existing(needs, address(multisig)), call, { named: named(from), key }),
      );
    },
    "multisig.change": async (params) => {
      const view = existing(needs, address(params.multisig));
      return sentView(
        await propose(needs, view, changeOf(needs, view, params), {
          named: named(params.from),
          key: params.key,
        }),
      );
    },
    "multisig.approve": (params) => settle("approve", params),
    "multisig.cancel": (params) => settle("cancel", params),
    "multisig.ls": async () => ownMultisigs(needs).map((view) => viewOf(needs, view)),
    "multisig.show": async (params) => viewOf(needs, existing(needs, address(params.address))),
  };
}

function existing(needs: HandlerNeeds, address: Address): MultisigView {
  const view = multisigAt(needs, address);
  if (view === undefined) throw rpcErrors.notFound({ what: `multisig ${address} on the chain` });
  return view;
}

/** What the multisig does to itself. */
function changeOf(needs: HandlerNeeds, view: MultisigView, given: CheckedParams<"multisig.change">): Call {
  const signer = (text: string | undefined): Address => {
    if (text === undefined) throw rpcErrors.changeIncomplete({ change: given.change });
    return addressParam(needs, text);
  };
  const { addSigner, removeSigner, swapSigner, setThreshold } = multisigGovernance;
  const call = (method: string, params: Uint8Array): Call => ({ to: view.address, method, params });
  const isMoved = given.moveThreshold;
  switch (given.change) {
    case "add":
      return call("addSigner", encode(addSigner.params, { signer: signer(given.signer), increase: isMoved }));
    case "remove":
      return call(
        "removeSigner",
        encode(removeSigner.params, { signer: signer(given.signer), decrease: isMoved }),
      );
    case "swap":
      return call(
        "swapSigner",
        encode(swapSigner.params, { from: signer(given.signer), to: signer(given.newSigner) }),
      );
    case "threshold":
      if (given.threshold === undefined) throw rpcErrors.changeIncomplete({ change: given.change });
      return call("setThreshold", encode(setThreshold.params, { threshold: given.threshold }));
  }
}

function ownMultisigs(needs: HandlerNeeds): MultisigView[] {
  const { chain, wallet } = needs;
  const own = new Set<Address>(wallet.addresses());
  const found: MultisigView[] = [];
  let looked = 0;
  for (const [address, record] of listActors(chain.store, chain.headState().state)) {
    looked += 1;
    if (looked > mostActors || found.length >= mostListed) break;
    if (codeNameOfCid(record.code) !== "multisigactor") continue;
    const view = existing(needs, address);
    if (view.signers.some((signer) => own.has(signer))) found.push(view);
  }
  return found;
}

function viewOf({ wallet }: HandlerNeeds, view: MultisigView): MethodResult<"multisig.show"> {
  const own = new Set<Address>(wallet.addresses());
  return {
    address: view.address,
    signers: [...view.signers],
    threshold: view.threshold,
    balanceFil: filText(view.balance),
    freeFil: filText(view.freeBalance),
    isSigner: view.signers.some((signer) => own.has(signer)),
    transactions: view.transactions.map(({ transactionId, to, value, method, params, approvals }) => ({
      transactionId,
      to,
      valueFil: filText(attoFil(value)),
      method,
      paramsHex: toHex(params),
      approvals: [...approvals],
      missing: Math.max(0, view.threshold - approvals.length),
    })),
  };
}
