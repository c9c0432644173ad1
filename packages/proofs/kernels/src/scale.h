/*
 * Many separate multiples, included by group.h for each group: of one base, of each point, and the transform of
 * a ceremony's powers. All points of a chunk take each step together, so that every addition is one of a batch.
 */

#ifndef CHUNK
#define CHUNK 1024u
#define SCALE_WIDTH 4u
#define SCALE_HALF (1u << (SCALE_WIDTH - 1))
#endif

/* The width with the fewest products: 6 per addition, and an inversion per window for the table's first column. */
static u32 GROUP(table_width)(u32 count) {
  u32 best = 2;
  u64 least = ~0ull;
  for (u32 width = 2; width <= 14; width++) {
    u64 cost = (u64)window_count(width, 1) * (6ull * count + (6ull << (width - 1)) + 500);
    if (cost < least) {
      least = cost;
      best = width;
    }
  }
  return best;
}

/* For each of `rows` rows of `half` points, of which the first is given: its multiples 2 ... half. */
static void GROUP(fill_multiples)(GROUP(batch) *batch, u32 first, u32 rows, u32 half) {
  for (u32 known = 1; known < half; known *= 2) {
    for (u32 row = 0; row < rows; row++) {
      u32 base = first + row * half;
      for (u32 k = 0; k < known; k++)
        GROUP(enqueue)(batch, (base + known - 1) << 1, (base + k) << 1, base + known + k);
    }
    GROUP(flush)(batch);
  }
}

/* scalar_i * base into out; returns like msm (a bad base is index 0). */
ENTRY i32 EXPORT_GROUP(fixed_base)(u8 *out, const u8 *base_bytes, const u8 *scalars, u32 count) {
  u32 width = GROUP(table_width)(count);
  u32 windows = window_count(width, 1);
  u32 half = 1u << (width - 1);
  u32 table_size = windows * half;
  GROUP(affine) *points = kernel_alloc((usize)(table_size + CHUNK) * sizeof(GROUP(affine)));
  i16 *digits = kernel_alloc(sizeof(i16) * windows * CHUNK);
  GROUP(batch) *batch = GROUP(new_batch)(points);
  if (!points || !digits || !batch) return NO_MEMORY;
  GROUP(affine) base;
  if (!GROUP(load)(&base, base_bytes)) return 0;
  GROUP(sum) power;
  GROUP(clear)(&power);
  GROUP(add_affine)(&power, &base, 0);
  for (u32 w = 0; w < windows; w++) {
    GROUP(affine_of)(&points[w * half], &power);
    for (u32 i = 0; i < width; i++) GROUP(double_sum)(&power);
  }
  GROUP(fill_multiples)(batch, 0, windows, half);
  for (u32 done = 0; done < count; done += CHUNK) {
    u32 size = count - done < CHUNK ? count - done : CHUNK;
    for (u32 i = 0; i < size; i++) {
      const u8 *scalar = scalars + 32 * (usize)(done + i);
      part whole;
      if (!fr_is_canonical(scalar)) return (i32)(done + i);
      parts_of(&whole, scalar, 1);
      digits_of(&digits[i], CHUNK, &whole, width, windows);
      points[table_size + i] = (GROUP(affine)){0};
    }
    for (u32 w = 0; w < windows; w++) {
      for (u32 i = 0; i < size; i++) {
        i32 digit = digits[w * CHUNK + i];
        if (digit == 0) continue;
        u32 entry = w * half + (u32)(digit < 0 ? -digit : digit) - 1;
        GROUP(enqueue)(batch, (table_size + i) << 1, entry << 1 | (digit < 0), table_size + i);
      }
      GROUP(flush)(batch);
    }
    GROUP(store_run)(out + POINT_BYTES * (usize)done, points + table_size, size);
  }
  return OK;
}

