/*
 * Whether points of strangers are on the curve and in the subgroup, included by group.h for each group. The
 * subgroup is where an endomorphism is a multiplication: in G1 phi(x, y) = (beta x, y) by -z^2, in G2 psi (twist,
 * Frobenius, untwist) by z, with z = -0xd201000000010000. The including file defines GROUP(endomorphism),
 * PARAMETER_POWER (2 and 1) and CURVE_B.
 * Source: Scott, "A note on group membership tests for G1, G2 and GT on BLS pairing-friendly curves" (2021).
 */

#define CURVE_PARAMETER 0xd201000000010000ull

/* |z| times the base. */
static void GROUP(times_parameter)(GROUP(sum) *out, const GROUP(sum) *base) {
  *out = *base;
  for (int bit = 62; bit >= 0; bit--) {
    GROUP(double_sum)(out);
    if (CURVE_PARAMETER >> bit & 1) GROUP(add_sum)(out, base);
  }
}

/* y^2 = x^3 + b */
static int GROUP(on_curve)(const GROUP(affine) *p) {
  ELEMENT left, right;
  FIELD(sqr)(&left, &p->y);
  FIELD(sqr)(&right, &p->x);
  FIELD(mul)(&right, &right, &p->x);
  FIELD(sub_lazy)(&left, &left, &right);
  FIELD(sub_lazy)(&left, &left, &CURVE_B);
  FIELD(normalise)(&left);
  return FIELD(all_zero)(&left);
}

/* Whether a sum is the point (x, -y), not at infinity. */
static int GROUP(is_opposite)(const GROUP(sum) *s, const ELEMENT *x, const ELEMENT *y) {
  ELEMENT dx, dy;
  if (GROUP(sum_is_infinity)(s)) return 0;
  FIELD(mul)(&dx, x, &s->zz);
  FIELD(mul)(&dy, y, &s->zzz);
  FIELD(sub_lazy)(&dx, &dx, &s->x);
  FIELD(add_lazy)(&dy, &dy, &s->y);
  FIELD(normalise)(&dx);
  FIELD(normalise)(&dy);
  return FIELD(all_zero)(&dx) && FIELD(all_zero)(&dy);
}

static int GROUP(in_subgroup)(const GROUP(affine) *p) {
  GROUP(sum) base, power;
  ELEMENT x = p->x, y = p->y;
  GROUP(clear)(&base);
  GROUP(add_affine)(&base, p, 0);
  GROUP(times_parameter)(&power, &base);
  if (PARAMETER_POWER == 2) {
    base = power;
    GROUP(times_parameter)(&power, &base);
  }
  GROUP(endomorphism)(&x, &y);
  return GROUP(is_opposite)(&power, &x, &y);
}

/* Index of the first point that is not canonical, not on the curve or not in the subgroup, or -1. */
ENTRY i32 EXPORT_GROUP(first_bad)(const u8 *bytes, u32 count) {
  for (u32 i = 0; i < count; i++) {
    GROUP(affine) p;
    if (!GROUP(load)(&p, bytes + POINT_BYTES * (usize)i)) return (i32)i;
    if (GROUP(is_infinity)(&p)) continue;
    if (!GROUP(on_curve)(&p) || !GROUP(in_subgroup)(&p)) return (i32)i;
  }
  return OK;
}
