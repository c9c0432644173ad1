/*
 * The field of the coordinates for processors with AVX-512 and its 52-bit multiplication (IFMA): 8 limbs of 52 bits,
 * Montgomery with R = 2^416, one element (fp) or eight side by side (fp_lanes).
 *
 * Elements in memory have limbs below 2^52 and a value below p (1 + 2^-12): all results of this file are such, or
 * canonical. R is 2^35 p, so products of factors below 100 p are too; sums and differences are carried, but not
 * reduced, before they are multiplied. Single elements go through the words of mont64.h: they are the exception.
 * Source: Gueron and Krasnov, "Software implementation of modular exponentiation, using advanced vector
 * instructions" (2012), for the form.
 */
#ifndef HOLDFAST_FP52_H
#define HOLDFAST_FP52_H
#include <immintrin.h>
#include "constants.h"
#include "gcd64.h"
#include "mont64.h"

#define FP_LIMBS 8
#define LIMB_MASK ((1ull << 52) - 1)

typedef struct { u64 v[FP_LIMBS]; } __attribute__((aligned(64))) fp;
typedef struct { fp c0, c1; } fp2;

static const u64 fp_modulus[6] = FP_MODULUS_WORDS;
static const u64 fp_inverse_word = FP_INVERSE_WORD;
WORDS_FIELD6(fp, fp_modulus, fp_inverse_word)

static const fp fp_r2 = {FP_R2};
static const fp fp_one = {FP_ONE};

/* ---- one element ---- */

/* The words of any element, canonical. */
INLINE void fp_join(u64 *w, const fp *a) {
  const u64 *v = a->v;
  u64 t[6] = {v[0] | v[1] << 52, v[1] >> 12 | v[2] << 40, v[2] >> 24 | v[3] << 28,
              v[3] >> 36 | v[4] << 16, v[4] >> 48 | v[5] << 4 | v[6] << 56, v[6] >> 8 | v[7] << 44};
  words_settle(w, t, fp_modulus, 6);
}
INLINE void fp_split(fp *r, const u64 *w) {
  r->v[0] = w[0] & LIMB_MASK;
  r->v[1] = (w[0] >> 52 | w[1] << 12) & LIMB_MASK;
  r->v[2] = (w[1] >> 40 | w[2] << 24) & LIMB_MASK;
  r->v[3] = (w[2] >> 28 | w[3] << 36) & LIMB_MASK;
  r->v[4] = (w[3] >> 16 | w[4] << 48) & LIMB_MASK;
  r->v[5] = (w[4] >> 4) & LIMB_MASK;
  r->v[6] = (w[4] >> 56 | w[5] << 8) & LIMB_MASK;
  r->v[7] = w[5] >> 44;
}

NOINLINE void fp_mul(fp *r, const fp *a, const fp *b) {
  static const u64 correction[6] = FP_WORDS_TO_LIMBS;
  u64 x[6], y[6];
  fp_join(x, a);
  fp_join(y, b);
  fp_mul_words(x, x, y);
  fp_mul_words(x, x, correction);
  fp_split(r, x);
}
INLINE void fp_sqr(fp *r, const fp *a) { fp_mul(r, a, a); }
NOINLINE void fp_add_lazy(fp *r, const fp *a, const fp *b) {
  u64 x[6], y[6];
  fp_join(x, a);
  fp_join(y, b);
  words_add(x, x, y, fp_modulus, 6);
  fp_split(r, x);
}
NOINLINE void fp_sub_lazy(fp *r, const fp *a, const fp *b) {
  u64 x[6], y[6];
  fp_join(x, a);
  fp_join(y, b);
  words_sub(x, x, y, fp_modulus, 6);
  fp_split(r, x);
}
INLINE void fp_normalise(fp *r) { (void)r; }
INLINE void fp_balance(fp *r) { (void)r; }
INLINE void fp_neg(fp *r, const fp *a) {
  static const fp zero = {{0}};
  fp_sub_lazy(r, &zero, a);
}
/* Of a canonical element whether it is 0; (0, 0), the point at infinity, is always canonical. */
INLINE int fp_all_zero(const fp *a) {
  u64 bits = 0;
  UNROLL for (int i = 0; i < FP_LIMBS; i++) bits |= a->v[i];
  return bits == 0;
}
INLINE int fp_is_zero(const fp *a) {
  u64 x[6];
  fp_join(x, a);
  return (x[0] | x[1] | x[2] | x[3] | x[4] | x[5]) == 0;
}

