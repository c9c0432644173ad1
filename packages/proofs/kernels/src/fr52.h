/*
 * Eight elements of the scalar field at once, in the lanes of AVX-512 with its 52-bit multiplication (IFMA): 5 limbs
 * of 52 bits, Montgomery with R = 2^260. R is 35 r, so nothing is reduced fully before the end: products of factors
 * within a r and b r are within (ab/35 + 1) r. Limbs that are multiplied must be below 2^52; columns have 64 bits
 * and room for 400 products.
 * Source: Gueron and Krasnov, "Software implementation of modular exponentiation, using advanced vector
 * instructions" (2012).
 */
#ifndef HOLDFAST_FR52_H
#define HOLDFAST_FR52_H
#include <immintrin.h>
#include "fr.h"

#define LIMBS 5
#define LIMB_BITS 52
#define LIMB_MASK ((1ull << LIMB_BITS) - 1)

typedef struct { __m512i v[LIMBS]; } wide;
typedef struct { u64 v[LIMBS]; } limbs;

static const u64 modulus[LIMBS] = FR_MODULUS_LIMBS52;
static const limbs r_squared = {FR_R2_LIMBS52};
static const limbs one_form = {FR_ONE_LIMBS52};
static const limbs unit = {{1}};

INLINE __m512i all(u64 value) { return _mm512_set1_epi64((long long)value); }

INLINE void clear_columns(__m512i *t) {
  UNROLL for (int i = 0; i < 2 * LIMBS; i++) t[i] = _mm512_setzero_si512();
}

/* Columns of a * b more. */
INLINE void add_product(__m512i *t, const wide *a, const limbs *b) {
  UNROLL for (int j = 0; j < LIMBS; j++) {
    __m512i factor = all(b->v[j]);
    UNROLL for (int i = 0; i < LIMBS; i++) {
      t[i + j] = _mm512_madd52lo_epu64(t[i + j], a->v[i], factor);
      t[i + j + 1] = _mm512_madd52hi_epu64(t[i + j + 1], a->v[i], factor);
    }
  }
}
INLINE void add_wide_product(__m512i *t, const wide *a, const wide *b) {
  UNROLL for (int j = 0; j < LIMBS; j++) {
    UNROLL for (int i = 0; i < LIMBS; i++) {
      t[i + j] = _mm512_madd52lo_epu64(t[i + j], a->v[i], b->v[j]);
      t[i + j + 1] = _mm512_madd52hi_epu64(t[i + j + 1], a->v[i], b->v[j]);
    }
  }
}

/* Limbs below 2^52. */
INLINE void carry_limbs(wide *r) {
  __m512i mask = all(LIMB_MASK);
  UNROLL for (int i = 0; i + 1 < LIMBS; i++) {
    r->v[i + 1] = _mm512_add_epi64(r->v[i + 1], _mm512_srli_epi64(r->v[i], LIMB_BITS));
    r->v[i] = _mm512_and_si512(r->v[i], mask);
  }
}

/* columns / R + plus (plus may be 0). */
INLINE void reduce(wide *r, __m512i *t, const wide *plus) {
  __m512i zero = _mm512_setzero_si512(), inverse = all(FR_INVERSE_LIMB52);
  UNROLL for (int k = 0; k < LIMBS; k++) {
    __m512i m = _mm512_madd52lo_epu64(zero, t[k], inverse);
    UNROLL for (int i = 0; i < LIMBS; i++) {
      t[k + i] = _mm512_madd52lo_epu64(t[k + i], m, all(modulus[i]));
      t[k + i + 1] = _mm512_madd52hi_epu64(t[k + i + 1], m, all(modulus[i]));
    }
    t[k + 1] = _mm512_add_epi64(t[k + 1], _mm512_srli_epi64(t[k], LIMB_BITS));
  }
  UNROLL for (int i = 0; i < LIMBS; i++) r->v[i] = plus ? _mm512_add_epi64(t[LIMBS + i], plus->v[i]) : t[LIMBS + i];
  carry_limbs(r);
}

INLINE void scale(wide *r, const wide *a, const limbs *b) {
  __m512i t[2 * LIMBS];
  clear_columns(t);
  add_product(t, a, b);
  reduce(r, t, 0);
}

INLINE void split_words(u64 *out, usize stride, const u64 *words) {
  out[0] = words[0] & LIMB_MASK;
  out[stride] = (words[0] >> 52 | words[1] << 12) & LIMB_MASK;
  out[2 * stride] = (words[1] >> 40 | words[2] << 24) & LIMB_MASK;
  out[3 * stride] = (words[2] >> 28 | words[3] << 36) & LIMB_MASK;
  out[4 * stride] = words[3] >> 16;
}

/* From x 2^256 to x 2^260. */
INLINE void convert(limbs *to, const fr *from) {
  fr x = *from;
  for (int i = 0; i < 4; i++) fr_add(&x, &x, &x);
  split_words(to->v, 1, x.v);
}

/* Eight elements from canonical bytes. */
INLINE void gather_lanes(wide *to, const u8 *const *from) {
  u64 rows[LIMBS][8];
  wide raw;
  for (int lane = 0; lane < 8; lane++) {
    u64 words[4];
    __builtin_memcpy(words, from[lane], 32);
    split_words(&rows[0][lane], 8, words);
  }
  UNROLL for (int i = 0; i < LIMBS; i++) raw.v[i] = _mm512_loadu_si512(rows[i]);
  scale(to, &raw, &r_squared);
}

/* Elements of eight groups, `stride` bytes apart. */
INLINE void load_lanes(wide *to, const u8 *bytes, usize stride) {
  const u8 *from[8];
  for (int lane = 0; lane < 8; lane++) from[lane] = bytes + stride * lane;
  gather_lanes(to, from);
}

/* Out of Montgomery's form: within r (1 + 17/2^260), so at most once r too large. */
INLINE void store_lanes(u8 *out, const wide *x) {
  static const u64 modulus_words[4] = FR_MODULUS_WORDS;
  u64 rows[LIMBS][8];
  wide raw;
  scale(&raw, x, &unit);
  UNROLL for (int i = 0; i < LIMBS; i++) _mm512_storeu_si512(rows[i], raw.v[i]);
  for (int lane = 0; lane < 8; lane++) {
    u64 words[4] = {
        rows[0][lane] | rows[1][lane] << 52,
        rows[1][lane] >> 12 | rows[2][lane] << 40,
        rows[2][lane] >> 24 | rows[3][lane] << 28,
        rows[3][lane] >> 36 | rows[4][lane] << 16,
    };
    words_settle(words, words, modulus_words, 4);
    __builtin_memcpy(out + 32 * lane, words, 32);
  }
}
#endif
