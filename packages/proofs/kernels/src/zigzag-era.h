/*
 * A run of nodes of one layer of zigzag-2019, in place, by the rules of zigzag.h: a key is BLAKE2s over the replica id
 * and 13 encoded parents, seven blocks; of a node without parents over the replica id alone. Keys lose their two top
 * bits. The reference is zigzag2019/encoding.ts.
 */
#ifndef HOLDFAST_ZIGZAG_ERA_H
#define HOLDFAST_ZIGZAG_ERA_H
#include "zigzag-blake2s.h"

#define ERA_BLOCKS 7

/* Half of a block: the replica id, then the parents. */
INLINE const u8 *era_half(const zigzag_run *run, u32 i, u32 half) {
  if (half == 0) return run->replica_id;
  return parent_of(run, i, half - 1);
}

VECTORS NOINLINE void era_one(const zigzag_run *run, u32 i) {
  u32 key[NODE_WORDS];
  v4 h[2] = {{blake_iv[0] ^ BLAKE_PARAMETERS, blake_iv[1], blake_iv[2], blake_iv[3]},
             {blake_iv[4], blake_iv[5], blake_iv[6], blake_iv[7]}};
  if (run->counts[i] == 0) {
    blake_rows(h, run->replica_id, no_node, 32, ~0u);
  } else {
    for (u32 block = 0; block < ERA_BLOCKS; block++)
      blake_rows(h, era_half(run, i, 2 * block), era_half(run, i, 2 * block + 1), 64 * (block + 1),
                 block + 1 == ERA_BLOCKS ? ~0u : 0);
  }
  __builtin_memcpy(key, h, 32);
  key[7] &= 0x3fffffffu;
  change_words(run, i, key);
}

/* LANES nodes with parents at once, all keys before any of them changes. */
VECTORS NOINLINE void era_group(const zigzag_run *run, u32 first) {
  lanes h[8], m[16];
  const u8 *rows[LANES];
  UNROLL for (int w = 0; w < 8; w++) h[w] = all_lanes(blake_iv[w] ^ (w == 0 ? BLAKE_PARAMETERS : 0));
  for (u32 block = 0; block < ERA_BLOCKS; block++) {
    UNROLL for (u32 half = 0; half < 2; half++) {
      for (u32 lane = 0; lane < LANES; lane++) rows[lane] = era_half(run, first + lane, 2 * block + half);
      load_rows(m + 8 * half, rows);
    }
    blake_lanes(h, m, 64 * (block + 1), block + 1 == ERA_BLOCKS ? ~0u : 0);
  }
  h[7] &= 0x3fffffffu;
  subtract_keys(run, first, h);
}

/* Index of the first node whose parents are no nodes, or that has neither all of them nor none; or -1. */
ENTRY i32 EXPORT(zigzag_era)(u8 *layer, u32 nodes, const u8 *replica_id, const u32 *parents, const u8 *counts,
                             u32 low, u32 count, u32 flags) {
  zigzag_run run = {layer, layer, nodes, replica_id, 0, parents, counts, low, count, flags};
  for (u32 i = 0; i < count; i++)
    if (!parents_fit(&run, i) || (counts[i] != 0 && counts[i] != ZIGZAG_DEGREE)) return (i32)i;
  for (u32 done = 0; done < count;) {
    u32 i = flags & DESCENDING ? count - 1 - done : done;
    u32 first = flags & DESCENDING ? i + 1 - LANES : i;
    int full = flags & DECODE && count - done >= LANES;
    for (u32 lane = 0; full && lane < LANES; lane++) full = counts[first + lane] != 0;
    if (full) {
      for (u32 lane = 0; lane < LANES; lane++)
        fetch_parents(&run, flags & DESCENDING ? first - 1 - lane : first + LANES + lane);
      era_group(&run, first);
      done += LANES;
      continue;
    }
    fetch_parents(&run, flags & DESCENDING ? i - AHEAD : i + AHEAD);
    era_one(&run, i);
    done++;
  }
  return OK;
}
#endif
