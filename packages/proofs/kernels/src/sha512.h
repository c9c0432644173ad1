/*
 * SHA-512's compression over several messages at once, one in each lane of a vector. The including file says how many
 * (MESSAGES: 2, 4 or 8) and may have better forms of the functions for its processor.
 * Source: FIPS 180-4 §4.1.3, §4.2.3, §6.4.
 */
#ifndef HOLDFAST_SHA512_H
#define HOLDFAST_SHA512_H
#include "kernel.h"

typedef u64 wide __attribute__((vector_size(8 * MESSAGES)));

static const u64 sha512_start[8] = {
    0x6a09e667f3bcc908ull, 0xbb67ae8584caa73bull, 0x3c6ef372fe94f82bull, 0xa54ff53a5f1d36f1ull,
    0x510e527fade682d1ull, 0x9b05688c2b3e6c1full, 0x1f83d9abfb41bd6bull, 0x5be0cd19137e2179ull};
static const u64 sha512_constants[80] = {
    0x428a2f98d728ae22ull, 0x7137449123ef65cdull, 0xb5c0fbcfec4d3b2full, 0xe9b5dba58189dbbcull,
    0x3956c25bf348b538ull, 0x59f111f1b605d019ull, 0x923f82a4af194f9bull, 0xab1c5ed5da6d8118ull,
    0xd807aa98a3030242ull, 0x12835b0145706fbeull, 0x243185be4ee4b28cull, 0x550c7dc3d5ffb4e2ull,
    0x72be5d74f27b896full, 0x80deb1fe3b1696b1ull, 0x9bdc06a725c71235ull, 0xc19bf174cf692694ull,
    0xe49b69c19ef14ad2ull, 0xefbe4786384f25e3ull, 0x0fc19dc68b8cd5b5ull, 0x240ca1cc77ac9c65ull,
    0x2de92c6f592b0275ull, 0x4a7484aa6ea6e483ull, 0x5cb0a9dcbd41fbd4ull, 0x76f988da831153b5ull,
    0x983e5152ee66dfabull, 0xa831c66d2db43210ull, 0xb00327c898fb213full, 0xbf597fc7beef0ee4ull,
    0xc6e00bf33da88fc2ull, 0xd5a79147930aa725ull, 0x06ca6351e003826full, 0x142929670a0e6e70ull,
    0x27b70a8546d22ffcull, 0x2e1b21385c26c926ull, 0x4d2c6dfc5ac42aedull, 0x53380d139d95b3dfull,
    0x650a73548baf63deull, 0x766a0abb3c77b2a8ull, 0x81c2c92e47edaee6ull, 0x92722c851482353bull,
    0xa2bfe8a14cf10364ull, 0xa81a664bbc423001ull, 0xc24b8b70d0f89791ull, 0xc76c51a30654be30ull,
    0xd192e819d6ef5218ull, 0xd69906245565a910ull, 0xf40e35855771202aull, 0x106aa07032bbd1b8ull,
    0x19a4c116b8d2d0c8ull, 0x1e376c085141ab53ull, 0x2748774cdf8eeb99ull, 0x34b0bcb5e19b48a8ull,
    0x391c0cb3c5c95a63ull, 0x4ed8aa4ae3418acbull, 0x5b9cca4f7763e373ull, 0x682e6ff3d6b2b8a3ull,
    0x748f82ee5defb2fcull, 0x78a5636f43172f60ull, 0x84c87814a1f0ab72ull, 0x8cc702081a6439ecull,
    0x90befffa23631e28ull, 0xa4506cebde82bde9ull, 0xbef9a3f7b2c67915ull, 0xc67178f2e372532bull,
    0xca273eceea26619cull, 0xd186b8c721c0c207ull, 0xeada7dd6cde0eb1eull, 0xf57d4f7fee6ed178ull,
    0x06f067aa72176fbaull, 0x0a637dc5a2c898a6ull, 0x113f9804bef90daeull, 0x1b710b35131c471bull,
    0x28db77f523047d84ull, 0x32caab7b40c72493ull, 0x3c9ebe0a15c9bebcull, 0x431d67c49c100d4cull,
    0x4cc5d4becb3e42b6ull, 0x597f299cfc657e2aull, 0x5fcb6fab3ad6faecull, 0x6c44198c4a475817ull
};

