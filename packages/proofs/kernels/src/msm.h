/*
 * Multi-exponentiation by buckets (Pippenger), included by group.h for each group.
 *
 * Scalars are split in parts where that saves additions (parts.h), and per window the points are sorted by their
 * digit. Each bucket is summed as a tree: every level adds neighbours, all buckets in the same batches, so that
 * skewed scalars (one full bucket) cost no more than spread ones. The buckets of a window stand in a square, by the
 * high and the low half of their digit; the sums of its rows and columns need two additions a bucket, in batches
 * too. These few are added once more into one sum for each bit of the scalar, which a last chain of doublings joins.
 */

/* Additions per level below which an inversion does not pay. */
#ifndef FEW_PAIRS
#ifdef FP_LANES
#define FEW_PAIRS 32
#define CHAIN_COST 130 /* one doubling and one addition, in products of batches */
#else
#define FEW_PAIRS 64
#define CHAIN_COST 19
#endif
/* References (points times windows) that one pass sorts. */
#define PASS_REFERENCES 65536u

/* How a sum is cut, and how much there is of everything. */
typedef struct {
  u32 parts, width, windows;
  u32 half; /* digits, without their sign */
  u32 columns; /* low halves of digits */
  u32 rows; /* high halves */
  u32 together; /* windows of one pass */
} msm_plan;
#endif

typedef struct {
  msm_plan plan;
  u32 count; /* points, every part of a scalar with its own */
  GROUP(batch) *batch;
  GROUP(affine) *points; /* what is summed, then what is kept of each window, then sums of a pass */
  i16 *digits;
  u32 *refs, *ends, *lines, *line_ends;
  u32 kept; /* sums of rows and columns so far */
  u32 *weights; /* of those: window and digit */
} GROUP(sorter);

/* The parts and the width with the fewest products: 6 per addition in a batch, two additions per bucket. */
static msm_plan GROUP(plan_of)(u32 count) {
  msm_plan best = {.parts = 0};
  u64 least = ~0ull;
  for (u32 parts = 1; parts <= PARTS; parts += PARTS - 1) {
    for (u32 width = 2; width <= MAX_WIDTH_BITS; width++) {
      u32 windows = window_count(width, parts), half = 1u << (width - 1);
      u64 cost = (u64)windows * (6ull * parts * count + 12ull * half) + (parts - 1ull) * 2 * count +
                 (u64)CHAIN_COST * windows * width;
      if (cost >= least) continue;
      least = cost;
      u32 together = count == 0 ? 1 : PASS_REFERENCES / (parts * count);
      if (together < 1) together = 1;
      if (together > windows) together = windows;
      u32 columns = 1u << (width / 2);
      best = (msm_plan){parts, width, windows, half, columns, half / columns + 1, together};
    }
  }
  return best;
}

