/*
 * The scalar field for native builds: 4 words of 64 bits, Montgomery with R = 2^256. Elements are canonical at
 * any time, so what the signed form of fr29.h puts off (carries) is nothing here.
 */
#ifndef HOLDFAST_FR64_H
#define HOLDFAST_FR64_H
#include "constants.h"
#include "mont64.h"

typedef struct { u64 v[4]; } fr;

static const u64 fr_modulus[4] = FR_MODULUS_WORDS;
static const u64 fr_inverse_word = FR_INVERSE_WORD;
WORDS_FIELD4(fr, fr_modulus, fr_inverse_word)

/* a canonical, b any 256 bits. */
INLINE void fr_mul(fr *r, const fr *a, const fr *b) { fr_mul_words(r->v, a->v, b->v); }
INLINE void fr_sqr(fr *r, const fr *a) { fr_mul_words(r->v, a->v, a->v); }
INLINE void fr_add(fr *r, const fr *a, const fr *b) { fr_add_words(r->v, a->v, b->v); }
INLINE void fr_sub(fr *r, const fr *a, const fr *b) { fr_sub_words(r->v, a->v, b->v); }
INLINE void fr_balance(fr *r) { (void)r; }
/* a - b, small enough to go on with. */
INLINE void fr_rest(fr *r, const fr *a, const fr *b) { fr_sub(r, a, b); }

/* -a if `negative` is 1, a if it is 0. a is not 0. */
INLINE void fr_negate_where(fr *r, const fr *a, u32 negative) {
  u64 keep = (u64)negative - 1, borrow = 0;
  UNROLL for (int i = 0; i < 4; i++) {
    u128 d = (u128)fr_modulus[i] - a->v[i] - borrow;
    borrow = (u64)(d >> 64) & 1;
    r->v[i] = (a->v[i] & keep) | ((u64)d & ~keep);
  }
}

/* a * b + c */
INLINE void fr_mul_add(fr *r, const fr *a, const fr *b, const fr *c) {
  fr product;
  fr_mul(&product, a, b);
  fr_add(r, &product, c);
}

/*
 * Sum of products. A product is below r 2^256 times 0.46, so with the upper half of the sum below r, two more
 * stay below 2^512; then r is taken off the upper half where it fits.
 */
NOINLINE void fr_dot(fr *r, const fr *a, const fr *b, u32 count) {
  u64 sum[8] = {0};
  for (u32 i = 0; i < count; i++) {
    u64 product[8];
    fr_product_words(product, a[i].v, b[i].v);
    words_accumulate8(sum, product);
    if (i % 2 == 1) fr_settle_words(sum + 4);
  }
  fr_settle_words(sum + 4);
  fr_reduce_words(r->v, sum);
}

INLINE void fr_unpack(fr *r, const u8 *bytes) { __builtin_memcpy(r->v, bytes, 32); }

static const fr fr_r2 = {FR_R2};
static const fr fr_one = {FR_ONE};
static const fr fr_unit = {{1}};

INLINE void fr_load(fr *r, const u8 *bytes) {
  fr raw;
  fr_unpack(&raw, bytes);
  fr_mul(r, &fr_r2, &raw);
}

/* 32 canonical little-endian bytes of x * y / R; with y = 1 that leaves Montgomery form. */
INLINE void fr_store_scaled(u8 *bytes, const fr *x, const fr *y) {
  fr raw;
  fr_mul(&raw, x, y);
  __builtin_memcpy(bytes, raw.v, 32);
}
INLINE void fr_store(u8 *bytes, const fr *x) { fr_store_scaled(bytes, x, &fr_unit); }
#endif
