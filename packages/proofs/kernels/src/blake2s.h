/*
 * BLAKE2s-256 of whole blocks, in two shapes: one message with its four rows in vectors (for chains), and as many
 * messages as a vector has lanes (for what is independent). Both are written in the compilers' vector types: the
 * same text is SSE, AVX2, AVX-512 (which can rotate) or SIMD of WebAssembly.
 * Source: RFC 7693; Samuel Neves's rows in vectors for the first shape. Between two half rounds the rows a, c and d
 * turn and not b, as b is the one that the next step waits for.
 */
#ifndef HOLDFAST_BLAKE2S_H
#define HOLDFAST_BLAKE2S_H
#include "kernel.h"

#if defined(__AVX512VL__) && defined(__AVX512DQ__)
#define ROTATES
#include <immintrin.h>
#endif

typedef u32 v4 __attribute__((vector_size(16)));
typedef u32 v8 __attribute__((vector_size(32)));
typedef u8 b16 __attribute__((vector_size(16)));

/* Lanes of the second shape. */
#if defined(ROTATES)
#define LANES 16
#elif defined(__AVX2__)
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

/* ---- one message ---- */

/* The words of a block are a register where one instruction picks any sixteen of them, else they lie in memory. */
#ifdef ROTATES
#define PICK_ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15)                            \
  picked = _mm512_permutexvar_epi32(                                                                                \
      _mm512_setr_epi32(s0, s2, s4, s6, s1, s3, s5, s7, s14, s8, s10, s12, s15, s9, s11, s13), words);
#define PICKED(k, i, j, l, n) ((v4)_mm512_extracti32x4_epi32(picked, k))
#else
#define PICK_ROUND(...)
#define PICKED(k, i, j, l, n) ((v4){WORD(i), WORD(j), WORD(l), WORD(n)})
#ifdef __x86_64__ /* loaded each time: compilers that keep pairs of words for later keep them on the stack */
#undef PICKED
#define PICKED(k, i, j, l, n)                                                                                       \
  ({                                                                                                                \
    __asm__("" : "+r"(first), "+r"(second));                                                                        \
    (v4){WORD(i), WORD(j), WORD(l), WORD(n)};                                                                       \
  })
#endif
#define WORD(i) load_word((i) < 8 ? first + 4 * (i) : second + 4 * (i) - 32)
INLINE u32 load_word(const u8 *at) {
  u32 word;
  __builtin_memcpy(&word, at, 4);
  return word;
}
#endif

/*
 * x ^ y, turned, where y comes late. A rotation takes as long as two shifts and an exclusive or, and AVX-512 has one of
 * three operands: so the turned x is ready before, and y waits for two instructions and not for three.
 */
#ifdef ROTATES
#define XOR_TURN(x, y, by)                                                                                          \
  ((v4)_mm_ternarylogic_epi32(_mm_srli_epi32((__m128i)y, by), _mm_slli_epi32((__m128i)y, 32 - by),                  \
                              _mm_ror_epi32((__m128i)x, by), 0x96))
#define XOR_TURN16(x, y) XOR_TURN(x, y, 16)
#define XOR_TURN8(x, y) XOR_TURN(x, y, 8)
#elif defined(__x86_64__) && !defined(__SSSE3__)
#define XOR_TURN16(x, y) TURN(x ^ y, 16)
#define XOR_TURN8(x, y) TURN(x ^ y, 8)
#else
#define XOR_TURN16(x, y) ROW_TURN16(x ^ y)
#define XOR_TURN8(x, y) ROW_TURN8(x ^ y)
#define ROW_TURN16(x)                                                                                               \
  ((v4)__builtin_shufflevector((b16)(x), (b16)(x), 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13))
#define ROW_TURN8(x)                                                                                                \
  ((v4)__builtin_shufflevector((b16)(x), (b16)(x), 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12))
#endif
#ifndef ROTATES
#define XOR_TURN(x, y, by) TURN(x ^ y, by)
#endif

/* b comes last: a and the words are added before, which compilers like to turn round. */
#ifdef __x86_64__
#define ADD_EARLY(a, x) ({ a += x; __asm__("" : "+v"(a)); })
#else
#define ADD_EARLY(a, x) a += x
#endif

