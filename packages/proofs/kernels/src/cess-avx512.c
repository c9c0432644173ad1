/*
 * Labels of idle files eight at a time, for processors with AVX-512 (F, BW, DQ and VL): rotations and three-operand
 * logic are single instructions, a row is one register.
 */
#include <immintrin.h>

#define MESSAGES 8
#define PIECE_BYTES 64
#define MESSAGES_FUNCTIONS
#define WIDE(x) ((__m512i)(x))
#define TURN64(x, by) ((wide)_mm512_ror_epi64(WIDE(x), by))
#define XOR3_64(x, y, z) ((wide)_mm512_ternarylogic_epi64(WIDE(x), WIDE(y), WIDE(z), 0x96))
#define CHOOSE64(e, f, g) ((wide)_mm512_ternarylogic_epi64(WIDE(e), WIDE(f), WIDE(g), 0xca))
#define MAJORITY64(a, b, c) ((wide)_mm512_ternarylogic_epi64(WIDE(a), WIDE(b), WIDE(c), 0xe8))
#include "sha512.h"

#define MESSAGES_TRANSPOSED
/* An 8 by 8 matrix of words, rows to columns. */
INLINE void turn_matrix(__m512i *m) {
  __m512i a[8], b[8];
  for (int i = 0; i < 8; i += 2) {
    a[i] = _mm512_unpacklo_epi64(m[i], m[i + 1]);
    a[i + 1] = _mm512_unpackhi_epi64(m[i], m[i + 1]);
  }
  for (int i = 0; i < 8; i += 4)
    for (int j = 0; j < 2; j++) {
      b[i + j] = _mm512_shuffle_i64x2(a[i + j], a[i + j + 2], 0x88);
      b[i + j + 2] = _mm512_shuffle_i64x2(a[i + j], a[i + j + 2], 0xdd);
    }
  for (int j = 0; j < 4; j++) {
    m[j] = _mm512_shuffle_i64x2(b[j], b[j + 4], 0x88);
    m[j + 4] = _mm512_shuffle_i64x2(b[j], b[j + 4], 0xdd);
  }
}
INLINE __m512i turn_bytes(__m512i x) {
  return _mm512_shuffle_epi8(x, _mm512_broadcast_i32x4(_mm_set_epi64x(0x08090a0b0c0d0e0fll, 0x0001020304050607ll)));
}
INLINE void load_labels(wide *w, const u8 *const *rows) {
  __m512i m[8];
  for (int l = 0; l < 8; l++) m[l] = turn_bytes(_mm512_loadu_si512(rows[l]));
  turn_matrix(m);
  for (int j = 0; j < 8; j++) w[j] = (wide)m[j];
}
INLINE void store_labels(u8 *const *rows, const wide *w) {
  __m512i m[8];
  for (int j = 0; j < 8; j++) m[j] = turn_bytes(WIDE(w[j]));
  turn_matrix(m);
  for (int l = 0; l < 8; l++) _mm512_storeu_si512(rows[l], m[l]);
}

#include "cess.h"
#include "table.h"

const cess_table cess_avx512 = {cess_direct, cess_hot, cess_columns};