NOINLINE void fp_inverse(fp *r, const fp *a) {
  static const u64 factor[6] = FP_INVERSION;
  u64 x[6];
  fp_join(x, a);
  words_inverse6(x, x, fp_modulus, fp_inverse_word);
  fp_mul_words(x, x, factor);
  fp_split(r, x);
}

/* Limbs of 48 big-endian bytes; returns 0 if they are not below p. */
INLINE int fp_unpack(fp *r, const u8 *bytes) {
  u64 words[6];
  UNROLL for (int i = 0; i < 6; i++) {
    u64 word;
    __builtin_memcpy(&word, bytes + 40 - 8 * i, 8);
    words[i] = __builtin_bswap64(word);
  }
  fp_split(r, words);
  u64 borrow = 0;
  UNROLL for (int i = 0; i < 6; i++) {
    u128 d = (u128)words[i] - fp_modulus[i] - borrow;
    borrow = (u64)(d >> 64) & 1;
  }
  return (int)borrow;
}
INLINE void fp_load_raw(fp *r, const u8 *bytes) {
  fp raw;
  fp_unpack(&raw, bytes);
  fp_mul(r, &fp_r2, &raw);
}

/* 48 bytes of an element that is out of Montgomery's form. */
INLINE void fp_pack(u8 *bytes, const fp *a) {
  u64 words[6];
  fp_join(words, a);
  UNROLL for (int i = 0; i < 6; i++) {
    u64 word = __builtin_bswap64(words[i]);
    __builtin_memcpy(bytes + 40 - 8 * i, &word, 8);
  }
}
/* 48 canonical big-endian bytes. */
NOINLINE void fp_store(u8 *bytes, const fp *a) {
  static const fp unit = {{1}};
  fp raw;
  fp_mul(&raw, a, &unit);
  fp_pack(bytes, &raw);
}

INLINE int fp2_unpack(fp2 *r, const u8 *bytes) { return fp_unpack(&r->c1, bytes) & fp_unpack(&r->c0, bytes + 48); }
INLINE void fp2_pack(u8 *bytes, const fp2 *a) {
  fp_pack(bytes, &a->c1);
  fp_pack(bytes + 48, &a->c0);
}

NOINLINE void fp2_mul(fp2 *r, const fp2 *a, const fp2 *b) {
  fp low, high, left, right;
  fp_mul(&low, &a->c0, &b->c0);
  fp_mul(&high, &a->c1, &b->c1);
  fp_add_lazy(&left, &a->c0, &a->c1);
  fp_add_lazy(&right, &b->c0, &b->c1);
  fp_mul(&left, &left, &right);
  fp_sub_lazy(&left, &left, &low);
  fp_sub_lazy(&r->c1, &left, &high);
  fp_sub_lazy(&r->c0, &low, &high);
}
INLINE void fp2_sqr(fp2 *r, const fp2 *a) { fp2_mul(r, a, a); }

/* ---- eight elements ---- */

typedef struct { __m512i v[FP_LIMBS]; } fp_lanes;

static const u64 fp_multiples[FP_LIMBS][8] __attribute__((aligned(64))) = FP_MULTIPLES_LIMBS52;
static const u64 fp_limbs[FP_LIMBS] = FP_MODULUS_LIMBS52;

INLINE __m512i lanes_of(u64 value) { return _mm512_set1_epi64((long long)value); }

/* Rows to columns: element i of vector j is element j of vector i. */
INLINE void transpose_lanes(__m512i *x) {
  __m512i low[4], high[4];
  UNROLL for (int i = 0; i < 4; i++) {
    low[i] = _mm512_unpacklo_epi64(x[2 * i], x[2 * i + 1]);
    high[i] = _mm512_unpackhi_epi64(x[2 * i], x[2 * i + 1]);
  }
  UNROLL for (int odd = 0; odd < 2; odd++) {
    const __m512i *t = odd ? high : low;
    __m512i a = _mm512_shuffle_i64x2(t[0], t[1], 0x88), b = _mm512_shuffle_i64x2(t[2], t[3], 0x88);
    __m512i c = _mm512_shuffle_i64x2(t[0], t[1], 0xdd), d = _mm512_shuffle_i64x2(t[2], t[3], 0xdd);
    x[odd] = _mm512_shuffle_i64x2(a, b, 0x88);
    x[4 + odd] = _mm512_shuffle_i64x2(a, b, 0xdd);
    x[2 + odd] = _mm512_shuffle_i64x2(c, d, 0x88);
    x[6 + odd] = _mm512_shuffle_i64x2(c, d, 0xdd);
  }
}
INLINE void fp_lanes_gather(fp_lanes *r, const fp *const *from) {
  UNROLL for (int i = 0; i < 8; i++) r->v[i] = _mm512_load_si512(from[i]->v);
  transpose_lanes(r->v);
}
INLINE void fp_lanes_rows(fp *rows, const fp_lanes *a) {
  __m512i t[8];
  UNROLL for (int i = 0; i < 8; i++) t[i] = a->v[i];
  transpose_lanes(t);
  UNROLL for (int i = 0; i < 8; i++) _mm512_store_si512(rows[i].v, t[i]);
}
INLINE void fp_lanes_all(fp_lanes *r, const fp *a) {
  UNROLL for (int i = 0; i < FP_LIMBS; i++) r->v[i] = lanes_of(a->v[i]);
}

