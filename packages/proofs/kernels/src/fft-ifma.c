/*
 * Fourier transforms of field elements in the lanes of AVX-512 IFMA. With n = 8 m, j = l m + i and k = 8 k2 + k1:
 * transforms of length 8 over l, for eight neighbours i at once; times root^(i k1); the lanes turned, so that a vector
 * holds all k1 of one i; then one transform of length m over i whose elements are vectors and whose twiddles are the
 * same in every lane. Both sides are vectors of eight neighbours in natural order.
 *
 * Twiddles are canonical, so a product is within (a/35 + 1) r, that is 2 r, for values up to 35 r; a butterfly takes
 * off products only (of 1 too, but in the first stage) and adds 2 r. From 2 r on, 3 stages come to 8 r, and from 1.3 r on 16 stages to 34 r. Above that, and below 64 elements, the
 * scalar form does the work.
 * Source: Bailey, "FFTs in external or hierarchical memory" (1990).
 */
#include "fr52.h"
#include "table.h"

#define LEAST_LOG 6
#define MOST_LOG 19
/* Vectors of a block that stays in the cache while its stages are done. */
#define BLOCK_LOG 11

INLINE void times(wide *r, const wide *a, const wide *b) {
  __m512i t[2 * LIMBS];
  clear_columns(t);
  add_wide_product(t, a, b);
  reduce(r, t, 0);
}
/* a + b, a - b + 2 r */
INLINE void add_subtract(wide *a, wide *b) {
  UNROLL for (int i = 0; i < LIMBS; i++) {
    __m512i turned = b->v[i];
    b->v[i] = _mm512_add_epi64(_mm512_sub_epi64(a->v[i], turned), all(2 * modulus[i]));
    a->v[i] = _mm512_add_epi64(a->v[i], turned);
  }
  carry_limbs(a);
  UNROLL for (int i = 0; i + 1 < LIMBS; i++) {
    b->v[i + 1] = _mm512_add_epi64(b->v[i + 1], _mm512_srai_epi64(b->v[i], LIMB_BITS));
    b->v[i] = _mm512_and_si512(b->v[i], all(LIMB_MASK));
  }
}

typedef struct {
  u32 log;
  limbs eighths[4]; /* powers of the root of order 8 */
  wide start[8], step[8]; /* root^(i k1) for the first eight i, and root^(8 k1) */
  limbs *twiddles; /* of blocks of 2 h: from h on */
} transform_plan;

/* The elements of eight lanes. */
static void gather(wide *to, const fr *lanes) {
  u64 rows[LIMBS][8];
  for (int lane = 0; lane < 8; lane++) {
    limbs one;
    convert(&one, &lanes[lane]);
    for (int i = 0; i < LIMBS; i++) rows[i][lane] = one.v[i];
  }
  UNROLL for (int i = 0; i < LIMBS; i++) to->v[i] = _mm512_loadu_si512(rows[i]);
}
static void spread(wide *to, const fr *value) {
  limbs one;
  convert(&one, value);
  UNROLL for (int i = 0; i < LIMBS; i++) to->v[i] = all(one.v[i]);
}
static void power_of_two(fr *r, const fr *base, u32 squarings) {
  *r = *base;
  for (u32 i = 0; i < squarings; i++) fr_sqr(r, r);
}
/* base^0 ... base^7 times `first`, and base^8. */
static void powers_in_lanes(wide *to, fr *eighth, const fr *base, const fr *first) {
  fr lanes[8];
  lanes[0] = *first;
  for (int i = 1; i < 8; i++) fr_mul(&lanes[i], &lanes[i - 1], base);
  gather(to, lanes);
  power_of_two(eighth, base, 3);
}

static int new_plan(transform_plan *plan, const u8 *root_bytes, u32 log) {
  u32 m = 1u << (log - 3);
  fr root, power, run, high;
  plan->log = log;
  plan->twiddles = kernel_alloc((usize)m * sizeof(limbs));
  fr *powers = kernel_alloc((usize)(m / 2) * sizeof(fr));
  if (!plan->twiddles || !powers) return 0;
  fr_load(&root, root_bytes);
  power_of_two(&power, &root, log - 3);
  run = fr_one;
  for (int i = 0; i < 4; i++) {
    convert(&plan->eighths[i], &run);
    fr_mul(&run, &run, &power);
  }
  power = fr_one;
  for (int k = 0; k < 8; k++) {
    powers_in_lanes(&plan->start[k], &high, &power, &fr_one);
    spread(&plan->step[k], &high);
    fr_mul(&power, &power, &root);
  }
  power_of_two(&power, &root, 3);
  powers[0] = fr_one;
  for (u32 i = 1; i < m / 2; i++) fr_mul(&powers[i], &powers[i - 1], &power);
  for (u32 half = 1; half < m; half *= 2)
    for (u32 i = 0; i < half; i++) convert(&plan->twiddles[half + i], &powers[(usize)i * (m / 2 / half)]);
  return 1;
}

