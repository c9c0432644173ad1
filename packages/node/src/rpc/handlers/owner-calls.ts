/**
 * Calls in the name of an address that may be a multisig: sent by its account, or proposed by a signer of whom this
 * wallet has the key.
 */
import {
  type Address,
  type AttoFil,
  assert,
  attoFil,
  decode,
  encode,
  HoldfastError,
  parseCid,
} from "@holdfast/base";
import { type MultisigView, methods, readMultisig } from "@holdfast/consensus";
import { rpcErrors } from "../errors.ts";
import type { HandlerNeeds } from "../needs.ts";
import { sendOnce } from "./keyed.ts";

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

/** How a repeat is known, see `sendOnce`. */
export interface Repeat {
  readonly key?: string | undefined;
  readonly isRelative?: boolean;
}

export async function propose(
  needs: HandlerNeeds,
  view: MultisigView,
  call: Call,
  { named, ...repeat }: Repeat & { readonly named?: Address | undefined } = {},
) {
  const { to, method, params: bytes, value = attoFil(0n) } = call;
  const params = encode(methods.multisig.propose.params, { to, method, value, params: bytes });
  const from = signerOf(needs, view, named);
  return sendOnce(needs.sender, { from, to: view.address, method: "propose", params }, repeat);
}

/** `rpc/not-a-signer`, `rpc/key-reused`, `wallet/unknown-address`, `sender/…`. */
export async function callAs(needs: HandlerNeeds, from: Address, call: Call, repeat: Repeat = {}) {
  const view = needs.wallet.addresses().includes(from) ? undefined : multisigAt(needs, from);
  const sent =
    view === undefined
      ? await sendOnce(needs.sender, { from, ...call }, repeat)
      : await propose(needs, view, call, repeat);
  return { cid: sent.cid.toString(), nonce: sent.nonce, isProposal: view !== undefined };
}

/** The parameters of a call as they were sent: of a repeat, those of the first time. */
export function sentParams({ sender }: HandlerNeeds, sent: Awaited<ReturnType<typeof callAs>>): Uint8Array {
  const message = sender.find(parseCid(sent.cid))?.message.message;
  assert(message !== undefined, "what was sent is found");
  return sent.isProposal ? decode(methods.multisig.propose.params, message.params).params : message.params;
}