/* What a chunk of separate multiples works with: for every part of a point's scalar a row of multiples and digits. */
typedef struct {
  GROUP(batch) *batch;
  GROUP(affine) *points; /* CHUNK sums, then CHUNK rows for each part */
  i16 *digits; /* by part, window, point */
} GROUP(bench);

static int GROUP(new_bench)(GROUP(bench) *bench) {
  bench->points = kernel_alloc(sizeof(GROUP(affine)) * CHUNK * (PARTS * SCALE_HALF + 1));
  bench->digits = kernel_alloc(sizeof(i16) * CHUNK * PARTS * window_count(SCALE_WIDTH, PARTS));
  bench->batch = GROUP(new_batch)(bench->points);
  return bench->points && bench->digits && bench->batch;
}

INLINE u32 GROUP(row)(u32 point, u32 part) { return CHUNK + (part * CHUNK + point) * SCALE_HALF; }

static void GROUP(set_scalar)(const GROUP(bench) *bench, u32 i, const u8 *scalar) {
  u32 windows = window_count(SCALE_WIDTH, PARTS);
  part parts[MAX_PARTS];
  parts_of(parts, scalar, PARTS);
  for (u32 k = 0; k < PARTS; k++)
    digits_of(&bench->digits[k * windows * CHUNK + i], CHUNK, &parts[k], SCALE_WIDTH, windows);
}

/* points[i] = scalar i * the first of row i, for i < size. */
static void GROUP(scale_chunk)(GROUP(bench) *bench, u32 size) {
  GROUP(batch) *batch = bench->batch;
  GROUP(affine) *points = bench->points;
  u32 windows = window_count(SCALE_WIDTH, PARTS);
  GROUP(fill_multiples)(batch, CHUNK, size, SCALE_HALF);
  for (u32 k = 1; k < PARTS; k++)
    GROUP(endomorphism_run)(points + GROUP(row)(0, k), points + GROUP(row)(0, k - 1), (usize)size * SCALE_HALF);
  for (u32 i = 0; i < size; i++) points[i] = (GROUP(affine)){0};
  for (u32 w = windows; w-- > 0;) {
    for (u32 k = 0; k < SCALE_WIDTH && w + 1 < windows; k++) {
      for (u32 i = 0; i < size; i++) GROUP(enqueue)(batch, i << 1, i << 1, i);
      GROUP(flush)(batch);
    }
    for (u32 k = 0; k < PARTS; k++) {
      const i16 *digits = bench->digits + (k * windows + w) * CHUNK;
      for (u32 i = 0; i < size; i++) {
        i32 digit = digits[i];
        if (digit == 0) continue;
        u32 entry = GROUP(row)(i, k) + (u32)(digit < 0 ? -digit : digit) - 1;
        GROUP(enqueue)(batch, i << 1, entry << 1 | (digit < 0), i);
      }
      GROUP(flush)(batch);
    }
  }
}

/* scalar_i * point_i into out; returns like msm. */
ENTRY i32 EXPORT_GROUP(scale)(u8 *out, const u8 *point_bytes, const u8 *scalars, u32 count) {
  GROUP(bench) bench;
  if (!GROUP(new_bench)(&bench)) return NO_MEMORY;
  for (u32 done = 0; done < count; done += CHUNK) {
    u32 size = count - done < CHUNK ? count - done : CHUNK;
    i32 bad = GROUP(load_run)(bench.points, point_bytes + POINT_BYTES * (usize)done, 0, size);
    if (bad != OK) return (i32)done + bad;
    for (u32 i = 0; i < size; i++) {
      const u8 *scalar = scalars + 32 * (usize)(done + i);
      if (!fr_is_canonical(scalar)) return (i32)(done + i);
      bench.points[GROUP(row)(i, 0)] = bench.points[i];
      GROUP(set_scalar)(&bench, i, scalar);
    }
    GROUP(scale_chunk)(&bench, size);
    GROUP(store_run)(out + POINT_BYTES * (usize)done, bench.points, size);
  }
  return OK;
}

