/*
 * Idle space in plain words, and the parents of its graph in vectors: idle.h with the compression of sha256.h. A
 * block that comes again is expanded once.
 */
#ifndef HOLDFAST_IDLE_PLAIN_H
#define HOLDFAST_IDLE_PLAIN_H
#include "chacha.h"
#include "sha256.h"

#define IDLE(name) idle_##name
#include "idle.h"

NOINLINE void idle_header(u32 *state, const u8 *header) {
  u32 w[64];
  expand_block(w, header);
  hash_expanded(state, w);
}

NOINLINE void idle_blocks(idle_stream *streams, u32 count, u32 turn, u32 passes, u8 *const *at) {
  for (u32 s = 0; s < count; s++) {
    u32 w[IDLE_BLOCKS][64], state[8];
    for (int i = 0; i < IDLE_BLOCKS; i++)
      if (i != 7 || passes > 1) expand_block(w[i], streams[s].messages[turn].bytes + 64 * i);
    __builtin_memcpy(state, streams[s].middle, 32);
    hash_expanded(state, w[0]);
    for (u32 pass = 1; pass <= passes; pass++) {
      for (int i = 1; i <= 6; i++) hash_expanded(state, w[i]);
      hash_expanded(state, w[pass < passes ? 7 : 8]);
    }
    for (int k = 0; k < 8; k++) store_be32(at[s] + 4 * k, state[k]);
  }
}

ENTRY i32 EXPORT(idle_labels)(u8 *into, const u8 *previous, u8 *into_two, const u8 *previous_two, u32 nodes,
                              const u8 *jobs, u32 file_log, u32 passes, const u32 *parents, u32 low, u32 count) {
  return idle_run(into, previous, into_two, previous_two, nodes, jobs, file_log, passes, parents, low, count);
}

/* ---- many chains ---- */

#if defined(__AVX512F__)
#define IDLE_LANES 16
#elif defined(__AVX2__)
#define IDLE_LANES 8
#else
#define IDLE_LANES 4
#endif
typedef u32 idle_vector __attribute__((vector_size(4 * IDLE_LANES)));

#define SHA_TURN(x, by) ((x) >> (by) | (x) << (32 - (by)))
#define SHA_LANES(a, b, c, d, e, f, g, h, k)                                                                 \
  h += (SHA_TURN(e, 6) ^ SHA_TURN(e, 11) ^ SHA_TURN(e, 25)) + (g ^ (e & (f ^ g))) + w[k] + sha_constants[k]; \
  d += h;                                                                                                    \
  h += (SHA_TURN(a, 2) ^ SHA_TURN(a, 13) ^ SHA_TURN(a, 22)) + ((a & b) | (c & (a | b)));

