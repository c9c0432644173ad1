/*
 * Sums in a group of points, written once for both groups: the including file defines GROUP(name) and FIELD(name)
 * to prefix names, ELEMENT, POINT_BYTES, FIELD_SUBTRACT (a difference that may be a factor) and FIELD_SETTLE (what a
 * sum of two needs to be one).
 *
 * Affine points are added in batches: the slopes of up to BATCH additions share one inversion, so that an
 * addition costs five products and a square instead of ten. A batch holds any pairs: equal points, opposite ones
 * and infinity are sorted out by kind. (0, 0) is infinity, as it is on neither curve.
 * Where there are too few additions for a batch, points have the coordinates XYZZ: x = X/ZZ, y = Y/ZZZ with
 * ZZ^3 = ZZZ^2, and ZZ = 0 at infinity.
 * Source: Explicit-Formulas Database (XYZZ: madd-2008-s, dbl-2008-s-1); Montgomery's trick.
 */

typedef struct { ELEMENT x, y; } GROUP(affine);
typedef struct { ELEMENT x, y, zz, zzz; } GROUP(sum);

/* points[out] = points[a >> 1] + points[b >> 1], the lowest bit negates. */
#ifndef HOLDFAST_GROUP_H
#define HOLDFAST_GROUP_H
typedef struct { u32 a, b, out; } addition;
enum { CHORD, TANGENT, TO_INFINITY, TAKE_A, TAKE_B, NOTHING };
#endif

INLINE int GROUP(is_infinity)(const GROUP(affine) *p) {
  return FIELD(all_zero)(&p->y) && FIELD(all_zero)(&p->x);
}

INLINE void GROUP(take)(ELEMENT *x, ELEMENT *y, const GROUP(affine) *points, u32 ref) {
  const GROUP(affine) *p = &points[ref >> 1];
  *x = p->x;
  if (ref & 1) FIELD(neg)(y, &p->y);
  else *y = p->y;
}

/* The kind of an addition, and the denominator of its slope. */
INLINE u8 GROUP(prepare)(ELEMENT *d, const GROUP(affine) *points, addition job) {
  const GROUP(affine) *p = &points[job.a >> 1];
  const GROUP(affine) *q = &points[job.b >> 1];
  FIELD(sub_lazy)(d, &q->x, &p->x);
  u8 kind = CHORD;
  if (p->y.FIRST_LIMB == 0 && GROUP(is_infinity)(p)) kind = TAKE_B;
  else if (q->y.FIRST_LIMB == 0 && GROUP(is_infinity)(q)) kind = TAKE_A;
  else if (FIELD(is_zero)(d)) {
    ELEMENT px, py, qx, qy, same;
    GROUP(take)(&px, &py, points, job.a);
    GROUP(take)(&qx, &qy, points, job.b);
    FIELD(sub_lazy)(&same, &py, &qy);
    kind = FIELD(is_zero)(&same) && !FIELD(is_zero)(&py) ? TANGENT : TO_INFINITY;
    FIELD(add_lazy)(d, &py, &py);
  }
  if (kind > TANGENT) *d = FIELD(one);
  else FIELD_SETTLE(d);
  return kind;
}

/* One addition, with the inverse of its denominator. */
INLINE void GROUP(finish)(GROUP(affine) *points, addition job, u8 kind, const ELEMENT *inverse) {
  ELEMENT px, py, qx, qy, slope;
  GROUP(affine) *out = &points[job.out];
  GROUP(take)(&px, &py, points, job.a);
  GROUP(take)(&qx, &qy, points, job.b);
  if (kind > TANGENT) {
    if (kind == TO_INFINITY) *out = (GROUP(affine)){0};
    else if (kind == TAKE_A) *out = (GROUP(affine)){px, py};
    else *out = (GROUP(affine)){qx, qy};
    return;
  }
  if (kind == TANGENT) {
    ELEMENT square;
    FIELD(sqr)(&square, &px);
    FIELD(add_lazy)(&slope, &square, &square);
    FIELD(add_lazy)(&slope, &slope, &square);
    FIELD(normalise)(&slope);
  } else {
    FIELD_SUBTRACT(&slope, &qy, &py);
  }
  FIELD(mul)(&slope, &slope, inverse);
  ELEMENT x, y;
  FIELD(sqr)(&x, &slope);
  FIELD(sub_lazy)(&x, &x, &px);
  FIELD(sub_lazy)(&x, &x, &qx);
  FIELD(normalise)(&x);
  FIELD_SUBTRACT(&y, &px, &x);
  FIELD(mul)(&y, &y, &slope);
  FIELD(sub_lazy)(&y, &y, &py);
  FIELD(normalise)(&y);
  out->x = x;
  out->y = y;
}

/* 0 if a coordinate is not below p or a flag is set that uncompressed points have not. */
NOINLINE int GROUP(load)(GROUP(affine) *p, const u8 *bytes) {
  if (bytes[0] == 0x40) {
    u8 rest = 0;
    for (int i = 1; i < POINT_BYTES; i++) rest |= bytes[i];
    *p = (GROUP(affine)){0};
    return rest == 0;
  }
  int fine = FIELD(load)(&p->x, bytes);
  return FIELD(load)(&p->y, bytes + POINT_BYTES / 2) & fine;
}