/* Rows to columns of 8 vectors, limb by limb. */
static void turn(wide *x) {
  UNROLL for (int limb = 0; limb < LIMBS; limb++) {
    __m512i low[4], high[4];
    UNROLL for (int i = 0; i < 4; i++) {
      low[i] = _mm512_unpacklo_epi64(x[2 * i].v[limb], x[2 * i + 1].v[limb]);
      high[i] = _mm512_unpackhi_epi64(x[2 * i].v[limb], x[2 * i + 1].v[limb]);
    }
    UNROLL for (int odd = 0; odd < 2; odd++) {
      const __m512i *t = odd ? high : low;
      __m512i a = _mm512_shuffle_i64x2(t[0], t[1], 0x88), b = _mm512_shuffle_i64x2(t[2], t[3], 0x88);
      __m512i c = _mm512_shuffle_i64x2(t[0], t[1], 0xdd), d = _mm512_shuffle_i64x2(t[2], t[3], 0xdd);
      x[odd].v[limb] = _mm512_shuffle_i64x2(a, b, 0x88);
      x[4 + odd].v[limb] = _mm512_shuffle_i64x2(a, b, 0xdd);
      x[2 + odd].v[limb] = _mm512_shuffle_i64x2(c, d, 0x88);
      x[6 + odd].v[limb] = _mm512_shuffle_i64x2(c, d, 0xdd);
    }
  }
}

INLINE u32 reverse_bits(u32 index, u32 log) {
  u32 x = 0;
  for (u32 i = 0; i < log; i++) x |= (index >> i & 1) << (log - 1 - i);
  return x;
}

NOINLINE void butterfly(wide *low, wide *high, const limbs *twiddle) {
  scale(high, high, twiddle);
  add_subtract(low, high);
}

/* The columns of eight neighbours: transforms of length 8 over the eighths of `from`, times powers, turned. */
static void first_steps(wide *to, const wide *from, const transform_plan *plan) {
  u32 blocks = 1u << (plan->log - 6), log = plan->log - 3;
  wide factors[8];
  for (int k = 1; k < 8; k++) factors[k] = plan->start[k];
  for (u32 block = 0; block < blocks; block++) {
    wide x[8];
    for (u32 l = 0; l < 8; l++) x[reverse_bits(l, 3)] = from[(usize)l * blocks + block];
    for (u32 half = 1; half < 8; half *= 2) {
      for (u32 start = 0; start < 8; start += 2 * half) {
        if (half == 1) add_subtract(&x[start], &x[start + 1]);
        for (u32 i = 0; half > 1 && i < half; i++)
          butterfly(&x[start + i], &x[start + half + i], &plan->eighths[i * 4 / half]);
      }
    }
    /* What has met no product yet may be 8 r: all of them meet one. */
    scale(&x[0], &x[0], &one_form);
    for (int k = 1; k < 8; k++) {
      times(&x[k], &x[k], &factors[k]);
      times(&factors[k], &factors[k], &plan->step[k]);
    }
    turn(x);
    for (u32 i = 0; i < 8; i++) to[reverse_bits(8 * block + i, log)] = x[i];
  }
}

/* Block after block as long as they stay in the cache, then the stages that join them. */
static void stages(wide *x, u32 log, const limbs *twiddles) {
  if (log > BLOCK_LOG) {
    stages(x, log - 1, twiddles);
    stages(x + ((usize)1 << (log - 1)), log - 1, twiddles);
  }
  for (u32 stage = log > BLOCK_LOG ? log - 1 : 0; stage < log; stage++) {
    u32 half = 1u << stage;
    for (u32 block = 0; block < 1u << log; block += 2 * half) {
      if (half == 1) add_subtract(&x[block], &x[block + 1]);
      for (u32 i = 0; half > 1 && i < half; i++)
        butterfly(&x[block + i], &x[block + half + i], &twiddles[half + i]);
    }
  }
}