/* Limbs that may be negative -> limbs below 2^52 of the same value, which is not negative. */
INLINE void fp_lanes_carry(fp_lanes *r) {
  UNROLL for (int i = 0; i + 1 < FP_LIMBS; i++) {
    r->v[i + 1] = _mm512_add_epi64(r->v[i + 1], _mm512_srai_epi64(r->v[i], 52));
    r->v[i] = _mm512_and_si512(r->v[i], lanes_of(LIMB_MASK));
  }
}

/*
 * Takes off multiples of p from a value within [p/2, 7 p] with limbs within 2^54: what is left is below
 * p (1 + 2^-12). The multiple is estimated from the top limb, from below: carries into it are above -4.
 */
INLINE void fp_lanes_settle(fp_lanes *r) {
  __m512i top = _mm512_sub_epi64(r->v[7], lanes_of(4));
  __m512i q = _mm512_madd52hi_epu64(_mm512_setzero_si512(), top, lanes_of(FP_TOP_RECIPROCAL));
  UNROLL for (int i = 0; i < FP_LIMBS; i++)
    r->v[i] = _mm512_sub_epi64(r->v[i], _mm512_permutexvar_epi64(q, _mm512_load_si512(fp_multiples[i])));
  fp_lanes_carry(r);
}

/* a - b + k p, not carried. */
INLINE void fp_lanes_difference(fp_lanes *r, const fp_lanes *a, const fp_lanes *b, int k) {
  UNROLL for (int i = 0; i < FP_LIMBS; i++)
    r->v[i] = _mm512_add_epi64(_mm512_sub_epi64(a->v[i], b->v[i]), lanes_of(fp_multiples[i][k]));
}
/* -a + k p where the mask says so, not carried. */
INLINE void fp_lanes_negate(fp_lanes *r, __mmask8 which, int k) {
  UNROLL for (int i = 0; i < FP_LIMBS; i++)
    r->v[i] = _mm512_mask_sub_epi64(r->v[i], which, lanes_of(fp_multiples[i][k]), r->v[i]);
}
INLINE void fp_lanes_choose(fp_lanes *r, __mmask8 which, const fp_lanes *a) {
  UNROLL for (int i = 0; i < FP_LIMBS; i++) r->v[i] = _mm512_mask_mov_epi64(r->v[i], which, a->v[i]);
}
INLINE __mmask8 fp_lanes_all_zero(const fp_lanes *a) {
  __m512i bits = a->v[0];
  UNROLL for (int i = 1; i < FP_LIMBS; i++) bits = _mm512_or_si512(bits, a->v[i]);
  return _mm512_testn_epi64_mask(bits, bits);
}
/* Lanes that may be p, 2 p or 3 p: all that are, and seldom others. */
INLINE __mmask8 fp_lanes_maybe_multiple(const fp_lanes *a) {
  __mmask8 found = 0;
  UNROLL for (int k = 1; k <= 3; k++) found |= _mm512_cmpeq_epi64_mask(a->v[0], lanes_of(fp_multiples[0][k]));
  return found;
}

/* The low and the high halves of a row of a product: t += a b_j. */
#define ROW_LOW(t, a, factor) \
  UNROLL for (int i = 0; i < FP_LIMBS; i++) (t)[i] = _mm512_madd52lo_epu64((t)[i], a[i], factor)
#define ROW_HIGH(t, a, factor) \
  UNROLL for (int i = 0; i < FP_LIMBS; i++) (t)[i + 1] = _mm512_madd52hi_epu64((t)[i + 1], a[i], factor)