NOINLINE void GROUP(store)(u8 *bytes, const GROUP(affine) *p) {
  if (GROUP(is_infinity)(p)) {
    for (int i = 0; i < POINT_BYTES; i++) bytes[i] = 0;
    bytes[0] = 0x40;
    return;
  }
  FIELD(store)(bytes, &p->x);
  FIELD(store)(bytes + POINT_BYTES / 2, &p->y);
}

#ifdef FP_LANES
#include "batch52.h"
#else
#include "batch.h"
#endif

/* Jobs of one batch never read what another of them writes, except that a job may replace its own points. */
INLINE void GROUP(enqueue)(GROUP(batch) *batch, u32 a, u32 b, u32 out) {
  batch->jobs[batch->count++] = (addition){a, b, out};
#ifdef FP_LANES
  for (usize line = 0; line < sizeof(GROUP(affine)); line += 64) {
    __builtin_prefetch((const u8 *)&batch->points[a >> 1] + line);
    __builtin_prefetch((const u8 *)&batch->points[b >> 1] + line);
  }
#endif
  if (batch->count == BATCH) GROUP(flush)(batch);
}

static GROUP(batch) *GROUP(new_batch)(GROUP(affine) *points) {
  GROUP(batch) *batch = kernel_alloc(sizeof(GROUP(batch)));
  if (batch) {
    batch->points = points;
    batch->count = 0;
  }
  return batch;
}

static void GROUP(clear)(GROUP(sum) *s) { *s = (GROUP(sum)){0}; }

INLINE int GROUP(sum_is_infinity)(const GROUP(sum) *s) { return FIELD(all_zero)(&s->zz); }

NOINLINE void GROUP(double_sum)(GROUP(sum) *s) {
  if (GROUP(sum_is_infinity)(s)) return;
  ELEMENT u, v, w, t, m, x;
  FIELD(add_lazy)(&u, &s->y, &s->y);
  FIELD(normalise)(&u);
  FIELD(sqr)(&v, &u);
  FIELD(mul)(&w, &u, &v);
  FIELD(mul)(&t, &s->x, &v);
  FIELD(sqr)(&x, &s->x);
  FIELD(add_lazy)(&m, &x, &x);
  FIELD(add_lazy)(&m, &m, &x);
  FIELD(normalise)(&m);
  FIELD(sqr)(&x, &m);
  FIELD(sub_lazy)(&x, &x, &t);
  FIELD(sub_lazy)(&x, &x, &t);
  FIELD(normalise)(&x);
  FIELD_SUBTRACT(&t, &t, &x);
  FIELD(mul)(&t, &t, &m);
  FIELD(mul)(&u, &s->y, &w);
  FIELD(sub_lazy)(&s->y, &t, &u);
  FIELD(normalise)(&s->y);
  s->x = x;
  FIELD(mul)(&s->zz, &s->zz, &v);
  FIELD(mul)(&s->zzz, &s->zzz, &w);
}

NOINLINE void GROUP(add_affine)(GROUP(sum) *s, const GROUP(affine) *points, u32 ref) {
  ELEMENT x, y, p, r;
  if (GROUP(is_infinity)(&points[ref >> 1])) return;
  GROUP(take)(&x, &y, points, ref);
  if (GROUP(sum_is_infinity)(s)) {
    *s = (GROUP(sum)){x, y, FIELD(one), FIELD(one)};
    return;
  }
  FIELD(mul)(&p, &x, &s->zz);
  FIELD(mul)(&r, &y, &s->zzz);
  FIELD(sub_lazy)(&p, &p, &s->x);
  FIELD(sub_lazy)(&r, &r, &s->y);
  FIELD(normalise)(&p);
  FIELD(normalise)(&r);
  if (FIELD(all_zero)(&p)) {
    if (FIELD(all_zero)(&r)) GROUP(double_sum)(s);
    else GROUP(clear)(s);
    return;
  }
  ELEMENT pp, ppp, q;
  FIELD(sqr)(&pp, &p);
  FIELD(mul)(&ppp, &p, &pp);
  FIELD(mul)(&q, &s->x, &pp);
  FIELD(sqr)(&x, &r);
  FIELD(sub_lazy)(&x, &x, &ppp);
  FIELD(normalise)(&x);
  FIELD(sub_lazy)(&x, &x, &q);
  FIELD(sub_lazy)(&x, &x, &q);
  FIELD(normalise)(&x);
  FIELD_SUBTRACT(&q, &q, &x);
  FIELD(mul)(&q, &q, &r);
  FIELD(mul)(&s->y, &s->y, &ppp);
  FIELD(sub_lazy)(&s->y, &q, &s->y);
  FIELD(normalise)(&s->y);
  s->x = x;
  FIELD(mul)(&s->zz, &s->zz, &pp);
  FIELD(mul)(&s->zzz, &s->zzz, &ppp);
}

NOINLINE void GROUP(affine_of)(GROUP(affine) *out, const GROUP(sum) *s) {
  if (GROUP(sum_is_infinity)(s)) {
    *out = (GROUP(affine)){0};
    return;
  }
  ELEMENT inverse, factor;
  FIELD(mul)(&factor, &s->zz, &s->zzz);
  FIELD(inverse)(&inverse, &factor);
  FIELD(mul)(&factor, &inverse, &s->zzz);
  FIELD(mul)(&out->x, &s->x, &factor);
  FIELD(mul)(&factor, &inverse, &s->zz);
  FIELD(mul)(&out->y, &s->y, &factor);
}

#include "msm.h"
#include "scale.h"
#include "checks.h"
