/*
 * The field of the coordinates: 13 signed limbs of 30 bits, Montgomery with R = 2^390.
 *
 * "Normal" elements have balanced limbs (magnitude at most 2^29, the top limb at most 2^25) and a value within
 * 16 p. A column of a product has 13 terms, two of them with a top limb; with one factor normal and the other a
 * sum or difference of two normal ones, 11 * 2^59 and the reduction's share, 2^29 times the sum of the
 * modulus's limbs (less than 9 * 2^58, checked when constants.h is written), stay below 2^63. R is 2^9 p: a
 * product of factors within 16 p is within p, one of factors within 3 p within 0.52 p.
 */
#ifndef HOLDFAST_FP30_H
#define HOLDFAST_FP30_H
#include "constants.h"
#include "kernel.h"

#define FP_LIMBS 13
#define FP_BITS 30
#define FP_MASK ((1u << FP_BITS) - 1)
#define FP_COLUMNS (2 * FP_LIMBS - 1)

typedef struct { i32 v[FP_LIMBS]; } fp;

INLINE i64 fp_digit(i64 acc) { return (i64)((i32)((u32)acc << (32 - FP_BITS)) >> (32 - FP_BITS)); }
INLINE i64 fp_carry(i64 acc) { return (acc + (1 << (FP_BITS - 1))) >> FP_BITS; }

INLINE void fp_reduce(fp *r, const i64 *t) {
  i64 m[FP_LIMBS];
  i64 acc = 0;
  UNROLL for (int k = 0; k < FP_LIMBS; k++) {
    acc += t[k];
    UNROLL for (int j = 0; j < k; j++) acc += m[j] * FP_MODULUS(k - j);
    m[k] = fp_digit((i64)((u32)acc * FP_INVERSE));
    acc += m[k] * FP_MODULUS(0);
    acc >>= FP_BITS;
  }
  UNROLL for (int k = FP_LIMBS; k < FP_COLUMNS; k++) {
    acc += t[k];
    UNROLL for (int j = k - FP_LIMBS + 1; j < FP_LIMBS; j++) acc += m[j] * FP_MODULUS(k - j);
    r->v[k - FP_LIMBS] = (i32)fp_digit(acc);
    acc = fp_carry(acc);
  }
  r->v[FP_LIMBS - 1] = (i32)acc;
}

/* Products of two runs of limbs. */
INLINE void fp_run_columns(i64 *t, const i64 *a, const i64 *b, int count) {
  UNROLL for (int k = 0; k < 2 * count - 1; k++) {
    i64 acc = 0;
    UNROLL for (int j = k < count ? 0 : k - count + 1; j <= k && j < count; j++)
      acc = add64(acc, mul64(a[j], b[k - j]));
    t[k] = acc;
  }
}

/*
 * The columns of a product by Karatsuba, 7 limbs below and 6 above: 134 multiplications instead of 169. The
 * columns of the sums may wrap; what is left when the others are taken off is bounded as said above.
 */
INLINE void fp_columns(i64 *t, const fp *a, const fp *b) {
  enum { LOW = 7, HIGH = FP_LIMBS - LOW };
  i64 x[FP_LIMBS], y[FP_LIMBS], x_sum[LOW], y_sum[LOW];
  i64 low[2 * LOW - 1], high[2 * HIGH - 1], both[2 * LOW - 1];
  UNROLL for (int i = 0; i < FP_LIMBS; i++) {
    x[i] = a->v[i];
    y[i] = b->v[i];
  }
  UNROLL for (int i = 0; i < LOW; i++) {
    x_sum[i] = i < HIGH ? x[i] + x[LOW + i] : x[i];
    y_sum[i] = i < HIGH ? y[i] + y[LOW + i] : y[i];
  }
  fp_run_columns(low, x, y, LOW);
  fp_run_columns(high, x + LOW, y + LOW, HIGH);
  fp_run_columns(both, x_sum, y_sum, LOW);
  UNROLL for (int k = 0; k < FP_COLUMNS; k++) {
    int m = k - LOW;
    i64 acc = 0;
    if (k < 2 * LOW - 1) acc = low[k];
    if (k >= 2 * LOW) acc = high[k - 2 * LOW];
    if (m >= 0 && m < 2 * LOW - 1) acc = add64(acc, sub64(both[m], low[m]));
    if (m >= 0 && m < 2 * HIGH - 1) acc = sub64(acc, high[m]);
    t[k] = acc;
  }
}