/* (a b + c d) / R by rows, with a Montgomery step each; columns stay below 2^58. c may be 0. */
INLINE void fp_lanes_product(fp_lanes *r, const __m512i *a, const __m512i *b, const __m512i *c, const __m512i *d) {
  __m512i t[2 * FP_LIMBS], p[FP_LIMBS], zero = _mm512_setzero_si512();
  UNROLL for (int i = 0; i < FP_LIMBS; i++) p[i] = lanes_of(fp_limbs[i]);
  UNROLL for (int i = 0; i < 2 * FP_LIMBS; i++) t[i] = zero;
  UNROLL for (int j = 0; j < FP_LIMBS; j++) {
    ROW_LOW(t + j, a, b[j]);
    if (c) { ROW_LOW(t + j, c, d[j]); }
    __m512i m = _mm512_madd52lo_epu64(zero, t[j], lanes_of(FP_INVERSE_LIMB52));
    ROW_LOW(t + j, p, m);
    ROW_HIGH(t + j, a, b[j]);
    if (c) { ROW_HIGH(t + j, c, d[j]); }
    ROW_HIGH(t + j, p, m);
    t[j + 1] = _mm512_add_epi64(t[j + 1], _mm512_srli_epi64(t[j], 52));
  }
  UNROLL for (int i = 0; i < FP_LIMBS; i++) r->v[i] = t[FP_LIMBS + i];
  fp_lanes_carry(r);
}

NOINLINE void fp_lanes_mul(fp_lanes *r, const fp_lanes *a, const fp_lanes *b) {
  fp_lanes t, x;
  UNROLL for (int i = 0; i < FP_LIMBS; i++) x.v[i] = a->v[i];
  fp_lanes_product(&t, x.v, b->v, 0, 0);
  *r = t;
}
INLINE void fp_lanes_scale(fp_lanes *r, const fp_lanes *a, const fp_lanes *b) { fp_lanes_mul(r, a, b); }
INLINE void fp_lanes_triple(fp_lanes *r) {
  UNROLL for (int i = 0; i < FP_LIMBS; i++)
    r->v[i] = _mm512_add_epi64(r->v[i], _mm512_add_epi64(r->v[i], r->v[i]));
  fp_lanes_carry(r);
}
INLINE void fp_lanes_sqr(fp_lanes *r, const fp_lanes *a) { fp_lanes_mul(r, a, a); }

/* The inverses of eight elements other than 0, by one inversion. */
NOINLINE void fp_lanes_inverse(fp_lanes *r, const fp_lanes *a) {
  static const u64 factor[6] = FP_INVERSION;
  fp rows[8];
  u64 x[8][6], before[8][6], run[6];
  fp_lanes_rows(rows, a);
  UNROLL for (int i = 0; i < 8; i++) fp_join(x[i], &rows[i]);
  __builtin_memcpy(run, x[0], sizeof(run));
  for (int i = 1; i < 8; i++) {
    __builtin_memcpy(before[i], run, sizeof(run));
    fp_mul_words(run, run, x[i]);
  }
  /* Products here are those of words, with 2^384; the factor also takes the result from there to 2^416. */
  words_inverse6(run, run, fp_modulus, fp_inverse_word);
  fp_mul_words(run, run, factor);
  for (int i = 7; i > 0; i--) {
    fp_mul_words(before[i], before[i], run);
    fp_mul_words(run, run, x[i]);
    fp_split(&rows[i], before[i]);
  }
  fp_split(&rows[0], run);
  UNROLL for (int i = 0; i < 8; i++) r->v[i] = _mm512_load_si512(rows[i].v);
  transpose_lanes(r->v);
}

/* ---- eight elements of the quadratic extension ---- */

typedef struct { fp_lanes c0, c1; } fp2_lanes;

