/*
 * The field of the coordinates for native builds: 6 words of 64 bits, Montgomery with R = 2^384. Elements are
 * canonical at any time: "lazy" sums are reduced at once, and normalising is nothing.
 */
#ifndef HOLDFAST_FP64_H
#define HOLDFAST_FP64_H
#include "constants.h"
#include "gcd64.h"
#include "mont64.h"

typedef struct { u64 v[6]; } fp;

static const u64 fp_modulus[6] = FP_MODULUS_WORDS;
static const u64 fp_inverse_word = FP_INVERSE_WORD;
WORDS_FIELD6(fp, fp_modulus, fp_inverse_word)

/* a canonical, b any 384 bits. */
INLINE void fp_mul(fp *r, const fp *a, const fp *b) { fp_mul_words(r->v, a->v, b->v); }
INLINE void fp_sqr(fp *r, const fp *a) { fp_mul_words(r->v, a->v, a->v); }
#ifdef HOLDFAST_ADX
NOINLINE void fp_add_lazy(fp *r, const fp *a, const fp *b) {
  REGISTERS4;
  u64 t4, t5;
  const fp *from = b;
  __asm__ volatile("movq 0(%[a]), %[t0]\n\tmovq 8(%[a]), %[t1]\n\tmovq 16(%[a]), %[t2]\n\tmovq 24(%[a]), %[t3]\n\t"
          "movq 32(%[a]), %[t4]\n\tmovq 40(%[a]), %[t5]\n\t"
          "addq 0(%[b]), %[t0]\n\tadcq 8(%[b]), %[t1]\n\tadcq 16(%[b]), %[t2]\n\tadcq 24(%[b]), %[t3]\n\t"
          "adcq 32(%[b]), %[t4]\n\tadcq 40(%[b]), %[t5]\n\t" SETTLE6
          : [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [t4] "=&r"(t4), [t5] "=&r"(t5),
            [h] "=&r"(h), [lo] "=&r"(lo), [hi] "=&r"(hi), [a] "+&r"(a), [b] "+&r"(from)
          : [r] "r"(r), MODULUS6(fp_modulus)
          : "rdx", "cc", "memory");
}
NOINLINE void fp_sub_lazy(fp *r, const fp *a, const fp *b) {
  REGISTERS4;
  u64 t4, t5;
  const fp *from = b;
  __asm__ volatile("movq 0(%[a]), %[t0]\n\tmovq 8(%[a]), %[t1]\n\tmovq 16(%[a]), %[t2]\n\tmovq 24(%[a]), %[t3]\n\t"
          "movq 32(%[a]), %[t4]\n\tmovq 40(%[a]), %[t5]\n\t"
          "subq 0(%[b]), %[t0]\n\tsbbq 8(%[b]), %[t1]\n\tsbbq 16(%[b]), %[t2]\n\tsbbq 24(%[b]), %[t3]\n\t"
          "sbbq 32(%[b]), %[t4]\n\tsbbq 40(%[b]), %[t5]\n\tsbbq %%rdx, %%rdx\n\t"
          "movq %[q0], %[lo]\n\tmovq %[q1], %[hi]\n\tmovq %[q2], %[a]\n\tmovq %[q3], %[b]\n\tmovq %[q4], %[h]\n\t"
          "andq %%rdx, %[lo]\n\tandq %%rdx, %[hi]\n\tandq %%rdx, %[a]\n\tandq %%rdx, %[b]\n\tandq %%rdx, %[h]\n\t"
          "andq %[q5], %%rdx\n\t"
          "addq %[lo], %[t0]\n\tadcq %[hi], %[t1]\n\tadcq %[a], %[t2]\n\tadcq %[b], %[t3]\n\t"
          "adcq %[h], %[t4]\n\tadcq %%rdx, %[t5]\n\t"
          STORE("%[t0]", 0) STORE("%[t1]", 8) STORE("%[t2]", 16) STORE("%[t3]", 24) STORE("%[t4]", 32)
          STORE("%[t5]", 40)
          : [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [t4] "=&r"(t4), [t5] "=&r"(t5),
            [h] "=&r"(h), [lo] "=&r"(lo), [hi] "=&r"(hi), [a] "+&r"(a), [b] "+&r"(from)
          : [r] "r"(r), MODULUS6(fp_modulus)
          : "rdx", "cc", "memory");
}
#else
INLINE void fp_add_lazy(fp *r, const fp *a, const fp *b) { words_add(r->v, a->v, b->v, fp_modulus, 6); }
INLINE void fp_sub_lazy(fp *r, const fp *a, const fp *b) { words_sub(r->v, a->v, b->v, fp_modulus, 6); }
#endif
INLINE void fp_normalise(fp *r) { (void)r; }
INLINE void fp_balance(fp *r) { (void)r; }
INLINE void fp_neg(fp *r, const fp *a) {
  static const fp zero = {{0}};
  fp_sub_lazy(r, &zero, a);
}
INLINE int fp_all_zero(const fp *a) {
  u64 bits = 0;
  UNROLL for (int i = 0; i < 6; i++) bits |= a->v[i];
  return bits == 0;
}
INLINE int fp_is_zero(const fp *a) { return fp_all_zero(a); }

static const fp fp_r2 = {FP_R2};
static const fp fp_one = {FP_ONE};

/* Words of 48 big-endian bytes. */
INLINE void fp_unpack(fp *r, const u8 *bytes) {
  UNROLL for (int i = 0; i < 6; i++) {
    u64 word;
    __builtin_memcpy(&word, bytes + 40 - 8 * i, 8);
    r->v[i] = __builtin_bswap64(word);
  }
}

INLINE void fp_load_raw(fp *r, const u8 *bytes) {
  fp raw;
  fp_unpack(&raw, bytes);
  fp_mul(r, &fp_r2, &raw);
}

/* 48 canonical big-endian bytes. */
NOINLINE void fp_store(u8 *bytes, const fp *a) {
  static const fp unit = {{1}};
  fp raw;
  fp_mul(&raw, a, &unit);
  UNROLL for (int i = 0; i < 6; i++) {
    u64 word = __builtin_bswap64(raw.v[i]);
    __builtin_memcpy(bytes + 40 - 8 * i, &word, 8);
  }
}

/* The inverse, of 0 it is 0. */
NOINLINE void fp_inverse(fp *r, const fp *a) {
  static const fp factor = {FP_INVERSION};
  fp inverse;
  words_inverse6(inverse.v, a->v, fp_modulus, fp_inverse_word);
  fp_mul(r, &inverse, &factor);
}

typedef struct { fp c0, c1; } fp2;

/*
 * Three products and two reductions. a0 b0 - a1 b1 is made positive by p R; (a0 + a1)(b0 + b1) - a0 b0 - a1 b1
 * is a0 b1 + a1 b0, below 2 p^2 and so below p R.
 */
NOINLINE void fp2_mul(fp2 *r, const fp2 *a, const fp2 *b) {
  u64 low[12], high[12], mixed[12], left[6], right[6];
  u64 carry_left = 0, carry_right = 0;
  UNROLL for (int i = 0; i < 6; i++) {
    u128 s = (u128)a->c0.v[i] + a->c1.v[i] + carry_left;
    u128 t = (u128)b->c0.v[i] + b->c1.v[i] + carry_right;
    left[i] = (u64)s;
    right[i] = (u64)t;
    carry_left = (u64)(s >> 64);
    carry_right = (u64)(t >> 64);
  }
  fp_product_words(low, a->c0.v, b->c0.v);
  fp_product_words(high, a->c1.v, b->c1.v);
  fp_product_words(mixed, left, right);
  u64 borrow = 0, borrow_low = 0, borrow_high = 0;
  UNROLL for (int i = 0; i < 12; i++) {
    u128 d = (u128)mixed[i] - low[i] - borrow_low;
    borrow_low = (u64)(d >> 64) & 1;
    u128 e = (u128)(u64)d - high[i] - borrow_high;
    borrow_high = (u64)(e >> 64) & 1;
    mixed[i] = (u64)e;
    u128 f = (u128)low[i] - high[i] - borrow;
    borrow = (u64)(f >> 64) & 1;
    low[i] = (u64)f;
  }
  u64 mask = 0 - borrow, carry = 0;
  UNROLL for (int i = 0; i < 6; i++) {
    u128 s = (u128)low[6 + i] + (fp_modulus[i] & mask) + carry;
    low[6 + i] = (u64)s;
    carry = (u64)(s >> 64);
  }
  fp_reduce_words(r->c0.v, low);
  fp_reduce_words(r->c1.v, mixed);
}

NOINLINE void fp2_sqr(fp2 *r, const fp2 *a) {
  fp sum, difference, twice;
  fp_add_lazy(&sum, &a->c0, &a->c1);
  fp_sub_lazy(&difference, &a->c0, &a->c1);
  fp_add_lazy(&twice, &a->c0, &a->c0);
  fp_mul(&r->c1, &twice, &a->c1);
  fp_mul(&r->c0, &difference, &sum);
}
#endif
