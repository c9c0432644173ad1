/**
 * Calls in the name of an address that may be a multisig: sent by its account, or proposed by a signer of whom this
 * wallet has the key.
 */
import { type Address, type AttoFil, attoFil, encode, HoldfastError } from "@holdfast/base";
import { type MultisigView, methods, readMultisig } from "@holdfast/consensus";
import { rpcErrors } from "../errors.ts";
import type { HandlerNeeds } from "../needs.ts";

export interface Call {
  readonly to: Address;
  readonly method: string;
  readonly params: Uint8Array;
  readonly value?: AttoFil;
}

/** Undefined if there is no multisig at this address. */
export function multisigAt({ chain }: HandlerNeeds, address: Address): MultisigView | undefined {
  const { state, tipset } = chain.headState();
  try {
    return readMultisig(chain.store, state, address, tipset.height + 1);
  } catch (error) {
    if (error instanceof HoldfastError && error.code.startsWith("state/")) return undefined;
    throw error;
  }
}

/** The signer that is named, or the first one of this wallet. `rpc/not-a-signer`. */
export function signerOf({ wallet }: HandlerNeeds, view: MultisigView, named: Address | undefined): Address {
  if (named !== undefined) return named;
  const own = wallet.addresses().find((address) => view.signers.includes(address));
  if (own === undefined) throw rpcErrors.notASigner({ multisig: view.address });
  return own;
}

export async function propose(needs: HandlerNeeds, view: MultisigView, call: Call, named?: Address) {
  const { to, method, params: bytes, value = attoFil(0n) } = call;
  const params = encode(methods.multisig.propose.params, { to, method, value, params: bytes });
  const from = signerOf(needs, view, named);
  return needs.sender.send({ from, to: view.address, method: "propose", params });
}

/** `rpc/not-a-signer`, `wallet/unknown-address`, `sender/…`. */
export async function callAs(needs: HandlerNeeds, from: Address, call: Call) {
  const view = needs.wallet.addresses().includes(from) ? undefined : multisigAt(needs, from);
  const sent =
    view === undefined ? await needs.sender.send({ from, ...call }) : await propose(needs, view, call);
  return { cid: sent.cid.toString(), nonce: sent.nonce, isProposal: view !== undefined };
}