/* One factor normal, the other at most a sum of two. */
NOINLINE void fp_mul(fp *r, const fp *a, const fp *b) {
  i64 t[FP_COLUMNS];
  fp_columns(t, a, b);
  fp_reduce(r, t);
}

/* a normal. */
NOINLINE void fp_sqr(fp *r, const fp *a) {
  i64 t[FP_COLUMNS];
  UNROLL for (int k = 0; k < FP_COLUMNS; k++) {
    i64 acc = 0;
    UNROLL for (int j = k < FP_LIMBS ? 0 : k - FP_LIMBS + 1; 2 * j < k; j++)
      acc += (i64)a->v[j] * a->v[k - j];
    acc += acc;
    if (k % 2 == 0) acc += (i64)a->v[k / 2] * a->v[k / 2];
    t[k] = acc;
  }
  fp_reduce(r, t);
}

/* Without carries: the result is a sum of two for the bounds above. */
INLINE void fp_add_lazy(fp *r, const fp *a, const fp *b) {
  UNROLL for (int i = 0; i < FP_LIMBS; i++) r->v[i] = a->v[i] + b->v[i];
}
INLINE void fp_sub_lazy(fp *r, const fp *a, const fp *b) {
  UNROLL for (int i = 0; i < FP_LIMBS; i++) r->v[i] = a->v[i] - b->v[i];
}

/* Carries, and takes off the nearest multiple of p: limbs up to 2^31 in, a value within 0.51 p out. */
INLINE void fp_normalise(fp *r) {
  i64 top = (i64)r->v[FP_LIMBS - 1] + (r->v[FP_LIMBS - 2] >> FP_BITS);
  i64 q = (top * FP_TOP_RECIPROCAL + (1ll << 39)) >> 40;
  i64 acc = 0;
  UNROLL for (int i = 0; i < FP_LIMBS - 1; i++) {
    acc += r->v[i] - q * FP_MODULUS(i);
    r->v[i] = (i32)fp_digit(acc);
    acc = fp_carry(acc);
  }
  r->v[FP_LIMBS - 1] = (i32)(r->v[FP_LIMBS - 1] - q * FP_MODULUS(FP_LIMBS - 1) + acc);
}

/* Carries alone. */
INLINE void fp_balance(fp *r) {
  i64 acc = 0;
  UNROLL for (int i = 0; i < FP_LIMBS - 1; i++) {
    acc += r->v[i];
    r->v[i] = (i32)fp_digit(acc);
    acc = fp_carry(acc);
  }
  r->v[FP_LIMBS - 1] += (i32)acc;
}

INLINE void fp_neg(fp *r, const fp *a) {
  UNROLL for (int i = 0; i < FP_LIMBS; i++) r->v[i] = -a->v[i];
}
INLINE int fp_all_zero(const fp *a) {
  i32 bits = 0;
  UNROLL for (int i = 0; i < FP_LIMBS; i++) bits |= a->v[i];
  return bits == 0;
}