/* A compression in every lane: words 0 to 15 of `w` are the block. */
VECTORS NOINLINE void hash_lanes(idle_vector *state, idle_vector *w) {
  for (int i = 16; i < 64; i++) {
    idle_vector s0 = SHA_TURN(w[i - 15], 7) ^ SHA_TURN(w[i - 15], 18) ^ w[i - 15] >> 3;
    idle_vector s1 = SHA_TURN(w[i - 2], 17) ^ SHA_TURN(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  idle_vector a = state[0], b = state[1], c = state[2], d = state[3];
  idle_vector e = state[4], f = state[5], g = state[6], h = state[7];
  for (int i = 0; i < 64; i += 8) {
    SHA_LANES(a, b, c, d, e, f, g, h, i)
    SHA_LANES(h, a, b, c, d, e, f, g, i + 1)
    SHA_LANES(g, h, a, b, c, d, e, f, i + 2)
    SHA_LANES(f, g, h, a, b, c, d, e, i + 3)
    SHA_LANES(e, f, g, h, a, b, c, d, i + 4)
    SHA_LANES(d, e, f, g, h, a, b, c, i + 5)
    SHA_LANES(c, d, e, f, g, h, a, b, i + 6)
    SHA_LANES(b, c, d, e, f, g, h, a, i + 7)
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
  state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

INLINE u32 load_be32(const u8 *at) {
  u32 word;
  __builtin_memcpy(&word, at, 4);
  return __builtin_bswap32(word);
}

/* Each of `count` states of 32 bytes takes a block, given as two strided halves; trim: two top bits are cleared. */
VECTORS ENTRY void EXPORT(idle_absorb)(u8 *states, const u8 *left, u32 left_stride, const u8 *right,
                                       u32 right_stride, u32 count, u32 trim) {
  for (u32 from = 0; from < count; from += IDLE_LANES) {
    u32 used = count - from < IDLE_LANES ? count - from : IDLE_LANES;
    idle_vector state[8], w[64];
    for (u32 lane = 0; lane < IDLE_LANES; lane++) {
      usize own = from + (lane < used ? lane : 0);
      const u8 *first = half_at(left, left_stride, own), *second = half_at(right, right_stride, own);
      for (int k = 0; k < 8; k++) {
        state[k][lane] = load_be32(states + 32 * own + 4 * k);
        w[k][lane] = load_be32(first + 4 * k);
        w[8 + k][lane] = load_be32(second + 4 * k);
      }
    }
    hash_lanes(state, w);
    for (u32 lane = 0; lane < used; lane++) {
      u8 *at = states + 32 * (usize)(from + lane);
      for (int k = 0; k < 8; k++) store_be32(at + 4 * k, state[k][lane]);
      if (trim) at[31] &= 0x3f;
    }
  }
}

/* ---- parents ---- */

/* Words of ChaCha8 for IDLE_LANES nodes from `node` on. */
VECTORS INLINE void graph_words(idle_vector *out, const u32 *state, u32 node) {
  idle_vector x[16], start[16];
  for (int i = 0; i < 16; i++) start[i] = (idle_vector){0} + state[i];
  u32 nodes[IDLE_LANES];
  for (u32 lane = 0; lane < IDLE_LANES; lane++) nodes[lane] = node + lane;
  __builtin_memcpy(&start[14], nodes, sizeof(nodes));
  for (int i = 0; i < 16; i++) x[i] = start[i];
  for (int round = 0; round < 4; round++) { CHACHA_DOUBLE_ROUND(x) }
  for (int i = 0; i < 16; i++) out[i] = x[i] + start[i];
}

INLINE u32 graph_scaled(u32 word, u32 bound) { return (u32)((u64)word * bound >> 32); }

INLINE u32 sampled_parent(u32 node, u32 bucket, u32 word) {
  u32 buckets = 31 - (u32)__builtin_clz(node);
  u32 nearest = 2u << graph_scaled(bucket, buckets);
  u32 rest = node - nearest + 1, span = nearest < rest ? nearest : rest;
  return node - nearest - graph_scaled(word, span);
}

/* Slots 1 to 12 of the nodes low … low + count − 1 of a layer of 2^log nodes. */
VECTORS ENTRY void EXPORT(idle_parents)(u32 *into, const u8 *seed, u32 log, u32 low, u32 count) {
  u32 state[16];
  chacha_start(state);
  __builtin_memcpy(state + 4, seed, 32);
  state[13] = 4;
  for (u32 from = 0; from < count; from += IDLE_LANES) {
    idle_vector words[16];
    u32 plain[16][IDLE_LANES];
    graph_words(words, state, low + from);
    __builtin_memcpy(plain, words, sizeof(plain));
    for (u32 lane = 0; lane < IDLE_LANES && from + lane < count; lane++) {
      u32 node = low + from + lane, *own = into + IDLE_TABLE * (usize)(from + lane);
      for (int k = 0; k < IDLE_SAMPLED; k++)
        own[k] = node < 2 ? 0 : sampled_parent(node, plain[2 * k][lane], plain[2 * k + 1][lane]);
      for (int k = IDLE_SAMPLED; k < IDLE_TABLE; k++)
        own[k] = plain[IDLE_SAMPLED + k][lane] >> (32 - log);
    }
  }
}
#undef IDLE
#endif
