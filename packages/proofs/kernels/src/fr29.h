/*
 * The scalar field: 9 signed limbs of 29 bits, Montgomery with R = 2^261.
 *
 * "Normal" elements have balanced limbs and a value within 0.6 r; products give normal elements. Bounds: a column
 * sums at most 9 products of limbs, so limbs of factors may reach 2^31 and 2^28. A product of factors below 5 r
 * each, or of 40 r and r, is within r. The modulus is 1 - 8*2^29 + ... in balanced limbs: the lowest two limbs
 * need no multiplication, and the factor of a Montgomery step is minus the lowest digit itself.
 */
#ifndef HOLDFAST_FR29_H
#define HOLDFAST_FR29_H
#include "constants.h"
#include "kernel.h"

#define FR_LIMBS 9
#define FR_BITS 29
#define FR_MASK ((1u << FR_BITS) - 1)

typedef struct { i32 v[FR_LIMBS]; } fr;

/* The balanced digit of an accumulator. */
INLINE i64 fr_digit(i64 acc) { return (i64)((i32)((u32)acc << (32 - FR_BITS)) >> (32 - FR_BITS)); }
INLINE i64 fr_carry(i64 acc) { return (acc + (1 << (FR_BITS - 1))) >> FR_BITS; }

/* Columns of a product -> r = columns / R + plus (plus may be 0). */
INLINE void fr_reduce(fr *r, const i64 *t, const fr *plus) {
  i64 m[FR_LIMBS];
  i64 acc = 0;
  UNROLL for (int k = 0; k < FR_LIMBS; k++) {
    acc += t[k];
    if (k >= 1) acc -= m[k - 1] << 3;
    UNROLL for (int j = 0; j + 2 <= k; j++) acc += m[j] * FR_MODULUS(k - j);
    m[k] = -fr_digit(acc);
    acc = fr_carry(acc);
  }
  UNROLL for (int k = FR_LIMBS; k < 2 * FR_LIMBS - 1; k++) {
    acc += t[k];
    if (k == FR_LIMBS) acc -= m[k - 1] << 3;
    UNROLL for (int j = k - FR_LIMBS + 1; j < FR_LIMBS && j + 2 <= k; j++) acc += m[j] * FR_MODULUS(k - j);
    if (plus) acc += plus->v[k - FR_LIMBS];
    r->v[k - FR_LIMBS] = (i32)fr_digit(acc);
    acc = fr_carry(acc);
  }
  if (plus) acc += plus->v[FR_LIMBS - 1];
  r->v[FR_LIMBS - 1] = (i32)acc;
}

/* acc and one column of a * b. */
INLINE i64 fr_column(i64 acc, const fr *a, const fr *b, int k) {
  UNROLL for (int j = k < FR_LIMBS ? 0 : k - FR_LIMBS + 1; j <= k && j < FR_LIMBS; j++)
    acc += (i64)a->v[j] * b->v[k - j];
  return acc;
}

INLINE void fr_columns(i64 *t, const fr *a, const fr *b) {
  UNROLL for (int k = 0; k < 2 * FR_LIMBS - 1; k++) t[k] = fr_column(0, a, b, k);
}

NOINLINE void fr_mul(fr *r, const fr *a, const fr *b) {
  i64 t[2 * FR_LIMBS - 1];
  fr_columns(t, a, b);
  fr_reduce(r, t, 0);
}

/* a * b + c */
NOINLINE void fr_mul_add(fr *r, const fr *a, const fr *b, const fr *c) {
  i64 t[2 * FR_LIMBS - 1];
  fr_columns(t, a, b);
  fr_reduce(r, t, c);
}

/* Limbs of a up to 2^29. */
NOINLINE void fr_sqr(fr *r, const fr *a) {
  i64 t[2 * FR_LIMBS - 1];
  UNROLL for (int k = 0; k < 2 * FR_LIMBS - 1; k++) {
    i64 acc = 0;
    UNROLL for (int j = k < FR_LIMBS ? 0 : k - FR_LIMBS + 1; 2 * j < k; j++)
      acc += (i64)a->v[j] * a->v[k - j];
    acc += acc;
    if (k % 2 == 0) acc += (i64)a->v[k / 2] * a->v[k / 2];
    t[k] = acc;
  }
  fr_reduce(r, t, 0);
}

/*
 * Sum of products of normal elements, two at a time. Seven of a column's nine products are full (the top limbs are
 * short), so 17 terms stay below 2^63; longer sums carry in between.
 */
