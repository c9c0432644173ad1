/*
 * Fourier transforms of field elements, radix 2, decimation in time: input in bit-reversed order, output in
 * natural order. Sums are left without carries for five stages (limbs grow by 2^28 a stage, up to 6 * 2^28);
 * values grow by 0.6 r a stage, which Montgomery's R has room for up to 2^32 elements.
 */
#ifndef HOLDFAST_FFT_H
#define HOLDFAST_FFT_H
#include "fr.h"

INLINE u32 reversed(u32 index, u32 log) {
  u32 x = (index & 0x55555555) << 1 | (index >> 1 & 0x55555555);
  x = (x & 0x33333333) << 2 | (x >> 2 & 0x33333333);
  x = (x & 0x0f0f0f0f) << 4 | (x >> 4 & 0x0f0f0f0f);
  return log == 0 ? 0 : __builtin_bswap32(x) >> (32 - log);
}

/* root^0 ... root^(n/2 - 1) */
static fr *twiddles_of(const u8 *root_bytes, u32 log) {
  u32 half = log == 0 ? 1 : 1u << (log - 1);
  fr *table = kernel_alloc((usize)half * sizeof(fr));
  if (!table) return 0;
  fr root;
  fr_load(&root, root_bytes);
  table[0] = fr_one;
  for (u32 i = 1; i < half; i++) fr_mul(&table[i], &table[i - 1], &root);
  return table;
}

static void transform(fr *x, u32 log, const fr *twiddles) {
  u32 size = 1u << log;
  for (u32 stage = 0; stage < log; stage++) {
    u32 half = 1u << stage;
    u32 stride = size >> (stage + 1);
    int settle = stage % 5 == 4;
    for (u32 block = 0; block < size; block += 2 * half) {
      for (u32 i = 0; i < half; i++) {
        fr *low = &x[block + i];
        fr *high = low + half;
        fr turned;
        if (stage == 0) turned = *high;
        else fr_mul(&turned, high, &twiddles[(usize)i * stride]);
        fr_sub(high, low, &turned);
        fr_add(low, low, &turned);
        if (settle) {
          fr_balance(low);
          fr_balance(high);
        }
      }
    }
  }
  for (u32 i = 0; i < size; i++) fr_balance(&x[i]);
}

/* Index of the first element that is not canonical, or -1. */
static i32 load_reversed(fr *x, const u8 *bytes, u32 log, const fr *shift) {
  fr scale = fr_r2; /* turns bytes into Montgomery form; times a power of the shift */
  for (u32 i = 0; i < 1u << log; i++) {
    if (!fr_is_canonical(bytes + 32 * (usize)i)) return (i32)i;
    fr raw;
    fr_unpack(&raw, bytes + 32 * (usize)i);
    fr_mul(&x[reversed(i, log)], &raw, &scale);
    if (shift) fr_mul(&scale, &scale, shift);
  }
  return OK;
}

/*
 * Values * shift_in^i -> transform with the root -> times scale * shift_out^i. The host chooses root, shifts and
 * scale, so one function is every transform; a shift of 0 is none.
 */
ENTRY i32 EXPORT(fft)(u8 *values, u32 log, const u8 *root, const u8 *shift_in, const u8 *scale, const u8 *shift_out) {
  usize size = (usize)1 << log;
  fr *twiddles = twiddles_of(root, log);
  fr *x = kernel_alloc(size * sizeof(fr));
  if (!twiddles || !x) return NO_MEMORY;
  fr before, after, factor;
  if (shift_in) fr_load(&before, shift_in);
  i32 status = load_reversed(x, values, log, shift_in ? &before : 0);
  if (status != OK) return status;
  transform(x, log, twiddles);
  fr_unpack(&factor, scale);
  if (shift_out) fr_load(&after, shift_out);
  for (usize i = 0; i < size; i++) {
    fr_store_scaled(values + 32 * i, &x[i], &factor);
    if (shift_out) fr_mul(&factor, &factor, &after);
  }
  return OK;
}

/* Constants of a quotient, 32 bytes each. */
typedef struct {
  u8 root[32], root_inverse[32]; /* of the domain */
  u8 generator[32], generator_inverse[32]; /* of the coset */
  u8 size_inverse[32]; /* 1/n */
  u8 scale[32]; /* 1 / (n (g^n - 1)) */
} quotient_constants;

/* Values on the domain -> values on the coset; x is scratch. */
static i32 extend(fr *out, fr *x, const u8 *values, u32 log, const fr *forward, const fr *backward,
                  const quotient_constants *k) {
  i32 status = load_reversed(x, values, log, 0);
  if (status != OK) return status;
  transform(x, log, backward);
  fr scale, generator;
  fr_load(&scale, k->size_inverse);
  fr_load(&generator, k->generator);
  for (u32 i = 0; i < 1u << log; i++) {
    fr_mul(&out[reversed(i, log)], &x[i], &scale);
    fr_mul(&scale, &scale, &generator);
  }
  transform(out, log, forward);
  return OK;
}

/*
 * (ab - c) / Z: on the coset ab = (g^n - 1) h + c has fewer than n coefficients, so its values there determine
 * it; c needs no second transform. The result replaces a.
 */
ENTRY i32 EXPORT(quotient)(u8 *a, const u8 *b, const u8 *c, u32 log, const u8 *constants) {
  const quotient_constants *k = (const quotient_constants *)constants;
  usize size = (usize)1 << log;
  fr *forward = twiddles_of(k->root, log);
  fr *backward = twiddles_of(k->root_inverse, log);
  fr *x = kernel_alloc(size * sizeof(fr));
  fr *left = kernel_alloc(size * sizeof(fr));
  fr *right = kernel_alloc(size * sizeof(fr));
  if (!forward || !backward || !x || !left || !right) return NO_MEMORY;
  i32 status = extend(left, x, a, log, forward, backward, k);
  if (status == OK) status = extend(right, x, b, log, forward, backward, k);
  if (status != OK) return status;
  for (u32 i = 0; i < size; i++) fr_mul(&x[reversed(i, log)], &left[i], &right[i]);
  transform(x, log, backward);
  status = load_reversed(left, c, log, 0);
  if (status != OK) return status;
  transform(left, log, backward);
  fr scale, shift = fr_one, inverse;
  fr_unpack(&scale, k->scale);
  fr_load(&inverse, k->generator_inverse);
  for (usize i = 0; i < size; i++) {
    fr high;
    fr_mul(&high, &x[i], &shift);
    fr_sub(&high, &high, &left[i]);
    fr_store_scaled(a + 32 * i, &high, &scale);
    fr_mul(&shift, &shift, &inverse);
  }
  return OK;
}
#endif
