/** What answers about the chain count among a peer's deeds; not to have a block is no deed. */
import type { Deed, NetControl } from "./net/index.ts";
import type { PeerVerdict, SyncNeeds } from "./sync/index.ts";

export function verdictsTo(control: NetControl | undefined): NonNullable<SyncNeeds["onVerdict"]> {
  const deeds: { readonly [Of in PeerVerdict]: Deed | undefined } = {
    useful: "useful",
    useless: undefined,
    late: "unhelpful",
    lying: "lied",
  };
  return (peer, verdict) => {
    const deed = deeds[verdict];
    if (deed !== undefined) control?.report(peer, deed);
  };
}
