/**
 * Which of the addresses that a peer names may be dialled at all. Somebody on the Internet may name addresses of the
 * Internet, somebody on the local network those of it too, and somebody on this machine any; else a stranger could have
 * every node of a network knock at a door of its own local network. What the operator or an invitation names is not
 * asked about here.
 */
import { ipOf, nameOf, type Realm, realmOf } from "../ip-ranges.ts";

const reach: { readonly [Of in Realm]: readonly Realm[] } = {
  public: ["public"],
  local: ["public", "local"],
  machine: ["public", "local", "machine"],
  none: [],
};

/** Names that mean something inside of a network only (RFC 6761, 6762, 8375; ICANN's "internal"). */
const insideNames = /(^|\.)(localhost|local|internal|intranet|lan|home|corp|home\.arpa)\.?$/i;

/** `teller`: where the peer that names them is connected from; undefined: the wire has no such notion. */
export function believable(addresses: readonly string[], teller: string | undefined): readonly string[] {
  if (teller === undefined) return addresses;
  const realms = reach[realmOf(ipOf(teller) ?? "")];
  return addresses.filter((address) => {
    const name = nameOf(address);
    if (name !== undefined) {
      const isOutside = name.includes(".") && !insideNames.test(name);
      return realms.includes(isOutside ? "public" : "local");
    }
    return realms.includes(realmOf(ipOf(address) ?? ""));
  });
}