NOINLINE void fr_dot(fr *r, const fr *a, const fr *b, u32 count) {
  i64 t[2 * FR_LIMBS - 1] = {0};
  u32 i = 0;
  for (; i + 1 < count; i += 2) {
    if (i != 0 && i % 16 == 0) {
      UNROLL for (int k = 0; k + 1 < 2 * FR_LIMBS - 1; k++) {
        t[k + 1] += fr_carry(t[k]);
        t[k] = fr_digit(t[k]);
      }
    }
    UNROLL for (int k = 0; k < 2 * FR_LIMBS - 1; k++) {
      i64 acc = t[k];
      UNROLL for (int j = k < FR_LIMBS ? 0 : k - FR_LIMBS + 1; j <= k && j < FR_LIMBS; j++)
        acc += (i64)a[i].v[j] * b[i].v[k - j] + (i64)a[i + 1].v[j] * b[i + 1].v[k - j];
      t[k] = acc;
    }
  }
  if (i < count) {
    UNROLL for (int k = 0; k < 2 * FR_LIMBS - 1; k++) t[k] = fr_column(t[k], &a[i], &b[i], k);
  }
  fr_reduce(r, t, 0);
}

/* Without carries: each adds one to the multiple of 2^28 that bounds the limbs. */
INLINE void fr_add(fr *r, const fr *a, const fr *b) {
  UNROLL for (int i = 0; i < FR_LIMBS; i++) r->v[i] = a->v[i] + b->v[i];
}
INLINE void fr_sub(fr *r, const fr *a, const fr *b) {
  UNROLL for (int i = 0; i < FR_LIMBS; i++) r->v[i] = a->v[i] - b->v[i];
}
INLINE void fr_balance(fr *r) {
  i64 acc = 0;
  UNROLL for (int i = 0; i < FR_LIMBS - 1; i++) {
    acc += r->v[i];
    r->v[i] = (i32)fr_digit(acc);
    acc = fr_carry(acc);
  }
  r->v[FR_LIMBS - 1] += (i32)acc;
}

/* a - b, limbs up to 2^30, less the nearest multiple of the modulus: normal. */
INLINE void fr_rest(fr *r, const fr *a, const fr *b) {
  fr_sub(r, a, b);
  i64 top = (i64)r->v[FR_LIMBS - 1] + (r->v[FR_LIMBS - 2] >> FR_BITS);
  i64 q = (top * FR_TOP_RECIPROCAL + (1ll << 39)) >> 40;
  i64 acc = 0;
  UNROLL for (int i = 0; i < FR_LIMBS - 1; i++) {
    acc += r->v[i] - q * FR_MODULUS(i);
    r->v[i] = (i32)fr_digit(acc);
    acc = fr_carry(acc);
  }
  r->v[FR_LIMBS - 1] = (i32)(r->v[FR_LIMBS - 1] - q * FR_MODULUS(FR_LIMBS - 1) + acc);
}

/* -a if `negative` is 1, a if it is 0. */
INLINE void fr_negate_where(fr *r, const fr *a, u32 negative) {
  i32 mask = -(i32)negative;
  UNROLL for (int i = 0; i < FR_LIMBS; i++) r->v[i] = (a->v[i] ^ mask) - mask;
}

INLINE u32 load_le32(const u8 *p) { return p[0] | p[1] << 8 | p[2] << 16 | (u32)p[3] << 24; }

/* The limbs of 32 little-endian bytes, not balanced and not in Montgomery form. */
INLINE void fr_unpack(fr *r, const u8 *bytes) {
  u64 acc = 0;
  int bits = 0;
  int at = 0;
  UNROLL for (int i = 0; i < FR_LIMBS; i++) {
    if (bits < FR_BITS && at < 32) {
      acc |= (u64)load_le32(bytes + at) << bits;
      at += 4;
      bits += 32;
    }
    r->v[i] = (i32)(acc & FR_MASK);
    acc >>= FR_BITS;
    bits -= FR_BITS;
  }
}

static const fr fr_r2 = {FR_R2};
static const fr fr_one = {FR_ONE};

INLINE void fr_load(fr *r, const u8 *bytes) {
  fr raw;
  fr_unpack(&raw, bytes);
  fr_mul(r, &raw, &fr_r2);
}

/* 32 canonical little-endian bytes of x * y / R; with y = 1 that leaves Montgomery form. */
NOINLINE void fr_store_scaled(u8 *bytes, const fr *x, const fr *y) {
  fr raw;
  fr_mul(&raw, x, y); /* within (-r, r) */
  int top = FR_LIMBS - 1;
  while (top > 0 && raw.v[top] == 0) top--;
  i64 lift = raw.v[top] < 0 ? -1 : 0;
  i64 carry = 0;
  u64 acc = 0;
  int bits = 0;
  int at = 0;
  UNROLL for (int i = 0; i < FR_LIMBS; i++) {
    carry += (i64)raw.v[i] + (lift & FR_MODULUS(i));
    acc |= (u64)(carry & FR_MASK) << bits;
    carry >>= FR_BITS;
    bits += FR_BITS;
    while (bits >= 8 && at < 32) {
      bytes[at++] = (u8)acc;
      acc >>= 8;
      bits -= 8;
    }
  }
  while (at < 32) {
    bytes[at++] = (u8)acc;
    acc >>= 8;
  }
}

static const fr fr_unit = {{1}};
INLINE void fr_store(u8 *bytes, const fr *x) { fr_store_scaled(bytes, x, &fr_unit); }

#endif
