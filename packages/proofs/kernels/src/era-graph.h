/*
 * Parents of runs of nodes in the ZigZag graph of 2019, degree 5 and 8. The bucket graph draws from ChaCha, keyed by
 * the seed and the node; expander edges are a Feistel permutation whose round function the host gives as tables.
 * Source: the TypeScript reference, zigzag2019/graph.ts, and rand.ts beside it.
 */
#ifndef HOLDFAST_ERA_GRAPH_H
#define HOLDFAST_ERA_GRAPH_H
#include "chacha.h"

#define ERA_DEGREE 5
#define ERA_EXPANSION 8
#define ERA_PARENTS (ERA_DEGREE + ERA_EXPANSION)
#define ERA_SEED_WORDS 7
#define ERA_ROUNDS 3
/* Of the logarithm's 32 values, each with the smallest number that has it. */
#define ERA_LOGARITHMS 32
enum { ERA_REVERSED = 1 };

typedef struct {
  u32 state[16], block[16];
  u32 used;
} era_random;

/* The high word comes first; a block has an even number of words. */
INLINE u64 era_u64(era_random *random) {
  if (random->used == 16) {
    chacha_block(random->block, random->state, 10);
    random->state[12]++;
    random->used = 0;
  }
  u64 high = random->block[random->used];
  u64 low = random->block[random->used + 1];
  random->used += 2;
  return high << 32 | low;
}

/* Uniform in [low, low + width), by rejection. */
INLINE u64 era_range(era_random *random, u64 low, u64 width) {
  u64 zone = ~0ull - ~0ull % width, value;
  do value = era_u64(random);
  while (value >= zone);
  return low + value % width;
}

/* Into its place in a run of `count` ascending numbers. */
INLINE void insert_sorted(u32 *sorted, u32 count, u32 value) {
  u32 at = count;
  for (; at > 0 && sorted[at - 1] > value; at--) sorted[at] = sorted[at - 1];
  sorted[at] = value;
}

/* Base parents, ascending, of the nodes low ... low + count - 1, which are below 2^29. */
ENTRY i32 EXPORT(era_base)(u32 *base, const u32 *seed, const u32 *logarithms, u32 low, u32 count) {
  for (u32 i = 0; i < count; i++) {
    u32 node = low + i, *parents = base + ERA_DEGREE * (usize)i;
    if (node <= 1) {
      for (u32 k = 0; k < ERA_DEGREE; k++) parents[k] = 0;
      continue;
    }
    era_random random = {.used = 16};
    chacha_start(random.state);
    __builtin_memcpy(random.state + 4, seed, 4 * ERA_SEED_WORDS);
    random.state[4 + ERA_SEED_WORDS] = node;
    u32 buckets = 1;
    while (buckets + 1 < ERA_LOGARITHMS && logarithms[buckets + 1] <= ERA_DEGREE * node) buckets++;
    for (u32 k = 0; k < ERA_DEGREE; k++) {
      u64 small = ERA_DEGREE * (u64)node + k, bucket = era_u64(&random) % buckets;
      u64 farthest = small < 2ull << bucket ? small : 2ull << bucket;
      u64 nearest = farthest / 2 < 2 ? 2 : farthest / 2;
      u32 parent = (u32)((small - era_range(&random, nearest, farthest + 1 - nearest)) / ERA_DEGREE);
      insert_sorted(parents, k, parent == node ? node - 1 : parent);
    }
  }
  return OK;
}

INLINE u32 feistel(const u32 *rounds, u32 half_bits, u32 value, int inverse) {
  u32 mask = (1u << half_bits) - 1, left = value >> half_bits, right = value & mask;
  UNROLL for (u32 k = 0; k < ERA_ROUNDS; k++) {
    const u32 *table = rounds + ((usize)(inverse ? ERA_ROUNDS - 1 - k : k) << half_bits);
    u32 old = left;
    left = inverse ? right ^ (table[left] & mask) : right;
    right = inverse ? old : old ^ (table[right] & mask);
  }
  return left << half_bits | right;
}

/*
 * All parents, ascending, of a run of nodes out of the base parents of the nodes whose number counts from the
 * direction's own beginning: these in ascending order, so against the run's order if it is reversed. The permutation
 * has at least 8 * nodes values.
 */
ENTRY i32 EXPORT(era_parents)(u32 *parents, const u32 *base, const u32 *rounds, u32 half_bits, u32 nodes, u32 low,
                              u32 count, u32 flags) {
  u32 last = nodes - 1, size = ERA_EXPANSION * nodes;
  int reversed = flags & ERA_REVERSED;
  for (u32 i = 0; i < count; i++) {
    u32 node = low + i, have = ERA_DEGREE, *own = parents + ERA_PARENTS * (usize)i;
    const u32 *from = base + ERA_DEGREE * (usize)(reversed ? count - 1 - i : i);
    for (u32 k = 0; k < ERA_DEGREE; k++) own[k] = reversed ? last - from[ERA_DEGREE - 1 - k] : from[k];
    for (u32 k = 0; k < ERA_EXPANSION; k++) {
      u32 image = ERA_EXPANSION * node + k;
      do image = feistel(rounds, half_bits, image, reversed);
      while (image >= size);
      u32 parent = image / ERA_EXPANSION;
      if (reversed ? parent > node : parent < node) insert_sorted(own, have++, parent);
    }
    while (have < ERA_PARENTS) insert_sorted(own, have++, reversed ? last : 0);
  }
  return OK;
}
#endif
