/**
 * Randomness of the chain: a hash of the smallest ticket of the last tipset at or before an epoch, with the
 * epoch itself, a tag for the purpose and the asker's entropy. Tickets are unique signatures (VRF), so nobody
 * can try several. Source: the sampling rules of Filecoin; the original's look-back order was wrong and is
 * not copied: an epoch means a height here, never a position in a list of tipsets.
 */
import type { Epoch } from "@holdfast/base";
import { assert, bigEndian, blake2b256, concatBytes, utf8Bytes } from "@holdfast/base";
import type { RandomnessSource } from "../vm/env.ts";

const domain = utf8Bytes("holdfast randomness\n");

/** 32 bytes. `ticket` is the min-ticket of the last tipset at or before `at`. */
export function randomnessFromTicket(
  ticket: Uint8Array,
  tag: string,
  at: Epoch,
  entropy: Uint8Array,
): Uint8Array {
  const tagBytes = utf8Bytes(tag);
  return blake2b256(
    concatBytes(
      domain,
      bigEndian(tagBytes.length, 4),
      tagBytes,
      bigEndian(at, 8),
      bigEndian(ticket.length, 4),
      ticket,
      entropy,
    ),
  );
}

/**
 * A source for one chain. `ticketAt` gives the min-ticket of the last tipset at or before an epoch, on the
 * chain that ends with the parent of the executed block.
 */
export function createRandomness(ticketAt: (at: Epoch) => Uint8Array): RandomnessSource {
  return (at, tag, entropy) => randomnessFromTicket(ticketAt(at), tag, at, entropy);
}

export interface EpochTicket {
  readonly height: Epoch;
  /** Min-ticket of the tipset of this height. */
  readonly minTicket: Uint8Array;
}

/** The source of a chain given as the tickets of its tipsets, in ascending order of height from genesis. */
export function randomnessFromTickets(tickets: readonly EpochTicket[]): RandomnessSource {
  return createRandomness((at) => {
    let low = 0;
    let high = tickets.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((tickets[middle]?.height ?? Number.POSITIVE_INFINITY) <= at) low = middle;
      else high = middle - 1;
    }
    const found = tickets[low];
    assert(found !== undefined && found.height <= at, `the chain has a tipset at or before epoch ${at}`);
    return found.minTicket;
  });
}
