/*
 * BLAKE2s-256 of whole blocks, in two shapes: one message with its four rows in vectors (for chains), and as many
 * messages as a vector has lanes (for what is independent). Both are written in the compilers' vector types: the
 * same text is SSE, AVX2 or SIMD of WebAssembly.
 * Source: RFC 7693; Samuel Neves's rows in vectors for the first shape.
 */
#ifndef HOLDFAST_BLAKE2S_H
#define HOLDFAST_BLAKE2S_H
#include "kernel.h"

typedef u32 v4 __attribute__((vector_size(16)));

/* Lanes of the second shape. */
#ifdef __AVX2__
#define LANES 8
#else
#define LANES 4
#endif
typedef u32 lanes __attribute__((vector_size(4 * LANES)));

static const u32 blake_iv[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
/* The first word of the parameters: 32 bytes of digest, no key, no tree. */
#define BLAKE_PARAMETERS 0x01010020u

/* rounds(f): f with the ten permutations of the message. */
#define BLAKE_ROUNDS(f)                                          \
  f(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)        \
  f(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3)        \
  f(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4)        \
  f(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8)        \
  f(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13)        \
  f(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9)        \
  f(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11)        \
  f(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10)        \
  f(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5)        \
  f(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0)

#define TURN(x, by) (((x) >> (by)) | ((x) << (32 - (by))))
#define V4_TURN16(x) ((v4)__builtin_shufflevector((b16)(x), (b16)(x), 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13))
#define V4_TURN8(x) ((v4)__builtin_shufflevector((b16)(x), (b16)(x), 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12))
typedef u8 b16 __attribute__((vector_size(16)));

#define ROWS_MIX(m0, m1, m2, m3, n0, n1, n2, n3)                 \
  a += b + (v4){m[m0], m[m1], m[m2], m[m3]};                     \
  d = V4_TURN16(d ^ a);                                          \
  c += d;                                                        \
  b = TURN(b ^ c, 12);                                           \
  a += b + (v4){m[n0], m[n1], m[n2], m[n3]};                     \
  d = V4_TURN8(d ^ a);                                           \
  c += d;                                                        \
  b = TURN(b ^ c, 7);
#define V4_ROLL(x, i, j, k, l) __builtin_shufflevector(x, x, i, j, k, l)
#define ROWS_ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15) \
  ROWS_MIX(s0, s2, s4, s6, s1, s3, s5, s7)                       \
  b = V4_ROLL(b, 1, 2, 3, 0);                                    \
  c = V4_ROLL(c, 2, 3, 0, 1);                                    \
  d = V4_ROLL(d, 3, 0, 1, 2);                                    \
  ROWS_MIX(s8, s10, s12, s14, s9, s11, s13, s15)                 \
  b = V4_ROLL(b, 3, 0, 1, 2);                                    \
  c = V4_ROLL(c, 2, 3, 0, 1);                                    \
  d = V4_ROLL(d, 1, 2, 3, 0);

/* One block of one message; `total` bytes up to its end, `last` is ~0 for the last block. */
VECTORS NOINLINE void blake_block(u32 *h, const u32 *m, u32 total, u32 last) {
  v4 low, high, a, b, c, d;
  __builtin_memcpy(&low, h, 16);
  __builtin_memcpy(&high, h + 4, 16);
  a = low;
  b = high;
  c = (v4){blake_iv[0], blake_iv[1], blake_iv[2], blake_iv[3]};
  d = (v4){blake_iv[4] ^ total, blake_iv[5], blake_iv[6] ^ last, blake_iv[7]};
  BLAKE_ROUNDS(ROWS_ROUND)
  low ^= a ^ c;
  high ^= b ^ d;
  __builtin_memcpy(h, &low, 16);
  __builtin_memcpy(h + 4, &high, 16);
}

#define LANE_MIX(a, b, c, d, x, y)                               \
  v[a] += v[b] + m[x];                                           \
  v[d] = TURN(v[d] ^ v[a], 16);                                  \
  v[c] += v[d];                                                  \
  v[b] = TURN(v[b] ^ v[c], 12);                                  \
  v[a] += v[b] + m[y];                                           \
  v[d] = TURN(v[d] ^ v[a], 8);                                   \
  v[c] += v[d];                                                  \
  v[b] = TURN(v[b] ^ v[c], 7);
#define LANE_ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15) \
  LANE_MIX(0, 4, 8, 12, s0, s1) LANE_MIX(1, 5, 9, 13, s2, s3) LANE_MIX(2, 6, 10, 14, s4, s5) \
  LANE_MIX(3, 7, 11, 15, s6, s7) LANE_MIX(0, 5, 10, 15, s8, s9) LANE_MIX(1, 6, 11, 12, s10, s11) \
  LANE_MIX(2, 7, 8, 13, s12, s13) LANE_MIX(3, 4, 9, 14, s14, s15)

/* One block of LANES messages: h and m hold word after word, each of all messages. */
VECTORS NOINLINE void blake_lanes(lanes *h, const lanes *m, u32 total, u32 last) {
  lanes v[16];
  UNROLL for (int i = 0; i < 8; i++) {
    v[i] = h[i];
    v[8 + i] = (lanes){0} + blake_iv[i];
  }
  v[12] ^= total;
  v[14] ^= last;
  BLAKE_ROUNDS(LANE_ROUND)
  UNROLL for (int i = 0; i < 8; i++) h[i] ^= v[i] ^ v[8 + i];
}
#endif
