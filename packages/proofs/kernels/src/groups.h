/*
 * Both groups of points, in the form of the field that the including file has: group.h once for each.
 */
#ifndef HOLDFAST_GROUPS_H
#define HOLDFAST_GROUPS_H
#include "fp2.h"
#include "fft.h"
#include "parts.h"

#define GROUP(name) g1_##name
#define EXPORT_GROUP(name) EXPORT(g1_##name)
#define FIELD(name) fp_##name
#define ELEMENT fp
#define POINT_BYTES 96
#define FIRST_LIMB v[0]
#define FIELD_SUBTRACT(r, a, b) fp_sub_lazy(r, a, b)
#define FIELD_SETTLE(r) ((void)(r))
#define PARAMETER_POWER 2
#define PARTS 2u
#define CURVE_B fp_four
static const fp fp_four = {FP_FOUR};
static const fp fp_beta = {FP_BETA};
INLINE void g1_endomorphism(fp *x, fp *y) {
  (void)y;
  fp_mul(x, x, &fp_beta);
}
#ifdef FP_LANES
INLINE void g1_endomorphism_lanes(fp_lanes *x, fp_lanes *y) {
  fp_lanes beta;
  (void)y;
  fp_lanes_all(&beta, &fp_beta);
  fp_lanes_mul(x, x, &beta);
}
#endif
#include "group.h"

#undef GROUP
#undef EXPORT_GROUP
#undef FIELD
#undef ELEMENT
#undef POINT_BYTES
#undef FIRST_LIMB
#undef FIELD_SUBTRACT
#undef FIELD_SETTLE
#undef PARAMETER_POWER
#undef PARTS
#undef CURVE_B

#define GROUP(name) g2_##name
#define EXPORT_GROUP(name) EXPORT(g2_##name)
#define FIELD(name) fp2_##name
#define ELEMENT fp2
#define POINT_BYTES 192
#define FIRST_LIMB c0.v[0]
#define FIELD_SUBTRACT(r, a, b) (fp2_sub_lazy(r, a, b), fp2_balance(r))
#define FIELD_SETTLE(r) fp2_balance(r)
#define PARAMETER_POWER 1
#define PARTS 4u
#define CURVE_B fp2_four
static const fp2 fp2_four = {{FP_FOUR}, {FP_FOUR}};
static const fp2 psi_x = {{FP_PSI_X0}, {FP_PSI_X1}};
static const fp2 psi_y = {{FP_PSI_Y0}, {FP_PSI_Y1}};
INLINE void g2_endomorphism(fp2 *x, fp2 *y) {
  fp_neg(&x->c1, &x->c1);
  fp_neg(&y->c1, &y->c1);
  fp2_mul(x, x, &psi_x);
  fp2_mul(y, y, &psi_y);
}
#ifdef FP_LANES
INLINE void g2_endomorphism_lanes(fp2_lanes *x, fp2_lanes *y) {
  fp2_lanes factor_x, factor_y;
  fp2_lanes_all(&factor_x, &psi_x);
  fp2_lanes_all(&factor_y, &psi_y);
  fp_lanes_negate(&x->c1, 0xff, 2);
  fp_lanes_negate(&y->c1, 0xff, 2);
  fp2_lanes_carry(x);
  fp2_lanes_carry(y);
  fp2_lanes_mul(x, x, &factor_x);
  fp2_lanes_mul(y, y, &factor_y);
}
#endif
#include "group.h"
#endif
