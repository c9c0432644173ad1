/*
 * The parents of a run of nodes of ZigZag's and SDR's graphs. The words that a node draws come from ChaCha, whose first
 * blocks are made for LANES nodes together; the expander's permutations are Feistel networks over tables that the
 * TypeScript reference makes (graph/feistel.ts, sdr/feistel.ts), whose slots of a node go through the rounds side by side.
 * Every value from a table is cut to its half, so that no table leads out of itself.
 * Source: the reference, graph/base-parents.ts, graph/graph.ts, sdr/drsample.ts, sdr/graph.ts.
 */
#ifndef HOLDFAST_PARENTS_H
#define HOLDFAST_PARENTS_H
#include "blake2s.h"
#include "chacha.h"
#include "degrees.h"

#define EXPANDED 8 /* expander slots of a node */

/* ---- words of a node ---- */

/* Blocks of LANES states that differ in one word, `names` of them; out[lane] has a row of sixteen words each. */
VECTORS NOINLINE void chacha_lanes(u32 (*out)[16], const u32 *state, u32 word, const u32 *names, u32 double_rounds) {
  lanes x[16], start[16];
  for (u32 i = 0; i < 16; i++) start[i] = (lanes){0} + state[i];
  __builtin_memcpy(&start[word], names, sizeof(lanes));
  UNROLL for (int i = 0; i < 16; i++) x[i] = start[i];
  for (u32 i = 0; i < double_rounds; i++) { CHACHA_DOUBLE_ROUND(x) }
  UNROLL for (int q = 0; q < 4; q++) {
    lanes turned[4], m[4];
    UNROLL for (int i = 0; i < 4; i++) m[i] = x[4 * q + i] + start[4 * q + i];
    TRANSPOSE(turned, m)
    UNROLL for (int r = 0; r < 4; r++) {
      v4 part[LANES / 4];
      __builtin_memcpy(part, &turned[r], sizeof(part));
      UNROLL for (int g = 0; g < LANES / 4; g++) __builtin_memcpy(out[4 * g + r] + 4 * q, &part[g], 16);
    }
  }
}

/* The words of a node: blocks that are there, then ones that are made when they are needed. */
typedef struct {
  u32 state[16]; /* of the next block */
  const u32 *words;
  u32 own[16], used, double_rounds;
} word_stream;

INLINE u32 next_word(word_stream *s) {
  if (s->used == 16) {
    chacha_block(s->own, s->state, s->double_rounds);
    s->state[12]++;
    s->words = s->own;
    s->used = 0;
  }
  return s->words[s->used++];
}

/* ---- ZigZag ---- */

#define ZIGZAG_SAMPLED 4
#define ZIGZAG_BASE 5
#define MAX_DRAWS 256

typedef struct {
  const unsigned short *tables; /* eight of 2^half_bits words */
  u32 half_bits, nodes, reversed;
} zigzag_graph;

/* Uniform below the bound: words behind its last whole multiple are thrown away. */
INLINE u32 below(word_stream *s, u32 bound) {
  for (;;) {
    u32 word = next_word(s);
    if (word <= ~bound || word < (1ull << 32) - (1ull << 32) % bound) return word % bound;
  }
}

INLINE int holds(const u32 *list, u32 count, u32 value) {
  int found = 0;
  for (u32 i = 0; i < count; i++) found |= list[i] == value;
  return found;
}

INLINE u32 fresh_parent(word_stream *s, u32 node, u32 k, const u32 *taken) {
  u32 small = node * ZIGZAG_SAMPLED, buckets = 32 - (u32)__builtin_clz(small - 1), parent;
  for (u32 draws = 0; draws < MAX_DRAWS; draws++) {
    u32 bucket = below(s, buckets) + 1;
    u32 farthest = small >> bucket ? 1u << bucket : small;
    u32 nearest = farthest > 4 ? farthest >> 1 : 2;
    parent = (small + k - (nearest + below(s, farthest - nearest + 1))) / ZIGZAG_SAMPLED;
    if (parent != node && !holds(taken, k + 1, parent)) return parent;
  }
  for (parent = node - 1; holds(taken, k + 1, parent);) parent--;
  return parent;
}

INLINE u32 base_parents(word_stream *s, u32 node, u32 *into) {
  if (node <= ZIGZAG_BASE) {
    for (u32 i = 0; i < node; i++) into[i] = node - 1 - i;
    return node;
  }
  into[0] = node - 1;
  for (u32 k = 0; k < ZIGZAG_SAMPLED; k++) into[k + 1] = fresh_parent(s, node, k, into);
  return ZIGZAG_BASE;
}

/* Once through the network, or backwards: then its halves are exchanged before and after. */
INLINE void feistel_round(const zigzag_graph *graph, u32 round, u32 *left, u32 *right) {
  u32 next = *left ^ graph->tables[(round << graph->half_bits) | *right];
  *left = *right;
  *right = next & ((1u << graph->half_bits) - 1);
}

INLINE void feistel_halves(const zigzag_graph *graph, u32 value, u32 *left, u32 *right) {
  u32 mask = (1u << graph->half_bits) - 1, high = value >> graph->half_bits & mask, low = value & mask;
  *left = graph->reversed ? low : high;
  *right = graph->reversed ? high : low;
}

INLINE u32 feistel_value(const zigzag_graph *graph, u32 left, u32 right) {
  return graph->reversed ? right << graph->half_bits | left : left << graph->half_bits | right;
}