INLINE void fp2_lanes_gather(fp2_lanes *r, const fp2 *const *from) {
  const fp *high[8];
  UNROLL for (int i = 0; i < 8; i++) high[i] = &from[i]->c1;
  const fp *low[8];
  UNROLL for (int i = 0; i < 8; i++) low[i] = &from[i]->c0;
  fp_lanes_gather(&r->c0, low);
  fp_lanes_gather(&r->c1, high);
}
INLINE void fp2_lanes_rows(fp2 *rows, const fp2_lanes *a) {
  fp low[8], high[8];
  fp_lanes_rows(low, &a->c0);
  fp_lanes_rows(high, &a->c1);
  UNROLL for (int i = 0; i < 8; i++) rows[i] = (fp2){low[i], high[i]};
}
INLINE void fp2_lanes_all(fp2_lanes *r, const fp2 *a) {
  fp_lanes_all(&r->c0, &a->c0);
  fp_lanes_all(&r->c1, &a->c1);
}
INLINE void fp2_lanes_carry(fp2_lanes *r) {
  fp_lanes_carry(&r->c0);
  fp_lanes_carry(&r->c1);
}
INLINE void fp2_lanes_settle(fp2_lanes *r) {
  fp_lanes_settle(&r->c0);
  fp_lanes_settle(&r->c1);
}
INLINE void fp2_lanes_difference(fp2_lanes *r, const fp2_lanes *a, const fp2_lanes *b, int k) {
  fp_lanes_difference(&r->c0, &a->c0, &b->c0, k);
  fp_lanes_difference(&r->c1, &a->c1, &b->c1, k);
}
INLINE void fp2_lanes_negate(fp2_lanes *r, __mmask8 which, int k) {
  fp_lanes_negate(&r->c0, which, k);
  fp_lanes_negate(&r->c1, which, k);
}
INLINE void fp2_lanes_choose(fp2_lanes *r, __mmask8 which, const fp2_lanes *a) {
  fp_lanes_choose(&r->c0, which, &a->c0);
  fp_lanes_choose(&r->c1, which, &a->c1);
}
INLINE __mmask8 fp2_lanes_all_zero(const fp2_lanes *a) { return fp_lanes_all_zero(&a->c0) & fp_lanes_all_zero(&a->c1); }
INLINE __mmask8 fp2_lanes_maybe_multiple(const fp2_lanes *a) {
  return fp_lanes_maybe_multiple(&a->c0) & fp_lanes_maybe_multiple(&a->c1);
}

/* a0 b0 + a1 (7 p - b1) and a0 b1 + a1 b0, with one reduction each; b within 7 p. */
NOINLINE void fp2_lanes_mul(fp2_lanes *r, const fp2_lanes *a, const fp2_lanes *b) {
  fp_lanes low, high, opposite = b->c1;
  fp_lanes_negate(&opposite, 0xff, 7);
  fp_lanes_carry(&opposite);
  fp_lanes_product(&low, a->c0.v, b->c0.v, a->c1.v, opposite.v);
  fp_lanes_product(&high, a->c0.v, b->c1.v, a->c1.v, b->c0.v);
  r->c0 = low;
  r->c1 = high;
}
INLINE void fp2_lanes_scale(fp2_lanes *r, const fp2_lanes *a, const fp_lanes *b) {
  fp_lanes_mul(&r->c0, &a->c0, b);
  fp_lanes_mul(&r->c1, &a->c1, b);
}
INLINE void fp2_lanes_triple(fp2_lanes *r) {
  fp_lanes_triple(&r->c0);
  fp_lanes_triple(&r->c1);
}
/* (a0 + a1)(a0 - a1) and 2 a0 a1; a within 6 p. */
INLINE void fp2_lanes_sqr(fp2_lanes *r, const fp2_lanes *a) {
  fp_lanes sum, difference, twice;
  UNROLL for (int i = 0; i < FP_LIMBS; i++) {
    sum.v[i] = _mm512_add_epi64(a->c0.v[i], a->c1.v[i]);
    twice.v[i] = _mm512_add_epi64(a->c0.v[i], a->c0.v[i]);
  }
  fp_lanes_difference(&difference, &a->c0, &a->c1, 6);
  fp_lanes_carry(&sum);
  fp_lanes_carry(&twice);
  fp_lanes_carry(&difference);
  fp_lanes_mul(&r->c1, &twice, &a->c1);
  fp_lanes_mul(&r->c0, &difference, &sum);
}
NOINLINE void fp2_lanes_inverse(fp2_lanes *r, const fp2_lanes *a) {
  fp_lanes norm, square;
  fp_lanes_sqr(&norm, &a->c0);
  fp_lanes_sqr(&square, &a->c1);
  UNROLL for (int i = 0; i < FP_LIMBS; i++)
    norm.v[i] = _mm512_add_epi64(_mm512_add_epi64(norm.v[i], square.v[i]), lanes_of(fp_multiples[i][1]));
  fp_lanes_settle(&norm);
  fp_lanes_inverse(&norm, &norm);
  fp_lanes_mul(&r->c0, &a->c0, &norm);
  fp_lanes_mul(&square, &a->c1, &norm);
  fp_lanes_negate(&square, 0xff, 2);
  fp_lanes_carry(&square);
  r->c1 = square;
}
#endif
