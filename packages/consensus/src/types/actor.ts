/** The record of one actor in the state tree. */
import type { AttoFil, CID, Codec, Nonce } from "@holdfast/base";
import { c } from "@holdfast/base";

export interface ActorRecord {
  /** Raw sha2-256 CID of the code's name. */
  readonly code: CID;
  /** Root of the actor's own state, null if it has none. */
  readonly head: CID | null;
  /** Number of messages that this account has sent. */
  readonly nonce: Nonce;
  readonly balance: AttoFil;
}

export const actorRecordCodec: Codec<ActorRecord> = c.tuple("ActorRecord", {
  code: c.cid,
  head: c.nullable(c.cid),
  nonce: c.nonce,
  balance: c.attoFil,
});
