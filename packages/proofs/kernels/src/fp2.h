/*
 * The quadratic extension, c0 + c1 u with u^2 = -1, in which G2 has its coordinates. Products take three
 * multiplications of columns and two reductions; columns may wrap on the way, their results may not:
 * a0 b0 - a1 b1 and a0 b1 + a1 b0 of normal elements are bounded like a product with one sum of two.
 */
#ifndef HOLDFAST_FP2_H
#define HOLDFAST_FP2_H
#include "fp.h"

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

INLINE void fp2_add_lazy(fp2 *r, const fp2 *a, const fp2 *b) {
  fp_add_lazy(&r->c0, &a->c0, &b->c0);
  fp_add_lazy(&r->c1, &a->c1, &b->c1);
}
INLINE void fp2_sub_lazy(fp2 *r, const fp2 *a, const fp2 *b) {
  fp_sub_lazy(&r->c0, &a->c0, &b->c0);
  fp_sub_lazy(&r->c1, &a->c1, &b->c1);
}
INLINE void fp2_normalise(fp2 *r) {
  fp_normalise(&r->c0);
  fp_normalise(&r->c1);
}
INLINE void fp2_balance(fp2 *r) {
  fp_balance(&r->c0);
  fp_balance(&r->c1);
}
INLINE void fp2_neg(fp2 *r, const fp2 *a) {
  fp_neg(&r->c0, &a->c0);
  fp_neg(&r->c1, &a->c1);
}
INLINE int fp2_all_zero(const fp2 *a) { return fp_all_zero(&a->c0) && fp_all_zero(&a->c1); }
INLINE int fp2_is_zero(const fp2 *a) { return fp_is_zero(&a->c0) && fp_is_zero(&a->c1); }

static const fp2 fp2_one = {{FP_ONE}, {{0}}};

/* Through the norm: (c0 - c1 u) / (c0^2 + c1^2). */
NOINLINE void fp2_inverse(fp2 *r, const fp2 *a) {
  fp norm, square;
  fp_sqr(&norm, &a->c0);
  fp_sqr(&square, &a->c1);
  fp_add_lazy(&norm, &norm, &square);
  fp_normalise(&norm);
  fp_inverse(&norm, &norm);
  fp_mul(&r->c0, &a->c0, &norm);
  fp_mul(&r->c1, &a->c1, &norm);
  fp_neg(&r->c1, &r->c1);
}

/* In bytes the part of u comes first. */
INLINE int fp2_load(fp2 *r, const u8 *bytes) {
  int fine = fp_load(&r->c1, bytes);
  return fp_load(&r->c0, bytes + 48) & fine;
}
INLINE void fp2_store(u8 *bytes, const fp2 *a) {
  fp_store(bytes, &a->c1);
  fp_store(bytes + 48, &a->c0);
}
#endif
