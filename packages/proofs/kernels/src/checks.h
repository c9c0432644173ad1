/*
 * Whether points of strangers are on the curve and in the subgroup, included by group.h for each group. The
 * subgroup is where an endomorphism is a multiplication: in G1 phi(x, y) = (beta x, y) by -z^2, in G2 psi (twist,
 * Frobenius, untwist) by z, with z = -0xd201000000010000. The including file defines GROUP(endomorphism),
 * PARAMETER_POWER (2 and 1) and CURVE_B.
 * Source: Scott, "A note on group membership tests for G1, G2 and GT on BLS pairing-friendly curves" (2021).
 */

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

/* points[to + i] = |z| points[from + i], in batches, or one by one if they are few. */
static void GROUP(times_parameter)(GROUP(batch) *batch, u32 to, u32 from, u32 size) {
  GROUP(affine) *points = batch->points;
  if (size < FEW_PAIRS) {
    for (u32 i = 0; i < size; i++) {
      GROUP(sum) sum;
      GROUP(clear)(&sum);
      for (int bit = 63; bit >= 0; bit--) {
        GROUP(double_sum)(&sum);
        if (CURVE_PARAMETER >> bit & 1) GROUP(add_affine)(&sum, points, (from + i) << 1);
      }
      GROUP(affine_of)(&points[to + i], &sum);
    }
    return;
  }
  for (u32 i = 0; i < size; i++) points[to + i] = points[from + i];
  for (int bit = 62; bit >= 0; bit--) {
    for (u32 i = 0; i < size; i++) GROUP(enqueue)(batch, (to + i) << 1, (to + i) << 1, to + i);
    GROUP(flush)(batch);
    if (!(CURVE_PARAMETER >> bit & 1)) continue;
    for (u32 i = 0; i < size; i++) GROUP(enqueue)(batch, (to + i) << 1, (from + i) << 1, to + i);
    GROUP(flush)(batch);
  }
}

/*
 * The index of the first of `size` points whose power of z is not its endomorphism, or `size`. Works on copies behind
 * the points, CHUNK each.
 */
static u32 GROUP(first_outside)(GROUP(batch) *batch, u32 size) {
  GROUP(affine) *points = batch->points;
  u32 power = CHUNK, image = 3 * CHUNK;
  GROUP(endomorphism_run)(points + image, points, size);
  GROUP(times_parameter)(batch, power, 0, size);
  if (PARAMETER_POWER == 2) {
    power = 2 * CHUNK;
    GROUP(times_parameter)(batch, power, CHUNK, size);
  }
  for (u32 i = 0; i < size; i++) {
    ELEMENT unused;
    if (GROUP(is_infinity)(&points[i])) continue;
    u8 kind = GROUP(prepare)(&unused, points, (addition){(power + i) << 1, (image + i) << 1, 0});
    if (kind != TO_INFINITY) return i;
  }
  return size;
}

/* Index of the first point that is not canonical, not on the curve or not in the subgroup, or -1. */
ENTRY i32 EXPORT_GROUP(first_bad)(const u8 *bytes, u32 count) {
  GROUP(affine) *points = kernel_alloc(4 * (usize)CHUNK * sizeof(GROUP(affine)));
  GROUP(batch) *batch = GROUP(new_batch)(points);
  if (!points || !batch) return NO_MEMORY;
  for (u32 done = 0; done < count; done += CHUNK) {
    u32 size = count - done < CHUNK ? count - done : CHUNK, sound = 0;
    i32 bad = GROUP(load_run)(points, bytes + POINT_BYTES * (usize)done, 0, size);
    u32 loaded = bad == OK ? size : (u32)bad;
    if (bad != OK) GROUP(load_run)(points, bytes + POINT_BYTES * (usize)done, 0, loaded); /* whole vectors only */
    while (sound < loaded && (GROUP(is_infinity)(&points[sound]) || GROUP(on_curve)(&points[sound]))) sound++;
    u32 inside = GROUP(first_outside)(batch, sound);
    if (inside < size) return (i32)(done + inside);
  }
  return OK;
}
