/*
 * The tables of the Pedersen hash, and where in them the points of a pair of nodes are. A table holds the sums of
 * four chunks of three bits, 12 bits of the message; the highest bit of its last chunk is a sign alone: flipping the
 * sign bits of all chunks negates a sum, so half of the sums are enough.
 */
#ifndef HOLDFAST_PEDERSEN_TABLE_H
#define HOLDFAST_PEDERSEN_TABLE_H
#include "fr.h"

#define WINDOW_BITS 12
#define WINDOW_CHUNKS 4
/* 6 + 2 * 255 bits are 43 windows; without the six, the last one has two chunks and a table of its own. */
#define PEDERSEN_WINDOWS 43
#define PEDERSEN_HALF (1u << (WINDOW_BITS - 1))
#define SIGN_BITS 0x924u
#define TAIL_CHUNKS 2
#define TAIL_BITS 6
#define PEDERSEN_ENTRIES (PEDERSEN_WINDOWS * PEDERSEN_HALF + (1u << (TAIL_BITS - 1)))
#define NODE_BITS 255
#define PERSONALIZATION_BITS 6
/* In the place of a personalization: none. */
#define NO_PERSONALIZATION 64u

/* In fr52.h's form and words where the kernel has vectors (pedersen-ifma.c). */
typedef struct { fr x, y; } pedersen_entry;

/* Hosts give 64 bytes more than the tables have, so that no entry lies in two lines of the cache. */
INLINE pedersen_entry *pedersen_aligned(u8 *bytes) { return (pedersen_entry *)(((usize)bytes + 63) & ~(usize)63); }

/* Bits [at, at + 12) of a node. */
INLINE u32 node_bits(const u8 *node, u32 at) {
  u32 word, byte = at >> 3 < 28 ? at >> 3 : 28;
  __builtin_memcpy(&word, node + byte, 4);
  return word >> (at - 8 * byte) & (2 * PEDERSEN_HALF - 1);
}

/* The bits of a window, `bit` being its first bit in what follows the personalization (its end, for the first). */
INLINE u32 bits_of(const u8 *pair, i32 bit, u32 personalization) {
  if (bit < 0) return personalization | (node_bits(pair, 0) << -bit & (2 * PEDERSEN_HALF - 1));
  if (bit + WINDOW_BITS <= NODE_BITS) return node_bits(pair, (u32)bit);
  if (bit >= NODE_BITS) return node_bits(pair + 32, (u32)bit - NODE_BITS) & (bit + WINDOW_BITS > 2 * NODE_BITS ? 63 : ~0u);
  u32 have = NODE_BITS - (u32)bit;
  return (node_bits(pair, (u32)bit) & ((1u << have) - 1)) | (node_bits(pair + 32, 0) << have & (2 * PEDERSEN_HALF - 1));
}

/* Where a point is: twice its number in the table, and one more if it is the negative. */
INLINE u32 place_of(u32 bits, u32 width) {
  u32 sign = bits >> (width - 1) & 1;
  return ((bits ^ (SIGN_BITS & (0 - sign))) & ((1u << (width - 1)) - 1)) << 1 | sign;
}

typedef i32 (*pedersen_tables_function)(u8 *tables, const u8 *points);
typedef i32 (*pedersen_function)(u8 *tables, const u8 *row, u8 *out, u32 pairs, u32 personalization);
#endif
