/*
 * SDR's labels with SHA-256 in plain words. A label hashes one block of its own and then the same few parents again
 * and again, up to 37: the blocks repeat, so each distinct one is expanded once, which saves a third of the work.
 * With SHA instructions (sdr-sha.c) expanding costs nothing and blocks are hashed as they come.
 * Source: FIPS 180-4; the messages are those of the TypeScript reference, sdr/labels.ts.
 */
#ifndef HOLDFAST_SHA256_H
#define HOLDFAST_SHA256_H
#include "sdr.h"

INLINE u32 turn(u32 x, int by) { return x >> by | x << (32 - by); }

/* The 64 words of a block, with the rounds' constants added. */
INLINE void expand_block(u32 *w, const u8 *block) {
  u32 x[64];
  for (int i = 0; i < 16; i++) {
    u32 word;
    __builtin_memcpy(&word, block + 4 * i, 4);
    x[i] = __builtin_bswap32(word);
  }
  for (int i = 16; i < 64; i++) {
    u32 s0 = turn(x[i - 15], 7) ^ turn(x[i - 15], 18) ^ x[i - 15] >> 3;
    u32 s1 = turn(x[i - 2], 17) ^ turn(x[i - 2], 19) ^ x[i - 2] >> 10;
    x[i] = x[i - 16] + s0 + x[i - 7] + s1;
  }
  for (int i = 0; i < 64; i++) w[i] = x[i] + sha_constants[i];
}

#define SHA_ROUND(a, b, c, d, e, f, g, h, k)                                                                  \
  h += (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + (g ^ (e & (f ^ g))) + w[k];                                 \
  d += h;                                                                                                    \
  h += (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) | (c & (a | b)));

NOINLINE void hash_expanded(u32 *state, const u32 *w) {
  u32 a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
  UNROLL for (int i = 0; i < 64; i += 8) {
    SHA_ROUND(a, b, c, d, e, f, g, h, i)
    SHA_ROUND(h, a, b, c, d, e, f, g, i + 1)
    SHA_ROUND(g, h, a, b, c, d, e, f, i + 2)
    SHA_ROUND(f, g, h, a, b, c, d, e, i + 3)
    SHA_ROUND(e, f, g, h, a, b, c, d, i + 4)
    SHA_ROUND(d, e, f, g, h, a, b, c, i + 5)
    SHA_ROUND(c, d, e, f, g, h, a, b, i + 6)
    SHA_ROUND(b, c, d, e, f, g, h, a, i + 7)
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
  state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

/* The hash of the header block, of `cycle` distinct blocks in turns up to 18, and of the closing block. */
NOINLINE void hash_label(u32 *state, const u8 *header, const u8 *blocks, u32 cycle, const u8 *closing) {
  u32 w[SDR_MAX_CYCLE][64], own[64];
  expand_block(own, header);
  hash_expanded(state, own);
  for (u32 i = 0; i < cycle; i++) expand_block(w[i], blocks + 64 * i);
  for (u32 i = 0, at = 0; cycle > 0 && i < SDR_BLOCKS; i++) {
    hash_expanded(state, w[at]);
    at = at + 1 == cycle ? 0 : at + 1;
  }
  expand_block(own, closing);
  hash_expanded(state, own);
}

ENTRY i32 EXPORT(sdr_labels)(u8 *into, const u8 *previous, u32 nodes, const u8 *replica_id, u32 number,
                             const u32 *parents, u32 low, u32 count) {
  return make_labels(into, previous, nodes, replica_id, number, parents, low, count);
}
#endif
