/*
 * The quadratic extension, c0 + c1 u with u^2 = -1, in which G2 has its coordinates. Its products take three
 * multiplications and two reductions, so they stand with the form of the field that they reach into.
 */
#ifndef HOLDFAST_FP2_H
#define HOLDFAST_FP2_H
#include "fp.h"

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
