/*
 * A run of nodes of one ZigZag layer, in place: node = node +- key(replica id, layer, node, its encoded parents).
 * Encoding is a chain: a parent must have its new value. Decoding is none, as nodes go against the layer's
 * direction and keys come from values that are still encoded: the nodes of a group get their keys before any of
 * them changes, through the lanes of a vector together. The messages are those of the TypeScript reference, porep/keys.ts.
 */
#ifndef HOLDFAST_ZIGZAG_H
#define HOLDFAST_ZIGZAG_H
#include "blake2s.h"
#include "poseidon.h"

#define ZIGZAG_DEGREE 13
#define NODE_WORDS 8
#define KEY_WORDS 128 /* 480 bytes and the padding of the last block */
#define KEY_BYTES 480u
enum { DESCENDING = 1, DECODE = 2 };

static const u32 node_modulus[NODE_WORDS] = FR_MODULUS_WORDS32;

INLINE void load_node(u32 *to, const u8 *layer, u32 node) { __builtin_memcpy(to, layer + 32 * (usize)node, 32); }

/* Minus the modulus where the node is not below it. */
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

/* What a run works on: parents and counts are those of the nodes low ... low + count - 1. */
typedef struct {
  u8 *layer;
  u32 nodes;
  const u8 *replica_id;
  u32 number;
  const u32 *parents;
  const u8 *counts;
  u32 low, count, flags;
} zigzag_run;

INLINE int parents_fit(const zigzag_run *run, u32 i) {
  const u32 *parents = run->parents + ZIGZAG_DEGREE * (usize)i;
  if (run->counts[i] > ZIGZAG_DEGREE) return 0;
  for (u32 k = 0; k < run->counts[i]; k++)
    if (parents[k] >= run->nodes) return 0;
  return 1;
}

INLINE void start_message(u32 *m, const zigzag_run *run) {
  static const u8 tag[16] = "holdfast zigzag1"; /* without the zero at the end */
  for (int i = 0; i < KEY_WORDS; i++) m[i] = 0;
  __builtin_memcpy(m, run->replica_id, 32);
  __builtin_memcpy(m + 8, tag, 16);
  m[12] = run->number;
}

INLINE void fill_message(u32 *m, const zigzag_run *run, u32 i) {
  u32 count = run->counts[i];
  m[13] = count;
  m[14] = run->low + i;
  for (u32 k = 0; k < ZIGZAG_DEGREE; k++) {
    if (k < count) load_node(m + 16 + NODE_WORDS * k, run->layer, run->parents[ZIGZAG_DEGREE * (usize)i + k]);
    else for (u32 w = 0; w < NODE_WORDS; w++) m[16 + NODE_WORDS * k + w] = 0;
  }
}

INLINE void apply_key(const zigzag_run *run, u32 i, u32 *key) {
  u8 *at = run->layer + 32 * (usize)(run->low + i);
  key[7] &= 0x3fffffffu;
  if (run->flags & DECODE) subtract_key(at, key);
  else add_key(at, key);
}

/*
 * Keys of LANES nodes at once, before any of them changes: right for decoding, whose keys come from the encoded
 * values of parents that are decoded later.
 */
VECTORS NOINLINE void decode_group(const zigzag_run *run, u32 first, u32 (*messages)[KEY_WORDS]) {
  lanes h[8], m[16];
  u32 words[16][LANES], keys[8][LANES];
  for (u32 lane = 0; lane < LANES; lane++) fill_message(messages[lane], run, first + lane);
  UNROLL for (int i = 0; i < 8; i++) h[i] = (lanes){0} + (blake_iv[i] ^ (i == 0 ? BLAKE_PARAMETERS : 0));
  for (u32 block = 0; block < 8; block++) {
    for (u32 w = 0; w < 16; w++)
      for (u32 lane = 0; lane < LANES; lane++) words[w][lane] = messages[lane][16 * block + w];
    __builtin_memcpy(m, words, sizeof(m));
    blake_lanes(h, m, block == 7 ? KEY_BYTES : 64 * (block + 1), block == 7 ? ~0u : 0);
  }
  __builtin_memcpy(keys, h, sizeof(keys));
  for (u32 lane = 0; lane < LANES; lane++) {
    u32 key[8];
    for (int i = 0; i < 8; i++) key[i] = keys[i][lane];
    apply_key(run, first + lane, key);
  }
}