static void transform_lanes(wide *to, const wide *from, const transform_plan *plan) {
  first_steps(to, from, plan);
  stages(to, plan->log - 3, plan->twiddles);
}

/* Times first * base^i; a base of 0 is none. */
static void times_powers(wide *x, u32 log, const fr *base, const fr *first) {
  wide factor, step;
  fr eighth;
  powers_in_lanes(&factor, &eighth, base ? base : &fr_one, first);
  spread(&step, &eighth);
  for (u32 i = 0; i < 1u << (log - 3); i++) {
    times(&x[i], &x[i], &factor);
    if (base) times(&factor, &factor, &step);
  }
}

static i32 load_all(wide *x, const u8 *bytes, u32 log) {
  for (usize i = 0; i < (usize)1 << log; i++)
    if (!fr_is_canonical(bytes + 32 * i)) return (i32)i;
  for (usize i = 0; i < (usize)1 << (log - 3); i++) load_lanes(&x[i], bytes + 256 * i, 32);
  return OK;
}
static void store_all(u8 *bytes, const wide *x, u32 log) {
  for (usize i = 0; i < (usize)1 << (log - 3); i++) store_lanes(bytes + 256 * i, &x[i]);
}

i32 fft_ifma(u8 *values, u32 log, const u8 *root, const u8 *shift_in, const u8 *scale_bytes, const u8 *shift_out) {
  if (log < LEAST_LOG || log > MOST_LOG)
    return kernels_adx.fft(values, log, root, shift_in, scale_bytes, shift_out);
  transform_plan *plan = kernel_alloc(sizeof(transform_plan));
  wide *x = kernel_alloc(sizeof(wide) << (log - 3)), *y = kernel_alloc(sizeof(wide) << (log - 3));
  if (!plan || !x || !y || !new_plan(plan, root, log)) return NO_MEMORY;
  i32 status = load_all(x, values, log);
  if (status != OK) return status;
  fr before, after, factor;
  if (shift_in) {
    fr_load(&before, shift_in);
    times_powers(x, log, &before, &fr_one);
  }
  transform_lanes(y, x, plan);
  fr_load(&factor, scale_bytes);
  if (shift_out) fr_load(&after, shift_out);
  times_powers(y, log, shift_out ? &after : 0, &factor);
  store_all(values, y, log);
  return OK;
}

/* Like fft.h's quotient, from the same constants: root, its inverse, generator, its inverse, 1/n, the scale. */
i32 quotient_ifma(u8 *a, const u8 *b, const u8 *c, u32 log, const u8 *constants) {
  if (log < LEAST_LOG || log > MOST_LOG) return kernels_adx.quotient(a, b, c, log, constants);
  usize bytes = sizeof(wide) << (log - 3), count = (usize)1 << (log - 3);
  transform_plan *forward = kernel_alloc(sizeof(transform_plan)), *backward = kernel_alloc(sizeof(transform_plan));
  wide *x = kernel_alloc(bytes), *y = kernel_alloc(bytes), *product = kernel_alloc(bytes);
  if (!forward || !backward || !x || !y || !product || !new_plan(forward, constants, log) ||
      !new_plan(backward, constants + 32, log))
    return NO_MEMORY;
  fr generator, inverse, size_inverse, factor;
  fr_load(&generator, constants + 64);
  fr_load(&inverse, constants + 96);
  fr_load(&size_inverse, constants + 128);
  fr_load(&factor, constants + 160);
  const u8 *sides[2] = {a, b};
  for (int side = 0; side < 2; side++) {
    i32 status = load_all(x, sides[side], log);
    if (status != OK) return status;
    transform_lanes(y, x, backward);
    times_powers(y, log, &generator, &size_inverse);
    transform_lanes(side ? x : product, y, forward);
  }
  for (usize i = 0; i < count; i++) {
    scale(&product[i], &product[i], &one_form); /* both may be 35 r */
    times(&product[i], &product[i], &x[i]);
  }
  transform_lanes(y, product, backward);
  times_powers(y, log, &inverse, &fr_one);
  i32 status = load_all(x, c, log);
  if (status != OK) return status;
  transform_lanes(product, x, backward);
  for (usize i = 0; i < count; i++) {
    scale(&product[i], &product[i], &one_form);
    add_subtract(&y[i], &product[i]);
    y[i] = product[i];
  }
  times_powers(y, log, 0, &factor);
  store_all(a, y, log);
  return OK;
}