#ifndef MESSAGES_FUNCTIONS
#define TURN64(x, by) ((x) >> (by) | (x) << (64 - (by)))
#define XOR3_64(x, y, z) ((x) ^ (y) ^ (z))
#define CHOOSE64(e, f, g) ((g) ^ ((e) & ((f) ^ (g))))
#define MAJORITY64(a, b, c) (((a) & (b)) | ((c) & ((a) | (b))))
#endif
#define BIG_SUM0(x) XOR3_64(TURN64(x, 28), TURN64(x, 34), TURN64(x, 39))
#define BIG_SUM1(x) XOR3_64(TURN64(x, 14), TURN64(x, 18), TURN64(x, 41))
#define SMALL_SUM0(x) XOR3_64(TURN64(x, 1), TURN64(x, 8), (x) >> 7)
#define SMALL_SUM1(x) XOR3_64(TURN64(x, 19), TURN64(x, 61), (x) >> 6)

/* In round i the letters a to h stand at these places: nothing moves from one round to the next. */
#define LETTER(k, i) s[((k) - (i)) & 7]
#define SHA512_ROUND(i, key)                                                                                        \
  {                                                                                                                 \
    wide one = LETTER(7, i) + BIG_SUM1(LETTER(4, i)) + CHOOSE64(LETTER(4, i), LETTER(5, i), LETTER(6, i)) + (key);   \
    LETTER(3, i) += one;                                                                                            \
    LETTER(7, i) = one + BIG_SUM0(LETTER(0, i)) + MAJORITY64(LETTER(0, i), LETTER(1, i), LETTER(2, i));               \
  }

/* The rounds of a block from round `from` (below 16) on; w is used up. Without the sum that ends a block. */
VECTORS INLINE void sha512_rounds(wide *s, wide *w, int from) {
  UNROLL for (int i = from; i < 16; i++) SHA512_ROUND(i, w[i] + sha512_constants[i])
  for (int t = 16; t < 80; t += 16) {
    UNROLL for (int i = 0; i < 16; i++) {
      w[i] += SMALL_SUM0(w[(i + 1) & 15]) + w[(i + 9) & 15] + SMALL_SUM1(w[(i + 14) & 15]);
      SHA512_ROUND(i, w[i] + sha512_constants[t + i])
    }
  }
}

/* A whole block whose words are the same in all lanes: keys are its words with the constants added. */
VECTORS INLINE void sha512_fixed_block(wide *state, const u64 *keys) {
  wide s[8];
  for (int k = 0; k < 8; k++) s[k] = state[k];
  for (int t = 0; t < 80; t += 16) {
    UNROLL for (int i = 0; i < 16; i++) SHA512_ROUND(i, keys[t + i])
  }
  for (int k = 0; k < 8; k++) state[k] += s[k];
}

INLINE u64 turn64(u64 x, int by) { return x >> by | x << (64 - by); }

/* The keys of sha512_fixed_block. */
INLINE void sha512_keys(u64 *keys, const u64 *words) {
  for (int i = 0; i < 80; i++) {
    if (i < 16) {
      keys[i] = words[i];
      continue;
    }
    u64 x = keys[i - 15], y = keys[i - 2];
    keys[i] = keys[i - 16] + (turn64(x, 1) ^ turn64(x, 8) ^ x >> 7) + keys[i - 7] +
              (turn64(y, 19) ^ turn64(y, 61) ^ y >> 6);
  }
  for (int i = 0; i < 80; i++) keys[i] += sha512_constants[i];
}

/* The state after the first rounds, of words that are the same for many messages. */
INLINE void sha512_head(u64 *s, const u64 *words, int rounds) {
  for (int k = 0; k < 8; k++) s[k] = sha512_start[k];
  for (int i = 0; i < rounds; i++) {
    u64 e = LETTER(4, i), a = LETTER(0, i);
    u64 one = LETTER(7, i) + (turn64(e, 14) ^ turn64(e, 18) ^ turn64(e, 41)) +
              (LETTER(6, i) ^ (e & (LETTER(5, i) ^ LETTER(6, i)))) + words[i] + sha512_constants[i];
    u64 b = LETTER(1, i), c = LETTER(2, i);
    LETTER(3, i) += one;
    LETTER(7, i) = one + (turn64(a, 28) ^ turn64(a, 34) ^ turn64(a, 39)) + ((a & b) | (c & (a | b)));
  }
}
#endif
