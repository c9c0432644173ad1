/*
 * ChaCha, from which the graphs draw: the rounds for words, or for lanes of them, in whatever the compilers add, mix
 * and shift; and a block of one state. Key, counter and nonce are the including file's, and differ.
 * Source: RFC 8439.
 */
#ifndef HOLDFAST_CHACHA_H
#define HOLDFAST_CHACHA_H
#include "kernel.h"

/* A double round of the sixteen words of x. */
#define CHACHA_TURN(x, by) ((x) << (by) | (x) >> (32 - (by)))
#define CHACHA_QUARTER(x, a, b, c, d)                            \
  x[a] += x[b], x[d] ^= x[a], x[d] = CHACHA_TURN(x[d], 16);      \
  x[c] += x[d], x[b] ^= x[c], x[b] = CHACHA_TURN(x[b], 12);      \
  x[a] += x[b], x[d] ^= x[a], x[d] = CHACHA_TURN(x[d], 8);       \
  x[c] += x[d], x[b] ^= x[c], x[b] = CHACHA_TURN(x[b], 7);
#define CHACHA_DOUBLE_ROUND(x)                                   \
  CHACHA_QUARTER(x, 0, 4, 8, 12) CHACHA_QUARTER(x, 1, 5, 9, 13)  \
  CHACHA_QUARTER(x, 2, 6, 10, 14) CHACHA_QUARTER(x, 3, 7, 11, 15) \
  CHACHA_QUARTER(x, 0, 5, 10, 15) CHACHA_QUARTER(x, 1, 6, 11, 12) \
  CHACHA_QUARTER(x, 2, 7, 8, 13) CHACHA_QUARTER(x, 3, 4, 9, 14)

/* A state with its constants and zeros. */
INLINE void chacha_start(u32 *state) {
  state[0] = 0x61707865, state[1] = 0x3320646e, state[2] = 0x79622d32, state[3] = 0x6b206574;
  for (int i = 4; i < 16; i++) state[i] = 0;
}

NOINLINE void chacha_block(u32 *out, const u32 *state, u32 double_rounds) {
  u32 x[16];
  __builtin_memcpy(x, state, sizeof(x));
  for (u32 i = 0; i < double_rounds; i++) { CHACHA_DOUBLE_ROUND(x) }
  for (int i = 0; i < 16; i++) out[i] = x[i] + state[i];
}
#endif