/* Adds neighbours within buckets until few pairs are left; refs and ends shrink, sums go to `next` and behind. */
static u32 GROUP(reduce_buckets)(GROUP(batch) *batch, u32 *refs, u32 *ends, u32 buckets, u32 next) {
  for (;;) {
    u32 pairs = 0;
    for (u32 bucket = 0, from = 0; bucket < buckets; from = ends[bucket++]) pairs += (ends[bucket] - from) / 2;
    if (pairs < FEW_PAIRS) return next;
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

/* Sorts the points of `windows` windows into buckets, half + 1 for each: counts, then ends, then references. */
static void GROUP(sort_digits)(const GROUP(sorter) *s, u32 first, u32 windows) {
  u32 buckets = s->plan.half + 1, *ends = s->ends, start = 0;
  for (u32 i = 0; i < windows * buckets; i++) ends[i] = 0;
  for (u32 w = 0; w < windows; w++) {
    const i16 *digits = s->digits + (usize)(first + w) * s->count;
    for (u32 i = 0; i < s->count; i++) ends[w * buckets + (u32)(digits[i] < 0 ? -digits[i] : digits[i])]++;
    ends[w * buckets] = 0;
  }
  for (u32 i = 0; i < windows * buckets; i++) {
    u32 size = ends[i];
    ends[i] = start;
    start += size;
  }
  for (u32 w = 0; w < windows; w++) {
    const i16 *digits = s->digits + (usize)(first + w) * s->count;
    for (u32 i = 0; i < s->count; i++) {
      i32 digit = digits[i];
      if (digit != 0) s->refs[ends[w * buckets + (u32)(digit < 0 ? -digit : digit)]++] = i << 1 | (digit < 0);
    }
  }
}

/* The rows of a pass, then its columns, as lists of references; row 0 and column 0 weigh nothing. */
static void GROUP(list_lines)(const GROUP(sorter) *s, u32 windows) {
  const msm_plan *plan = &s->plan;
  u32 to = 0, line = 0;
  for (u32 w = 0; w < windows; w++) {
    const u32 *ends = s->ends + w * (plan->half + 1);
    for (u32 row = 1; row < plan->rows; row++) {
      u32 last = (row + 1) * plan->columns - 1;
      u32 end = ends[last < plan->half ? last : plan->half];
      for (u32 i = ends[row * plan->columns - 1]; i < end; i++) s->lines[to++] = s->refs[i];
      s->line_ends[line++] = to;
    }
    for (u32 column = 1; column < plan->columns; column++) {
      for (u32 digit = column; digit <= plan->half; digit += plan->columns)
        for (u32 i = ends[digit - 1]; i < ends[digit]; i++) s->lines[to++] = s->refs[i];
      s->line_ends[line++] = to;
    }
  }
}

/* Keeps the sums of rows and columns, with what they weigh. */
static void GROUP(keep_lines)(GROUP(sorter) *s, u32 first, u32 windows) {
  const msm_plan *plan = &s->plan;
  u32 per_window = plan->rows + plan->columns - 2;
  for (u32 line = 0, from = 0; line < windows * per_window; from = s->line_ends[line++]) {
    u32 w = first + line / per_window, place = line % per_window;
    u32 digit = place + 1 < plan->rows ? (place + 1) * plan->columns : place + 2 - plan->rows;
    for (u32 i = from; i < s->line_ends[line]; i++) {
      GROUP(affine) *to = &s->points[s->count + s->kept];
      GROUP(take)(&to->x, &to->y, s->points, s->lines[i]);
      s->weights[s->kept++] = w << 16 | digit;
    }
  }
}

/* One list of the kept sums for each bit, summed up, and joined by doublings. */
static void GROUP(join_bits)(GROUP(sorter) *s, GROUP(sum) *result, u32 next) {
  const msm_plan *plan = &s->plan;
  u32 bits = plan->windows * plan->width + 1;
  for (u32 i = 0; i < bits; i++) s->ends[i] = 0;
  for (u32 fill = 0; fill < 2; fill++) {
    for (u32 i = 0; i < s->kept; i++) {
      u32 bit = (s->weights[i] >> 16) * plan->width;
      for (u32 digit = s->weights[i] & 0xffff; digit; digit >>= 1, bit++) {
        if (!(digit & 1)) continue;
        if (fill) s->refs[s->ends[bit]++] = (s->count + i) << 1;
        else s->ends[bit]++;
      }
    }
    for (u32 i = 0, start = 0; i < bits && !fill; i++) {
      u32 size = s->ends[i];
      s->ends[i] = start;
      start += size;
    }
  }
  GROUP(reduce_buckets)(s->batch, s->refs, s->ends, bits, next);
  GROUP(clear)(result);
  for (u32 bit = bits; bit-- > 0;) {
    GROUP(double_sum)(result);
    for (u32 i = bit == 0 ? 0 : s->ends[bit - 1]; i < s->ends[bit]; i++) GROUP(add_affine)(result, s->points, s->refs[i]);
  }
}

static int GROUP(new_sorter)(GROUP(sorter) *s, u32 terms) {
  s->plan = GROUP(plan_of)(terms);
  const msm_plan *plan = &s->plan;
  s->count = plan->parts * terms;
  usize lines = plan->rows + plan->columns - 2;
  usize kept = plan->windows * (lines + 2 * FEW_PAIRS); /* a pass, of a window or more, leaves few pairs */
  usize bits = (usize)plan->windows * plan->width + 1;
  usize pass_refs = (usize)plan->together * s->count, buckets = (usize)plan->together * (plan->half + 1);
  usize bit_refs = kept * (plan->width / 2 + 1);
  usize line_refs = 2 * (buckets + 2 * FEW_PAIRS);
  usize sums = pass_refs + line_refs > bit_refs ? pass_refs + line_refs : bit_refs;
  s->kept = 0;
  s->digits = kernel_alloc((usize)plan->windows * s->count * sizeof(i16));
  s->refs = kernel_alloc((pass_refs > bit_refs ? pass_refs : bit_refs) * sizeof(u32));
  s->ends = kernel_alloc((buckets > bits ? buckets : bits) * sizeof(u32));
  s->lines = kernel_alloc(line_refs * sizeof(u32));
  s->line_ends = kernel_alloc(plan->together * lines * sizeof(u32));
  s->weights = kernel_alloc(kept * sizeof(u32));
  s->points = kernel_alloc((s->count + kept + sums) * sizeof(GROUP(affine)));
  s->batch = GROUP(new_batch)(s->points);
  return s->digits && s->refs && s->ends && s->lines && s->line_ends && s->weights && s->points && s->batch;
}

/* Points and digits of the chosen terms; returns like msm. */
static i32 GROUP(load_terms)(GROUP(sorter) *s, const u8 *point_bytes, const u8 *scalars, const u32 *chosen, u32 terms) {
  const msm_plan *plan = &s->plan;
  for (u32 at = 0; at < terms; at++) {
    const u8 *scalar = scalars + 32 * (usize)chosen[at];
    part parts[MAX_PARTS];
    if (!fr_is_canonical(scalar)) return (i32)chosen[at];
    parts_of(parts, scalar, plan->parts);
    for (u32 k = 0; k < plan->parts; k++)
      digits_of(&s->digits[(usize)k * terms + at], s->count, &parts[k], plan->width, plan->windows);
  }
  i32 bad = GROUP(load_run)(s->points, point_bytes, chosen, terms);
  if (bad != OK) return (i32)chosen[bad];
  for (u32 k = 1; k < plan->parts; k++)
    GROUP(endomorphism_run)(s->points + (usize)k * terms, s->points + (usize)(k - 1) * terms, terms);
  return OK;
}

/*
 * Sum of scalar * point. Returns -1, or the index of a point or scalar that is not canonical, or NO_MEMORY.
 */
ENTRY i32 EXPORT_GROUP(msm)(u8 *out, const u8 *point_bytes, const u8 *scalars, u32 total) {
  /* Which terms are not 0 is asked once: another thread's arrays may change, and what is allocated is for these. */
  u32 terms = 0, *chosen = kernel_alloc((usize)total * sizeof(u32));
  if (!chosen) return NO_MEMORY;
  for (u32 i = 0; i < total; i++) {
    chosen[terms] = i;
    terms += !scalar_is_zero(scalars + 32 * (usize)i);
  }
  GROUP(sorter) s;
  if (!GROUP(new_sorter)(&s, terms)) return NO_MEMORY;
  i32 status = GROUP(load_terms)(&s, point_bytes, scalars, chosen, terms);
  if (status != OK) return status;
  const msm_plan *plan = &s.plan;
  u32 lines = plan->rows + plan->columns - 2;
  u32 sums = s.count + plan->windows * (lines + 2 * FEW_PAIRS);
  for (u32 first = 0; first < plan->windows; first += plan->together) {
    u32 windows = plan->windows - first < plan->together ? plan->windows - first : plan->together;
    GROUP(sort_digits)(&s, first, windows);
    u32 next = GROUP(reduce_buckets)(s.batch, s.refs, s.ends, windows * (plan->half + 1), sums);
    GROUP(list_lines)(&s, windows);
    GROUP(reduce_buckets)(s.batch, s.lines, s.line_ends, windows * lines, next);
    GROUP(keep_lines)(&s, first, windows);
  }
  GROUP(sum) result;
  GROUP(join_bits)(&s, &result, sums);
  GROUP(affine) affine;
  GROUP(affine_of)(&affine, &result);
  GROUP(store)(out, &affine);
  return OK;
}