/* points[i] times the scalar of 32 bytes at scalars + 32 * step * i, in place. */
static void GROUP(scale_in_place)(GROUP(bench) *bench, GROUP(affine) **targets, const u8 **scalars, u32 size) {
  for (u32 i = 0; i < size; i++) {
    bench->points[GROUP(row)(i, 0)] = *targets[i];
    GROUP(set_scalar)(bench, i, scalars[i]);
  }
  GROUP(scale_chunk)(bench, size);
  for (u32 i = 0; i < size; i++) *targets[i] = bench->points[i];
}

/* Scales many points, chunk by chunk; call with target 0 to finish. */
typedef struct {
  GROUP(bench) bench;
  u32 count;
  GROUP(affine) *targets[CHUNK];
  const u8 *scalars[CHUNK];
} GROUP(scaler);

static void GROUP(push_scale)(GROUP(scaler) *scaler, GROUP(affine) *target, const u8 *scalar) {
  if (target) {
    scaler->targets[scaler->count] = target;
    scaler->scalars[scaler->count++] = scalar;
  }
  if (scaler->count == CHUNK || (!target && scaler->count > 0)) {
    GROUP(scale_in_place)(&scaler->bench, scaler->targets, scaler->scalars, scaler->count);
    scaler->count = 0;
  }
}

/*
 * Inverse transform of points: values on the domain whose inverse root is given -> coefficients; bytes replaced.
 * Decimation in time: each stage turns half of the points by a power of the root, then adds and subtracts.
 */
ENTRY i32 EXPORT_GROUP(lagrange)(u8 *bytes, u32 log, const u8 *root_inverse, const u8 *size_inverse) {
  u32 size = 1u << log;
  u32 half_size = size > 1 ? size / 2 : 1;
  GROUP(affine) *points = kernel_alloc((usize)2 * size * sizeof(GROUP(affine)));
  u8 *powers = kernel_alloc((usize)32 * half_size);
  GROUP(scaler) *scaler = kernel_alloc(sizeof(GROUP(scaler)));
  GROUP(batch) *batch = GROUP(new_batch)(points);
  if (!points || !powers || !scaler || !batch || !GROUP(new_bench)(&scaler->bench)) return NO_MEMORY;
  scaler->count = 0;
  fr root, power = fr_one;
  fr_load(&root, root_inverse);
  for (u32 i = 0; i < half_size; i++) {
    fr_store(powers + 32 * (usize)i, &power);
    fr_mul(&power, &power, &root);
  }
  i32 bad = GROUP(load_run)(points + size, bytes, 0, size);
  if (bad != OK) return bad;
  for (u32 i = 0; i < size; i++) points[reversed(i, log)] = points[size + i];
  for (u32 stage = 0; stage < log; stage++) {
    u32 half = 1u << stage;
    u32 stride = size >> (stage + 1);
    for (u32 block = 0; block < size; block += 2 * half)
      for (u32 i = 1; i < half; i++)
        GROUP(push_scale)(scaler, &points[block + half + i], powers + 32 * (usize)i * stride);
    GROUP(push_scale)(scaler, 0, 0);
    for (u32 block = 0; block < size; block += 2 * half) {
      for (u32 i = 0; i < half; i++) {
        u32 low = block + i;
        GROUP(enqueue)(batch, low << 1, (low + half) << 1, size + low);
        GROUP(enqueue)(batch, low << 1, (low + half) << 1 | 1, size + low + half);
      }
    }
    GROUP(flush)(batch);
    for (u32 i = 0; i < size; i++) points[i] = points[size + i];
  }
  for (u32 i = 0; i < size; i++) GROUP(push_scale)(scaler, &points[i], size_inverse);
  GROUP(push_scale)(scaler, 0, 0);
  GROUP(store_run)(bytes, points, size);
  return OK;
}