/* Whether a (any element) is a multiple of p. The first test sorts out nearly everything. */
INLINE int fp_maybe_zero(const fp *a) {
  /* low limbs of 0, p, -p, 2p, -2p, ... : a multiple of p in [-8, 8] */
  u32 q = ((u32)a->v[0] * FP_LOW_RECIPROCAL + 8) & FP_MASK;
  return q <= 16;
}
NOINLINE int fp_is_zero_slow(const fp *a) {
  fp b = *a;
  fp_normalise(&b);
  return fp_all_zero(&b);
}
INLINE int fp_is_zero(const fp *a) { return fp_maybe_zero(a) && fp_is_zero_slow(a); }

static const fp fp_r2 = {FP_R2};
static const fp fp_one = {FP_ONE};

/* 48 big-endian bytes -> Montgomery form. */
INLINE void fp_load_raw(fp *r, const u8 *bytes) {
  fp raw;
  u64 acc = 0;
  int bits = 0;
  int at = 48;
  for (int i = 0; i < FP_LIMBS; i++) {
    while (bits < FP_BITS && at > 0) {
      acc |= (u64)bytes[--at] << bits;
      bits += 8;
    }
    raw.v[i] = (i32)(acc & FP_MASK);
    acc >>= FP_BITS;
    bits -= FP_BITS;
  }
  fp_mul(r, &raw, &fp_r2);
}

/* 48 canonical big-endian bytes. */
NOINLINE void fp_store(u8 *bytes, const fp *a) {
  static const fp unit = {{1}};
  fp raw;
  fp_mul(&raw, a, &unit); /* within (-p, p) */
  int top = FP_LIMBS - 1;
  while (top > 0 && raw.v[top] == 0) top--;
  i64 lift = raw.v[top] < 0 ? -1 : 0;
  i64 carry = 0;
  u64 acc = 0;
  int bits = 0;
  int at = 48;
  for (int i = 0; i < FP_LIMBS; i++) {
    carry += (i64)raw.v[i] + (lift & FP_MODULUS(i));
    acc |= (u64)(carry & FP_MASK) << bits;
    carry >>= FP_BITS;
    bits += FP_BITS;
    while (bits >= 8 && at > 0) {
      bytes[--at] = (u8)acc;
      acc >>= 8;
      bits -= 8;
    }
  }
  while (at > 0) bytes[--at] = 0;
}

/*
 * The quadratic extension: columns may wrap on the way, their results may not: a0 b0 - a1 b1 and a0 b1 + a1 b0
 * of normal elements are bounded like a product with one sum of two.
 */
typedef struct { fp c0, c1; } fp2;

/* Apart from its callers: three of them in one function are more than a compiler keeps in registers. */
NOINLINE void fp2_columns(i64 *t, const fp *a, const fp *b) { fp_columns(t, a, b); }

/* Both factors normal. */
NOINLINE void fp2_mul(fp2 *r, const fp2 *a, const fp2 *b) {
  i64 low[FP_COLUMNS];
  i64 high[FP_COLUMNS];
  i64 mixed[FP_COLUMNS];
  fp left, right;
  fp_add_lazy(&left, &a->c0, &a->c1);
  fp_add_lazy(&right, &b->c0, &b->c1);
  fp2_columns(low, &a->c0, &b->c0);
  fp2_columns(high, &a->c1, &b->c1);
  fp2_columns(mixed, &left, &right);
  UNROLL for (int i = 0; i < FP_COLUMNS; i++) {
    mixed[i] = sub64(mixed[i], add64(low[i], high[i]));
    low[i] = sub64(low[i], high[i]);
  }
  fp_reduce(&r->c0, low);
  fp_reduce(&r->c1, mixed);
}

/* a normal. */
NOINLINE void fp2_sqr(fp2 *r, const fp2 *a) {
  fp sum, difference, twice;
  fp_add_lazy(&sum, &a->c0, &a->c1);
  fp_sub_lazy(&difference, &a->c0, &a->c1);
  fp_balance(&sum);
  fp_add_lazy(&twice, &a->c0, &a->c0);
  fp_mul(&r->c1, &twice, &a->c1);
  fp_mul(&r->c0, &difference, &sum);
}
#endif
