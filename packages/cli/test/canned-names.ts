/** Whom and what the canned answers are about. */
import { cidOfCbor, encodeCbor, rawCid, seedAddress, utf8Bytes } from "@holdfast/base";

export const cid = (name: string): string => cidOfCbor(encodeCbor(name)).toString();
export const fileCid = rawCid(utf8Bytes("the file")).toString();
export const client = seedAddress(1, "client");
export const miner = seedAddress(1, "miner");
export const owner = seedAddress(1, "owner");
export const messageCid = cid("message");
export const dealId = cid("deal");
export const fileBytes = new Uint8Array(200_000).map((_, index) => (index * 7919) % 251);
/** A fixed point in time: ages are relative to the head. */
export const headMs = 1_800_000_000_000;
