/*
 * SDR's labels with the SHA instructions of x86-64, in a file of its own that is compiled for them: the state stays
 * in two registers from the header to the closing block.
 * Source: Intel, "Intel SHA extensions" (2013).
 */
#include <immintrin.h>
#include "sdr.h"

typedef struct { __m128i abef, cdgh; } sha_state;

/* Four rounds with the words in m0, and the schedule's next words where they are needed. */
#define ROUNDS4(m, k)                                                                       \
  sum = _mm_add_epi32(m, _mm_loadu_si128((const __m128i *)&sha_constants[k]));              \
  cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);                                            \
  abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
/* m0 becomes the words 16 further on; m3 has the latest. */
#define EXTEND(m0, m1, m2, m3)                                                              \
  m0 = _mm_sha256msg1_epu32(m0, m1);                                                        \
  m0 = _mm_add_epi32(m0, _mm_alignr_epi8(m3, m2, 4));                                       \
  m0 = _mm_sha256msg2_epu32(m0, m3);

INLINE void hash_block(sha_state *s, const u8 *block) {
  const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0bll, 0x0405060700010203ll);
  __m128i abef = s->abef, cdgh = s->cdgh, sum;
  __m128i a = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)block), order);
  __m128i b = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(block + 16)), order);
  __m128i c = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(block + 32)), order);
  __m128i d = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(block + 48)), order);
  ROUNDS4(a, 0) ROUNDS4(b, 4) ROUNDS4(c, 8) ROUNDS4(d, 12)
  UNROLL for (int k = 16; k < 64; k += 16) {
    EXTEND(a, b, c, d)
    ROUNDS4(a, k)
    EXTEND(b, c, d, a)
    ROUNDS4(b, k + 4)
    EXTEND(c, d, a, b)
    ROUNDS4(c, k + 8)
    EXTEND(d, a, b, c)
    ROUNDS4(d, k + 12)
  }
  s->abef = _mm_add_epi32(s->abef, abef);
  s->cdgh = _mm_add_epi32(s->cdgh, cdgh);
}

NOINLINE void hash_label(u32 *state, const u8 *header, const u8 *blocks, u32 cycle, const u8 *closing) {
  sha_state s = {
      _mm_set_epi32((int)state[0], (int)state[1], (int)state[4], (int)state[5]),
      _mm_set_epi32((int)state[2], (int)state[3], (int)state[6], (int)state[7]),
  };
  hash_block(&s, header);
  for (u32 i = 0, at = 0; cycle > 0 && i < SDR_BLOCKS; i++) {
    hash_block(&s, blocks + 64 * at);
    at = at + 1 == cycle ? 0 : at + 1;
  }
  hash_block(&s, closing);
  u32 first[4], second[4];
  _mm_storeu_si128((__m128i *)first, s.abef);
  _mm_storeu_si128((__m128i *)second, s.cdgh);
  state[0] = first[3], state[1] = first[2], state[4] = first[1], state[5] = first[0];
  state[2] = second[3], state[3] = second[2], state[6] = second[1], state[7] = second[0];
}

i32 sdr_labels_sha(u8 *into, const u8 *previous, u32 nodes, const u8 *replica_id, u32 number, const u32 *parents,
                   u32 low, u32 count) {
  return make_labels(into, previous, nodes, replica_id, number, parents, low, count);
}
