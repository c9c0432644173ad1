/*
 * Multi-exponentiation by buckets (Pippenger), included by group.h for each group.
 *
 * Per window the points are sorted by their digit, and each bucket is summed as a tree: every level adds
 * neighbours, all buckets in the same batches, so that skewed scalars (one full bucket) cost no more than spread
 * ones. What is left when a level has too few pairs for a batch goes one by one into the running sum. Several
 * windows share their batches when there are few points.
 */

/* Additions per level below which an inversion does not pay. */
#define FEW_PAIRS 64
/* References (points times windows) that one pass sorts. */
#ifndef PASS_REFERENCES
#define PASS_REFERENCES 65536u
#endif

/* The width with the fewest products: 6 per addition in a batch, 24 per bucket to sum up a window. */
static u32 GROUP(best_width)(u32 count) {
  u32 best = 2;
  u64 least = ~0ull;
  for (u32 width = 2; width <= 15; width++) {
    u64 cost = (u64)window_count(width) * (6ull * count + (24ull << (width - 1)));
    if (cost < least) {
      least = cost;
      best = width;
    }
  }
  return best;
}

/* Adds neighbours within buckets until few pairs are left; refs and ends shrink, sums go behind `next`. */
static void GROUP(reduce_buckets)(GROUP(batch) *batch, u32 *refs, u32 *ends, u32 buckets, u32 next) {
  for (;;) {
    u32 pairs = 0;
    for (u32 bucket = 0, from = 0; bucket < buckets; from = ends[bucket++]) pairs += (ends[bucket] - from) / 2;
    if (pairs < FEW_PAIRS) return;
    u32 to = 0;
    for (u32 bucket = 0, from = 0; bucket < buckets; bucket++) {
      u32 end = ends[bucket];
      for (; from + 1 < end; from += 2) {
        GROUP(enqueue)(batch, refs[from], refs[from + 1], next);
        refs[to++] = next++ << 1;
      }
      if (from < end) refs[to++] = refs[from++];
      ends[bucket] = to;
    }
    GROUP(flush)(batch);
  }
}

/* Sum of index * bucket over the buckets 1 ... half of one window. */
static void GROUP(sum_window)(GROUP(sum) *total, const GROUP(affine) *points, const u32 *refs, const u32 *ends,
                              u32 first_bucket, u32 half) {
  GROUP(sum) running;
  GROUP(clear)(&running);
  GROUP(clear)(total);
  for (u32 bucket = first_bucket + half; bucket-- > first_bucket;) {
    u32 from = bucket == 0 ? 0 : ends[bucket - 1];
    for (u32 i = from; i < ends[bucket]; i++) GROUP(add_affine)(&running, points, refs[i]);
    GROUP(add_sum)(total, &running);
  }
}

/* Sorts the points of `windows` windows into buckets: counts, then ends, then references. */
static void GROUP(sort_digits)(u32 *refs, u32 *ends, const i32 *digits, u32 count, u32 windows, u32 half) {
  for (u32 i = 0; i < windows * half; i++) ends[i] = 0;
  for (u32 w = 0; w < windows; w++) {
    for (u32 i = 0; i < count; i++) {
      i32 digit = digits[(usize)w * count + i];
      if (digit != 0) ends[w * half + (u32)(digit < 0 ? -digit : digit) - 1]++;
    }
  }
  u32 start = 0;
  for (u32 i = 0; i < windows * half; i++) {
    u32 size = ends[i];
    ends[i] = start;
    start += size;
  }
  for (u32 w = 0; w < windows; w++) {
    for (u32 i = 0; i < count; i++) {
      i32 digit = digits[(usize)w * count + i];
      if (digit == 0) continue;
      u32 bucket = w * half + (u32)(digit < 0 ? -digit : digit) - 1;
      refs[ends[bucket]++] = i << 1 | (digit < 0);
    }
  }
}

/*
 * Sum of scalar * point. Returns -1, or the index of a point or scalar that is not canonical, or NO_MEMORY.
 */
ENTRY i32 EXPORT_GROUP(msm)(u8 *out, const u8 *point_bytes, const u8 *scalars, u32 total_count) {
  u32 count = 0;
  for (u32 i = 0; i < total_count; i++) count += !scalar_is_zero(scalars + 32 * (usize)i);
  u32 width = GROUP(best_width)(count);
  u32 windows = window_count(width);
  u32 half = 1u << (width - 1);
  u32 together = count == 0 ? 1 : PASS_REFERENCES / count;
  if (together < 1) together = 1;
  if (together > windows) together = windows;
  i32 *digits = kernel_alloc((usize)windows * count * sizeof(i32));
  u32 *refs = kernel_alloc((usize)together * count * sizeof(u32));
  u32 *ends = kernel_alloc((usize)together * half * sizeof(u32));
  GROUP(batch) *batch = GROUP(new_batch)(0);
  GROUP(affine) *points = kernel_alloc((usize)(together + 1) * count * sizeof(GROUP(affine)));
  if (!digits || !refs || !ends || !batch || !points) return NO_MEMORY;
  batch->points = points;
  u32 at = 0;
  for (u32 i = 0; i < total_count; i++) {
    const u8 *scalar = scalars + 32 * (usize)i;
    if (!fr_is_canonical(scalar)) return (i32)i;
    if (scalar_is_zero(scalar)) continue;
    if (!GROUP(load)(&points[at], point_bytes + POINT_BYTES * (usize)i)) return (i32)i;
    digits_of(&digits[at], count, scalar, width);
    at++;
  }
  GROUP(sum) result, part;
  GROUP(clear)(&result);
  for (u32 top = windows; top > 0;) {
    u32 group = top < together ? top : together;
    u32 first = top - group;
    GROUP(sort_digits)(refs, ends, digits + (usize)first * count, count, group, half);
    GROUP(reduce_buckets)(batch, refs, ends, group * half, count);
    for (u32 w = group; w-- > 0;) {
      for (u32 i = 0; i < width; i++) GROUP(double_sum)(&result);
      GROUP(sum_window)(&part, points, refs, ends, w * half, half);
      GROUP(add_sum)(&result, &part);
    }
    top = first;
  }
  GROUP(affine) affine;
  GROUP(affine_of)(&affine, &result);
  GROUP(store)(out, &affine);
  return OK;
}
