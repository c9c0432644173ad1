/*
 * A run of nodes of one ZigZag layer whose keys come from BLAKE2s. The messages are those of the TypeScript reference,
 * porep/keys.ts: eight blocks, of which the first holds no parent. So that one is hashed for LANES nodes together
 * also when encoding, and a node adds seven blocks to the chain.
 */
#ifndef HOLDFAST_ZIGZAG_BLAKE2S_H
#define HOLDFAST_ZIGZAG_BLAKE2S_H
#include "blake2s.h"
#include "zigzag.h"

#define KEY_BLOCKS 8
#define KEY_BYTES 480u
/* Nodes between a node and the one whose parents are asked for. */
#define AHEAD 4

INLINE lanes all_lanes(u32 value) { return (lanes){0} + value; }

/* Words 4q ... 4q + 3 of LANES rows of words. */
VECTORS INLINE void load_quarters(lanes *m, const u8 *const *rows, u32 q) {
  lanes x[4];
  UNROLL for (int r = 0; r < 4; r++) {
    v4 part[LANES / 4];
    UNROLL for (int g = 0; g < LANES / 4; g++) __builtin_memcpy(&part[g], rows[4 * g + r] + 16 * q, 16);
    x[r] = JOIN(part);
  }
  TRANSPOSE(m, x)
}

/* A node in each of LANES places, word by word. */
VECTORS INLINE void load_rows(lanes *m, const u8 *const *rows) {
  load_quarters(m, rows, 0);
  load_quarters(m + 4, rows, 1);
}

VECTORS INLINE void store_rows(u8 *to, const lanes *m) {
  UNROLL for (int q = 0; q < 2; q++) {
    lanes x[4];
    TRANSPOSE(x, (m + 4 * q))
    UNROLL for (int r = 0; r < 4; r++) {
      v4 part[LANES / 4];
      __builtin_memcpy(part, &x[r], sizeof(part));
      UNROLL for (int g = 0; g < LANES / 4; g++) __builtin_memcpy(to + 32 * (4 * g + r) + 16 * q, &part[g], 16);
    }
  }
}

/* The state behind the first block of the run's nodes i ... i + LANES - 1; what is behind the run is made up. */
VECTORS INLINE void first_block(lanes *h, const zigzag_run *run, u32 i) {
  static const u8 tag[16] = "holdfast zigzag1"; /* without the zero at the end */
  u32 fixed[13], counts[LANES], numbers[LANES];
  lanes m[16];
  __builtin_memcpy(fixed, run->replica_id, 32);
  __builtin_memcpy(fixed + 8, tag, 16);
  fixed[12] = run->number;
  for (u32 lane = 0; lane < LANES; lane++) {
    counts[lane] = i + lane < run->count ? run->counts[i + lane] : 0;
    numbers[lane] = run->low + i + lane;
  }
  UNROLL for (int w = 0; w < 13; w++) m[w] = all_lanes(fixed[w]);
  __builtin_memcpy(&m[13], counts, sizeof(counts));
  __builtin_memcpy(&m[14], numbers, sizeof(numbers));
  m[15] = all_lanes(0);
  UNROLL for (int w = 0; w < 8; w++) h[w] = all_lanes(blake_iv[w] ^ (w == 0 ? BLAKE_PARAMETERS : 0));
  blake_lanes(h, m, 64, 0);
}

/* rows - keys modulo the modulus, lane by lane. */
VECTORS INLINE void subtract_lanes(lanes *rows, const lanes *keys) {
  lanes borrow = all_lanes(0), carry = all_lanes(0);
  UNROLL for (int w = 0; w < NODE_WORDS; w++) {
    lanes rest = rows[w] - keys[w];
    lanes next = (lanes)(rows[w] < keys[w]) | ((lanes)(rest == 0) & borrow);
    rows[w] = rest + borrow;
    borrow = next;
  }
  UNROLL for (int w = 0; w < NODE_WORDS; w++) {
    lanes plus = borrow & node_modulus[w], sum = rows[w] + plus;
    lanes next = (lanes)(sum < plus) | ((lanes)(sum == ~0u) & carry);
    rows[w] = sum - carry;
    carry = next;
  }
}