INLINE void encode_one(const zigzag_run *run, u32 i, u32 *message) {
  u32 h[8];
  fill_message(message, run, i);
  for (int k = 0; k < 8; k++) h[k] = blake_iv[k];
  h[0] ^= BLAKE_PARAMETERS;
  for (u32 block = 0; block < 8; block++)
    blake_block(h, message + 16 * block, block == 7 ? KEY_BYTES : 64 * (block + 1), block == 7 ? ~0u : 0);
  apply_key(run, i, h);
}

/* Asks the cache for the parents of a node that comes soon. */
INLINE void fetch_parents(const zigzag_run *run, u32 i) {
  if (i >= run->count) return;
  const u32 *parents = run->parents + ZIGZAG_DEGREE * (usize)i;
  for (u32 k = 0; k < run->counts[i]; k++) __builtin_prefetch(run->layer + 32 * (usize)parents[k]);
}

/* Index of the first node whose parents are no nodes, or -1. */
ENTRY i32 EXPORT(zigzag_blake2s)(u8 *layer, u32 nodes, const u8 *replica_id, u32 number, const u32 *parents,
                                 const u8 *counts, u32 low, u32 count, u32 flags) {
  zigzag_run run = {layer, nodes, replica_id, number, parents, counts, low, count, flags};
  u32 messages[LANES][KEY_WORDS];
  for (u32 i = 0; i < count; i++)
    if (!parents_fit(&run, i)) return (i32)i;
  for (u32 lane = 0; lane < LANES; lane++) start_message(messages[lane], &run);
  u32 done = 0;
  while (done < count) {
    u32 i = flags & DESCENDING ? count - 1 - done : done;
    u32 first = flags & DESCENDING ? i + 1 - LANES : i;
    if (flags & DECODE && count - done >= LANES) {
      decode_group(&run, first, messages);
      done += LANES;
      continue;
    }
    fetch_parents(&run, flags & DESCENDING ? i - 3 : i + 3);
    encode_one(&run, i, messages[0]);
    done++;
  }
  return OK;
}

/* The same with keys by Poseidon; also the index of the first node with a parent that is not canonical. */
ENTRY i32 EXPORT(zigzag_poseidon)(const fr *numbers, u32 partial_rounds, u8 *layer, u32 nodes, const u8 *replica_id,
                                  u32 number, const u32 *parents, const u8 *counts, u32 low, u32 count, u32 flags) {
  static const u8 domain[32] = "holdfast zigzag key 2";
  zigzag_run run = {layer, nodes, replica_id, number, parents, counts, low, count, flags};
  fr fixed[2];
  if (!fr_is_canonical(replica_id)) return 0;
  fr_load(&fixed[0], domain);
  fr_load(&fixed[1], replica_id);
  for (u32 done = 0; done < count; done++) {
    u32 i = flags & DESCENDING ? count - 1 - done : done;
    fr state[17];
    u8 header[32] = {0};
    u64 word = (u64)number << 48 | (u64)(low + i) << 8 | counts[i];
    if (!parents_fit(&run, i)) return (i32)i;
    __builtin_memcpy(header, &word, 8);
    state[0] = numbers[0];
    state[1] = fixed[0];
    state[2] = fixed[1];
    fr_load(&state[3], header);
    for (u32 k = 0; k < ZIGZAG_DEGREE; k++) {
      const u8 *parent = layer + 32 * (usize)parents[ZIGZAG_DEGREE * (usize)i + k];
      if (k >= counts[i]) state[4 + k] = (fr){{0}};
      else if (!fr_is_canonical(parent)) return (i32)i;
      else fr_load(&state[4 + k], parent);
    }
    permute(state, numbers, 17, partial_rounds);
    u8 bytes[32];
    u32 key[NODE_WORDS];
    fr_store(bytes, &state[1]);
    __builtin_memcpy(key, bytes, 32);
    u8 *at = layer + 32 * (usize)(low + i);
    if (flags & DECODE) subtract_key(at, key);
    else add_key(at, key);
  }
  return OK;
}
#endif
