/*
 * What both derivations of keys have in common in a run of nodes of one ZigZag layer, in place:
 * node = node +- key(replica id, layer, node, its encoded parents).
 * Encoding is a chain: a parent must have its new value. Decoding is none, as nodes go against the layer's
 * direction and keys come from values that are still encoded: the nodes of a group get their keys before any of
 * them changes, through the lanes of a vector together.
 */
#ifndef HOLDFAST_ZIGZAG_H
#define HOLDFAST_ZIGZAG_H
#include "constants.h"
#include "degrees.h"
#include "kernel.h"

#define NODE_WORDS 8
enum { DESCENDING = 1, DECODE = 2 };

static const u32 node_modulus[NODE_WORDS] = FR_MODULUS_WORDS32;

/* Sum and difference of two numbers below the modulus, modulo it. */
INLINE void add_key(u8 *at, const u32 *key) {
  u32 sum[NODE_WORDS], less[NODE_WORDS];
  u64 carry = 0;
  i64 borrow = 0;
  __builtin_memcpy(sum, at, 32);
  UNROLL for (int i = 0; i < NODE_WORDS; i++) {
    carry += (u64)sum[i] + key[i];
    sum[i] = (u32)carry;
    carry >>= 32;
    borrow += (i64)sum[i] - node_modulus[i];
    less[i] = (u32)borrow;
    borrow >>= 32;
  }
  __builtin_memcpy(at, borrow < 0 ? sum : less, 32);
}

INLINE void subtract_key(u8 *at, const u32 *key) {
  u32 rest[NODE_WORDS];
  i64 borrow = 0;
  u64 carry = 0;
  __builtin_memcpy(rest, at, 32);
  UNROLL for (int i = 0; i < NODE_WORDS; i++) {
    borrow += (i64)rest[i] - key[i];
    rest[i] = (u32)borrow;
    borrow >>= 32;
  }
  u32 mask = (u32)borrow;
  UNROLL for (int i = 0; i < NODE_WORDS; i++) {
    carry += (u64)rest[i] + (node_modulus[i] & mask);
    rest[i] = (u32)carry;
    carry >>= 32;
  }
  __builtin_memcpy(at, rest, 32);
}

/*
 * What a run works on: parents and counts are those of the nodes low ... low + count - 1. Parents and the nodes'
 * old values are read from `source`, new ones written to `layer`: the same bytes, or when decoding others, so that
 * runs need not wait for each other.
 */
typedef struct {
  u8 *layer;
  const u8 *source;
  u32 nodes;
  const u8 *replica_id;
  u32 number;
  const u32 *parents;
  const u8 *counts;
  u32 low, count, flags;
} zigzag_run;

INLINE int parents_fit(const zigzag_run *run, u32 i) {
  const u32 *parents = run->parents + ZIGZAG_DEGREE * (usize)i;
  u32 count = *(const volatile u8 *)&run->counts[i];
  if (count > ZIGZAG_DEGREE) return 0;
  for (u32 k = 0; k < count; k++)
    if (parents[k] >= run->nodes) return 0;
  return 1;
}

static const u8 no_node[32];

/* Parent k of the run's node i; zeros if its number was changed after parents_fit saw it and is no node's any more. */
INLINE const u8 *parent_of(const zigzag_run *run, u32 i, u32 k) {
  u32 parent = read_once(&run->parents[ZIGZAG_DEGREE * (usize)i + k]);
  return parent < run->nodes ? run->source + 32 * (usize)parent : no_node;
}

/* The node of slot k of the run's node i: a parent, or zeros. */
INLINE const u8 *slot_of(const zigzag_run *run, u32 i, u32 k) {
  return k < run->counts[i] ? parent_of(run, i, k) : no_node;
}

/* The number of a key by Poseidon beside the replica id and the parents: layer, node and how many parents. */
INLINE void key_header(u8 *header, const zigzag_run *run, u32 i) {
  u64 words[4] = {(u64)run->number << 48 | (u64)(run->low + i) << 8 | run->counts[i]};
  __builtin_memcpy(header, words, 32);
}

INLINE const u8 *key_domain(void) {
  static const u8 domain[32] = "holdfast zigzag key 2";
  return domain;
}

/* Adds a key to the run's node i, or subtracts it. */
INLINE void change_words(const zigzag_run *run, u32 i, const u32 *key) {
  usize offset = 32 * (usize)(run->low + i);
  u8 *at = run->layer + offset;
  if (run->source != run->layer) __builtin_memcpy(at, run->source + offset, 32);
  if (run->flags & DECODE) subtract_key(at, key);
  else add_key(at, key);
}

/* The same with a key of 32 bytes. */
INLINE void change_by(const zigzag_run *run, u32 i, const u8 *bytes) {
  u32 key[NODE_WORDS];
  __builtin_memcpy(key, bytes, 32);
  change_words(run, i, key);
}

/* Asks the cache for the parents of a node that comes soon. */
INLINE void fetch_parents(const zigzag_run *run, u32 i) {
  if (i >= run->count) return;
  const u32 *parents = run->parents + ZIGZAG_DEGREE * (usize)i;
  for (u32 k = 0; k < ZIGZAG_DEGREE && k < run->counts[i]; k++) __builtin_prefetch(run->source + 32 * (usize)parents[k]);
}
#endif