#define ROWS_MIX(x, y)                                                                                              \
  ADD_EARLY(a, x);                                                                                                  \
  a += b;                                                                                                           \
  d = XOR_TURN16(d, a);                                                                                             \
  c += d;                                                                                                           \
  b = XOR_TURN(b, c, 12);                                                                                           \
  ADD_EARLY(a, y);                                                                                                  \
  a += b;                                                                                                           \
  d = XOR_TURN8(d, a);                                                                                              \
  c += d;                                                                                                           \
  b = XOR_TURN(b, c, 7);
#define ROLL(x, i, j, k, l) __builtin_shufflevector(x, x, i, j, k, l)
#define ROWS_ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15)                            \
  PICK_ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15)                                  \
  ROWS_MIX(PICKED(0, s0, s2, s4, s6), PICKED(1, s1, s3, s5, s7))                                                    \
  a = ROLL(a, 3, 0, 1, 2);                                                                                          \
  c = ROLL(c, 1, 2, 3, 0);                                                                                          \
  d = ROLL(d, 2, 3, 0, 1);                                                                                          \
  ROWS_MIX(PICKED(2, s14, s8, s10, s12), PICKED(3, s15, s9, s11, s13))                                              \
  a = ROLL(a, 1, 2, 3, 0);                                                                                          \
  c = ROLL(c, 3, 0, 1, 2);                                                                                          \
  d = ROLL(d, 2, 3, 0, 1);

/*
 * One block of one message, whose halves may lie apart; `total` bytes up to its end, `last` is ~0 for the last block.
 */
VECTORS INLINE void blake_rows(v4 *h, const u8 *first, const u8 *second, u32 total, u32 last) {
#ifdef ROTATES
  __m256i before = _mm256_loadu_si256((const __m256i *)first), behind = _mm256_loadu_si256((const __m256i *)second);
  __m512i words = _mm512_inserti64x4(_mm512_castsi256_si512(before), behind, 1), picked;
#endif
  v4 a = h[0], b = h[1];
  v4 c = {blake_iv[0], blake_iv[1], blake_iv[2], blake_iv[3]};
  v4 d = {blake_iv[4] ^ total, blake_iv[5], blake_iv[6] ^ last, blake_iv[7]};
  BLAKE_ROUNDS(ROWS_ROUND)
  h[0] ^= a ^ c;
  h[1] ^= d ^ b;
}

/* ---- as many as there are lanes ---- */

/* From the four quarters of a vector, and 4 by 4 words in each of them turned over. */
#if LANES == 16
#define SHUFFLE(x, y, i, j, k, l)                                                                                   \
  __builtin_shufflevector(x, y, i, j, k, l, i + 4, j + 4, k + 4, l + 4, i + 8, j + 8, k + 8, l + 8, i + 12, j + 12, \
                          k + 12, l + 12)
#define JOIN(part)                                                                                                  \
  ((lanes)_mm512_inserti64x4(_mm512_castsi256_si512(JOIN_TWO(part[0], part[1])), JOIN_TWO(part[2], part[3]), 1))
#define JOIN_TWO(x, y) _mm256_inserti128_si256(_mm256_castsi128_si256((__m128i)x), (__m128i)y, 1)
#elif LANES == 8
#define SHUFFLE(x, y, i, j, k, l) __builtin_shufflevector(x, y, i, j, k, l, i + 4, j + 4, k + 4, l + 4)
#define JOIN(part) __builtin_shufflevector(part[0], part[1], 0, 1, 2, 3, 4, 5, 6, 7)
#else
#define SHUFFLE(x, y, i, j, k, l) __builtin_shufflevector(x, y, i, j, k, l)
#define JOIN(part) part[0]
#endif
#define TRANSPOSE(to, x)                                                                                            \
  {                                                                                                                 \
    lanes low0 = SHUFFLE(x[0], x[1], 0, LANES, 1, LANES + 1), high0 = SHUFFLE(x[0], x[1], 2, LANES + 2, 3, LANES + 3); \
    lanes low1 = SHUFFLE(x[2], x[3], 0, LANES, 1, LANES + 1), high1 = SHUFFLE(x[2], x[3], 2, LANES + 2, 3, LANES + 3); \
    to[0] = SHUFFLE(low0, low1, 0, 1, LANES, LANES + 1);                                                            \
    to[1] = SHUFFLE(low0, low1, 2, 3, LANES + 2, LANES + 3);                                                        \
    to[2] = SHUFFLE(high0, high1, 0, 1, LANES, LANES + 1);                                                          \
    to[3] = SHUFFLE(high0, high1, 2, 3, LANES + 2, LANES + 3);                                                      \
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