/* Takes its key from each of the run's nodes first ... first + LANES - 1. */
VECTORS INLINE void subtract_keys(const zigzag_run *run, u32 first, const lanes *keys) {
  lanes m[8];
  const u8 *rows[LANES];
  usize offset = 32 * (usize)(run->low + first);
  for (u32 lane = 0; lane < LANES; lane++) rows[lane] = run->source + offset + 32 * (usize)lane;
  load_rows(m, rows);
  subtract_lanes(m, keys);
  store_rows(run->layer + offset, m);
}

/* LANES nodes at once, all keys before any of them changes. */
VECTORS NOINLINE void decode_group(const zigzag_run *run, u32 first) {
  lanes h[8], m[16];
  const u8 *rows[LANES];
  first_block(h, run, first);
  for (u32 block = 1; block < KEY_BLOCKS; block++) {
    int last = block + 1 == KEY_BLOCKS;
    for (u32 lane = 0; lane < LANES; lane++) rows[lane] = slot_of(run, first + lane, 2 * block - 2);
    load_rows(m, rows);
    if (last) {
      for (int w = 8; w < 16; w++) m[w] = all_lanes(0);
    } else {
      for (u32 lane = 0; lane < LANES; lane++) rows[lane] = slot_of(run, first + lane, 2 * block - 1);
      load_rows(m + 8, rows);
    }
    blake_lanes(h, m, last ? KEY_BYTES : 64 * (block + 1), last ? ~0u : 0);
  }
  h[7] &= 0x3fffffffu;
  subtract_keys(run, first, h);
}

/* One node, from the state behind its first block. */
VECTORS INLINE void change_node(const zigzag_run *run, u32 i, const u32 *state) {
  u32 key[NODE_WORDS];
  v4 h[2];
  __builtin_memcpy(h, state, 32);
  for (u32 block = 1; block < KEY_BLOCKS; block++) {
    int last = block + 1 == KEY_BLOCKS;
    const u8 *second = last ? no_node : slot_of(run, i, 2 * block - 1);
    blake_rows(h, slot_of(run, i, 2 * block - 2), second, last ? KEY_BYTES : 64 * (block + 1), last ? ~0u : 0);
  }
  __builtin_memcpy(key, h, 32);
  key[7] &= 0x3fffffffu;
  change_words(run, i, key);
}

/* Up to LANES nodes one after the other, in the run's order. */
VECTORS NOINLINE void change_group(const zigzag_run *run, u32 first, u32 count) {
  lanes h[8];
  u32 states[LANES][8];
  first_block(h, run, first);
  store_rows((u8 *)states, h);
  for (u32 k = 0; k < count; k++) {
    u32 lane = run->flags & DESCENDING ? count - 1 - k : k;
    fetch_parents(run, run->flags & DESCENDING ? first + lane - AHEAD : first + lane + AHEAD);
    change_node(run, first + lane, states[lane]);
  }
}

/* Index of the first node whose parents are no nodes, or -1. */
ENTRY i32 EXPORT(zigzag_blake2s)(u8 *layer, const u8 *source, u32 nodes, const u8 *replica_id, u32 number, const u32 *parents,
                                 const u8 *counts, u32 low, u32 count, u32 flags) {
  zigzag_run run = {layer, source, nodes, replica_id, number, parents, counts, low, count, flags};
  for (u32 i = 0; i < count; i++)
    if (!parents_fit(&run, i)) return (i32)i;
  for (u32 done = 0; done < count;) {
    u32 size = count - done < LANES ? count - done : LANES;
    u32 first = flags & DESCENDING ? count - done - size : done;
    if (flags & DECODE && size == LANES) {
      for (u32 i = 0; i < LANES; i++) fetch_parents(&run, flags & DESCENDING ? first - 1 - i : first + LANES + i);
      decode_group(&run, first);
    } else {
      change_group(&run, first, size);
    }
    done += size;
  }
  return OK;
}
#endif