INLINE u32 expanded_parents(const zigzag_graph *graph, u32 node, u32 *into, u32 count) {
  u32 left[EXPANDED], right[EXPANDED];
  u64 size = (u64)graph->nodes * EXPANDED;
  UNROLL for (u32 k = 0; k < EXPANDED; k++) feistel_halves(graph, node * EXPANDED + k, &left[k], &right[k]);
  for (u32 i = 0; i < 8; i++)
    UNROLL for (u32 k = 0; k < EXPANDED; k++) feistel_round(graph, graph->reversed ? 7 - i : i, &left[k], &right[k]);
  for (u32 k = 0; k < EXPANDED; k++) {
    u32 value = feistel_value(graph, left[k], right[k]);
    while (value >= size) {
      u32 l, r;
      feistel_halves(graph, value, &l, &r);
      for (u32 i = 0; i < 8; i++) feistel_round(graph, graph->reversed ? 7 - i : i, &l, &r);
      value = feistel_value(graph, l, r);
    }
    u32 parent = value / EXPANDED;
    int behind = graph->reversed ? parent > node : parent < node;
    if (behind && !holds(into, count, parent)) into[count++] = parent;
  }
  return count;
}

/* Thirteen entries and a count for each of the nodes low ... low + count - 1; entries that are none are 0. */
VECTORS ENTRY void EXPORT(zigzag_parents)(u32 *parents, u8 *counts, const u8 *seed, const u8 *tables, u32 half_bits,
                                          u32 nodes, u32 reversed, u32 low, u32 count) {
  zigzag_graph graph = {(const unsigned short *)(const void *)tables, half_bits, nodes, reversed};
  u32 words[LANES][16], names[LANES];
  word_stream s = {.double_rounds = 10};
  chacha_start(s.state);
  __builtin_memcpy(s.state + 4, seed, 32);
  s.state[13] = 1; /* the domain of base parents */
  for (u32 i = 0; i < count; i++) {
    u32 lane = i % LANES, node = low + i, name = reversed ? nodes - 1 - node : node;
    if (lane == 0) {
      for (u32 k = 0; k < LANES; k++) names[k] = reversed ? name - k : name + k;
      s.state[12] = 0;
      chacha_lanes(words, s.state, 14, names, s.double_rounds);
    }
    s.state[12] = 1, s.state[14] = name;
    s.words = words[lane], s.used = 0;
    u32 *into = parents + ZIGZAG_DEGREE * (usize)i;
    u32 found = base_parents(&s, name, into);
    if (reversed) for (u32 k = 0; k < found; k++) into[k] = nodes - 1 - into[k];
    found = expanded_parents(&graph, node, into, found);
    counts[i] = (u8)found;
    while (found < ZIGZAG_DEGREE) into[found++] = 0;
  }
}

/* ---- SDR ---- */

#define SDR_SAMPLED 5
#define SEED_BYTES 28

/* The next 64-bit word, its low half first, modulo the modulus. */
INLINE u64 remainder_of(word_stream *s, u64 modulus) {
  u64 low = next_word(s);
  return ((u64)next_word(s) << 32 | low) % modulus;
}

INLINE void sample_parents(word_stream *s, u32 node, u32 *into) {
  u64 meta = (u64)node * SDR_SAMPLED, buckets = 64 - (u64)__builtin_clzll(meta - 1);
  for (u32 k = 0; k < SDR_SAMPLED; k++) {
    u64 bucket = remainder_of(s, buckets) + 1;
    u64 farthest = meta >> bucket ? 1ull << bucket : meta;
    u64 nearest = farthest > 4 ? farthest >> 1 : 2;
    u64 parent = (meta - (nearest + remainder_of(s, farthest - nearest + 1))) / SDR_SAMPLED;
    into[k] = parent == node ? node - 1 : (u32)parent;
  }
}

INLINE u64 sdr_slot(const u32 *tables, u32 half_bits, u64 size, u64 value) {
  u32 mask = (1u << half_bits) - 1;
  do {
    u32 left = (u32)(value >> half_bits) & mask, right = (u32)value & mask;
    UNROLL for (u32 round = 0; round < 3; round++) {
      u32 next = (left ^ tables[((usize)round << half_bits) + right]) & mask;
      left = right;
      right = next;
    }
    value = (u64)left << half_bits | right;
  } while (value >= size);
  return value;
}

/* Fourteen parents for each of the nodes; `legacy` is version 1.0. */
VECTORS ENTRY void EXPORT(sdr_parents)(u32 *parents, const u8 *seed, const u32 *tables, u32 half_bits, u32 nodes,
                                       u32 legacy, u32 low, u32 count) {
  u32 words[LANES][16], names[LANES];
  word_stream s = {.double_rounds = 4};
  chacha_start(s.state);
  __builtin_memcpy(s.state + 4, seed, SEED_BYTES);
  for (u32 i = 0; i < count; i++) {
    u32 lane = i % LANES, node = low + i;
    u32 *into = parents + SDR_DEGREE * (usize)i;
    if (lane == 0) {
      for (u32 k = 0; k < LANES; k++) names[k] = node + k;
      s.state[12] = 0;
      chacha_lanes(words, s.state, 11, names, s.double_rounds);
    }
    for (u32 k = 0; k < SDR_BASE; k++) into[k] = 0;
    if (node >= 2) {
      s.state[12] = 1, s.state[11] = node;
      s.words = words[lane], s.used = 0;
      into[legacy ? SDR_SAMPLED : 0] = node - 1;
      sample_parents(&s, node, into + (legacy ? 0 : 1));
    }
    UNROLL for (u32 k = 0; k < EXPANDED; k++) {
      u64 slot = sdr_slot(tables, half_bits, 8ull * nodes, 8ull * node + k);
      into[SDR_BASE + k] = (u32)((legacy ? (u32)slot : slot) / EXPANDED);
    }
  }
}
#endif
