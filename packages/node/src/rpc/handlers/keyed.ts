/**
 * Sending for a caller that may have lost the answer: the same key gives the same message, so no money moves twice. A
 * key that stands for something else is refused.
 */
import { type Address, type AttoFil, attoFil, type CID, equalBytes } from "@holdfast/base";
import type { Message } from "@holdfast/consensus";
import { rpcErrors } from "../errors.ts";
import type { SenderDoor } from "../needs.ts";

export interface KeyedRequest {
  readonly from?: Address;
  readonly to: Address;
  readonly value?: AttoFil;
  readonly method?: string;
  readonly params?: Uint8Array;
  readonly gasPrice?: AttoFil;
  readonly gasLimit?: number;
}

/** Among the keys of the outbox: those that people give. */
const nameOf = (key: string): string => `api:${key}`;

/** The message that a key stands for; undefined if it is new. */
export function messageOfKey(sender: SenderDoor, key: string | undefined): Message | undefined {
  const sent = key === undefined ? undefined : sender.sentAs(nameOf(key));
  return sent === undefined ? undefined : sender.find(sent.cid)?.message.message;
}

/**
 * `isRelative`: its parameters are reckoned from the present height or balance, so a repeat would make others; then
 * those of the first one hold. `rpc/key-reused`, `sender/…`.
 */
export async function sendOnce(
  sender: SenderDoor,
  request: KeyedRequest,
  { key, isRelative = false }: { readonly key?: string | undefined; readonly isRelative?: boolean },
): Promise<{ readonly cid: CID; readonly nonce: number }> {
  const check = (): void => {
    const known = messageOfKey(sender, key);
    if (known !== undefined && !isSame(known, request, isRelative)) {
      throw rpcErrors.keyReused({ key: key ?? "" });
    }
  };
  check();
  const sent = await sender.send({ ...request, ...(key === undefined ? {} : { key: nameOf(key) }) });
  check(); // another request may have come in between: then its message was given
  return sent;
}

function isSame(found: Message, asked: KeyedRequest, isRelative: boolean): boolean {
  const { from = found.from, to, value = attoFil(0n), method = "", params = new Uint8Array(0) } = asked;
  const isCall = found.from === from && found.to === to && found.method === method;
  return isCall && (isRelative || (found.value === value && equalBytes(found.params, params)));
}

/**
 * For a room that sends by itself: `rpc/key-reused` if the key stands for another call of the actor, before it sends
 * and after, as another request may have come in between.
 */
export async function sendUnlessReused<Sent>(
  sender: SenderDoor,
  key: string | undefined,
  asked: Required<Pick<KeyedRequest, "from" | "method">> & {
    readonly value?: AttoFil;
    readonly isSameParams: (params: Uint8Array) => boolean;
  },
  send: (known: Message | undefined) => Promise<Sent>,
): Promise<Sent> {
  const { from, method, value = attoFil(0n), isSameParams } = asked;
  const checked = (): Message | undefined => {
    const known = messageOfKey(sender, key);
    if (known === undefined) return undefined;
    const isCall = known.from === from && known.method === method && known.value === value;
    if (!isCall || !isSameParams(known.params)) throw rpcErrors.keyReused({ key: key ?? "" });
    return known;
  };
  const sent = await send(checked());
  checked();
  return sent;
}
