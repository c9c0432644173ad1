/*
 * Blocks of SHA-256 with the SHA instructions of x86-64: of one message, and of two that have nothing to do with each
 * other, so that each waits for its own latency only.
 * Source: Intel, "Intel SHA extensions" (2013).
 */
#ifndef HOLDFAST_SHA_NI_H
#define HOLDFAST_SHA_NI_H
#include <immintrin.h>
#include "sdr.h"

typedef struct { __m128i abef, cdgh; } sha_state;

/* Four rounds with the words in m0, and the schedule's next words where they are needed. */
#define ROUNDS4(s, m, k)                                                                    \
  s##sum = _mm_add_epi32(m, _mm_loadu_si128((const __m128i *)&sha_constants[k]));           \
  s##cdgh = _mm_sha256rnds2_epu32(s##cdgh, s##abef, s##sum);                                \
  s##abef = _mm_sha256rnds2_epu32(s##abef, s##cdgh, _mm_shuffle_epi32(s##sum, 0x0e));
/* m0 becomes the words 16 further on; m3 has the latest. */
#define EXTEND(m0, m1, m2, m3)                                                              \
  m0 = _mm_sha256msg1_epu32(m0, m1);                                                        \
  m0 = _mm_add_epi32(m0, _mm_alignr_epi8(m3, m2, 4));                                       \
  m0 = _mm_sha256msg2_epu32(m0, m3);

INLINE __m128i sha_words(const u8 *at) {
  const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0bll, 0x0405060700010203ll);
  return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)at), order);
}

INLINE void hash_block(sha_state *s, const u8 *block) {
  __m128i abef = s->abef, cdgh = s->cdgh, sum;
  __m128i a = sha_words(block), b = sha_words(block + 16), c = sha_words(block + 32), d = sha_words(block + 48);
  ROUNDS4(, a, 0) ROUNDS4(, b, 4) ROUNDS4(, c, 8) ROUNDS4(, d, 12)
  UNROLL for (int k = 16; k < 64; k += 16) {
    EXTEND(a, b, c, d)
    ROUNDS4(, a, k)
    EXTEND(b, c, d, a)
    ROUNDS4(, b, k + 4)
    EXTEND(c, d, a, b)
    ROUNDS4(, c, k + 8)
    EXTEND(d, a, b, c)
    ROUNDS4(, d, k + 12)
  }
  s->abef = _mm_add_epi32(s->abef, abef);
  s->cdgh = _mm_add_epi32(s->cdgh, cdgh);
}

#define PAIR_STEP(m0, m1, m2, m3, k)                                                        \
  EXTEND(x##m0, x##m1, x##m2, x##m3)                                                        \
  EXTEND(y##m0, y##m1, y##m2, y##m3)                                                        \
  ROUNDS4(x, x##m0, k)                                                                      \
  ROUNDS4(y, y##m0, k)

INLINE void hash_two_blocks(sha_state *s, const u8 *first, const u8 *second) {
  __m128i xabef = s[0].abef, xcdgh = s[0].cdgh, xsum, yabef = s[1].abef, ycdgh = s[1].cdgh, ysum;
  __m128i xa = sha_words(first), xb = sha_words(first + 16), xc = sha_words(first + 32), xd = sha_words(first + 48);
  __m128i ya = sha_words(second), yb = sha_words(second + 16), yc = sha_words(second + 32), yd = sha_words(second + 48);
  ROUNDS4(x, xa, 0) ROUNDS4(y, ya, 0) ROUNDS4(x, xb, 4) ROUNDS4(y, yb, 4)
  ROUNDS4(x, xc, 8) ROUNDS4(y, yc, 8) ROUNDS4(x, xd, 12) ROUNDS4(y, yd, 12)
  UNROLL for (int k = 16; k < 64; k += 16) {
    PAIR_STEP(a, b, c, d, k)
    PAIR_STEP(b, c, d, a, k + 4)
    PAIR_STEP(c, d, a, b, k + 8)
    PAIR_STEP(d, a, b, c, k + 12)
  }
  s[0].abef = _mm_add_epi32(s[0].abef, xabef);
  s[0].cdgh = _mm_add_epi32(s[0].cdgh, xcdgh);
  s[1].abef = _mm_add_epi32(s[1].abef, yabef);
  s[1].cdgh = _mm_add_epi32(s[1].cdgh, ycdgh);
}

INLINE sha_state sha_state_of(const u32 *words) {
  sha_state s = {
      _mm_set_epi32((int)words[0], (int)words[1], (int)words[4], (int)words[5]),
      _mm_set_epi32((int)words[2], (int)words[3], (int)words[6], (int)words[7]),
  };
  return s;
}

INLINE void sha_state_words(u32 *words, const sha_state *s) {
  u32 first[4], second[4];
  _mm_storeu_si128((__m128i *)first, s->abef);
  _mm_storeu_si128((__m128i *)second, s->cdgh);
  words[0] = first[3], words[1] = first[2], words[4] = first[1], words[5] = first[0];
  words[2] = second[3], words[3] = second[2], words[6] = second[1], words[7] = second[0];
}
#endif
