/*
 * Montgomery arithmetic on whole 64-bit words, for native builds: n words below the modulus, R = 2^(64 n), every
 * result canonical. With BMI2 and ADX (a build of its own, chosen at load) rows of products run in two carry
 * chains; elsewhere the compiler's 128-bit integers do the same. The highest bit of both moduli is free, so a
 * row needs no word beyond the n + 1 that it touches.
 * Source: Koc, Acar, Kaliski, "Analyzing and comparing Montgomery multiplication algorithms" (CIOS); Intel, "New
 * instructions supporting large integer arithmetic" (mulx, adcx, adox).
 */
#ifndef HOLDFAST_MONT64_H
#define HOLDFAST_MONT64_H
#include "kernel.h"

typedef unsigned __int128 u128;

/* r = t if t is below p, else t - p; t below 2 p. */
INLINE void words_settle(u64 *r, const u64 *t, const u64 *p, int n) {
  u64 s[6];
  u64 borrow = 0;
  UNROLL for (int i = 0; i < n; i++) {
    u128 d = (u128)t[i] - p[i] - borrow;
    s[i] = (u64)d;
    borrow = (u64)(d >> 64) & 1;
  }
  u64 keep = 0 - borrow;
  UNROLL for (int i = 0; i < n; i++) r[i] = (t[i] & keep) | (s[i] & ~keep);
}

INLINE void words_add(u64 *r, const u64 *a, const u64 *b, const u64 *p, int n) {
  u64 t[6];
  u64 carry = 0;
  UNROLL for (int i = 0; i < n; i++) {
    u128 s = (u128)a[i] + b[i] + carry;
    t[i] = (u64)s;
    carry = (u64)(s >> 64);
  }
  words_settle(r, t, p, n);
}

/* a - b, and p more if that is negative. */
INLINE void words_sub(u64 *r, const u64 *a, const u64 *b, const u64 *p, int n) {
  u64 t[6];
  u64 borrow = 0;
  UNROLL for (int i = 0; i < n; i++) {
    u128 d = (u128)a[i] - b[i] - borrow;
    t[i] = (u64)d;
    borrow = (u64)(d >> 64) & 1;
  }
  u64 mask = 0 - borrow;
  u64 carry = 0;
  UNROLL for (int i = 0; i < n; i++) {
    u128 s = (u128)t[i] + (p[i] & mask) + carry;
    r[i] = (u64)s;
    carry = (u64)(s >> 64);
  }
}

/* a b / R; a below p, b any n words. */
INLINE void words_mul(u64 *r, const u64 *a, const u64 *b, const u64 *p, u64 inverse, int n) {
  u64 t[6] = {0};
  UNROLL for (int i = 0; i < n; i++) {
    u64 high = 0, carry;
    UNROLL for (int j = 0; j < n; j++) {
      u128 s = (u128)a[j] * b[i] + t[j] + high;
      t[j] = (u64)s;
      high = (u64)(s >> 64);
    }
    u64 m = t[0] * inverse;
    carry = (u64)(((u128)m * p[0] + t[0]) >> 64);
    UNROLL for (int j = 1; j < n; j++) {
      u128 s = (u128)m * p[j] + t[j] + carry;
      t[j - 1] = (u64)s;
      carry = (u64)(s >> 64);
    }
    t[n - 1] = high + carry;
  }
  words_settle(r, t, p, n);
}

/* 2 n words. */
INLINE void words_product(u64 *r, const u64 *a, const u64 *b, int n) {
  UNROLL for (int i = 0; i < 2 * n; i++) r[i] = 0;
  UNROLL for (int i = 0; i < n; i++) {
    u64 high = 0;
    UNROLL for (int j = 0; j < n; j++) {
      u128 s = (u128)a[j] * b[i] + r[i + j] + high;
      r[i + j] = (u64)s;
      high = (u64)(s >> 64);
    }
    r[i + n] = high;
  }
}

/* t / R, t below p R. */
INLINE void words_reduce(u64 *r, const u64 *t, const u64 *p, u64 inverse, int n) {
  u64 x[6], sum[6];
  u64 carry;
  UNROLL for (int i = 0; i < n; i++) x[i] = t[i];
  UNROLL for (int i = 0; i < n; i++) {
    u64 m = x[0] * inverse;
    carry = (u64)(((u128)m * p[0] + x[0]) >> 64);
    UNROLL for (int j = 1; j < n; j++) {
      u128 s = (u128)m * p[j] + x[j] + carry;
      x[j - 1] = (u64)s;
      carry = (u64)(s >> 64);
    }
    x[n - 1] = carry;
  }
  carry = 0;
  UNROLL for (int i = 0; i < n; i++) {
    u128 s = (u128)x[i] + t[n + i] + carry;
    sum[i] = (u64)s;
    carry = (u64)(s >> 64);
  }
  words_settle(r, sum, p, n);
}

#ifdef HOLDFAST_ADX
/* One instruction a line; registers by name, %[q0] ... are the modulus in memory. */
#define ROW_HEAD "xorl %k[lo], %k[lo]\n\t"
#define LOAD_DX(offset) "movq " #offset "(%[b]), %%rdx\n\t"
#define FIRST(at, low, high) "mulxq " #at "(%[a]), %[" #low "], %[" #high "]\n\t"
#define FIRST_NEXT(op, at, to, high) "mulxq " #at "(%[a]), %[lo], %[" #high "]\n\t" #op " %[lo], %[" #to "]\n\t"
/* to += low + carry of one chain; next gets the high word through the other chain */
#define ROW_STEP(at, high, to) "mulxq " #at "(%[a]), %[lo], %[" #high "]\n\tadoxq %[lo], %[" #to "]\n\t"
#define ROW_CARRY(high, to) "adcxq %[" #high "], %[" #to "]\n\t"
#define ROW_TAIL(high) "movq $0, %[lo]\n\tadcxq %[lo], %[" #high "]\n\tadoxq %[lo], %[" #high "]\n\t"
#define REDUCE_HEAD(t0) "movq %[" #t0 "], %%rdx\n\timulq %[inverse], %%rdx\n\txorl %k[lo], %k[lo]\n\t" \
  "mulxq %[q0], %[lo], %[hi]\n\tadcxq %[" #t0 "], %[lo]\n\tmovq %[hi], %[" #t0 "]\n\t"
#define REDUCE_STEP(q, from, to) "adcxq %[" #from "], %[" #to "]\n\tmulxq %[" #q "], %[lo], %[" #from \
  "]\n\tadoxq %[lo], %[" #to "]\n\t"
#define REDUCE_TAIL(last, high) "movq $0, %[lo]\n\tadcxq %[lo], %[" #last "]\n\tadoxq %[" #high "], %[" #last "]\n\t"
#define REDUCE_END(last) "movq $0, %[lo]\n\tadcxq %[lo], %[" #last "]\n\tadoxq %[lo], %[" #last "]\n\t"

#define ROW4_FIRST(t0, t1, t2, t3, h) LOAD_DX(0) FIRST(0, t0, t1) FIRST_NEXT(addq, 8, t1, t2) \
  FIRST_NEXT(adcq, 16, t2, t3) FIRST_NEXT(adcq, 24, t3, h) "adcq $0, %[" #h "]\n\t"
#define ROW4(offset, t0, t1, t2, t3, h) LOAD_DX(offset) ROW_HEAD ROW_STEP(0, h, t0) ROW_CARRY(h, t1) \
  ROW_STEP(8, h, t1) ROW_CARRY(h, t2) ROW_STEP(16, h, t2) ROW_CARRY(h, t3) ROW_STEP(24, h, t3) ROW_TAIL(h)
#define REDUCE4(t0, t1, t2, t3) REDUCE_HEAD(t0) REDUCE_STEP(q1, t1, t0) REDUCE_STEP(q2, t2, t1) \
  REDUCE_STEP(q3, t3, t2)
#define ROW6_FIRST(t0, t1, t2, t3, t4, t5, h) LOAD_DX(0) FIRST(0, t0, t1) FIRST_NEXT(addq, 8, t1, t2) \
  FIRST_NEXT(adcq, 16, t2, t3) FIRST_NEXT(adcq, 24, t3, t4) FIRST_NEXT(adcq, 32, t4, t5) \
  FIRST_NEXT(adcq, 40, t5, h) "adcq $0, %[" #h "]\n\t"
#define ROW6(offset, t0, t1, t2, t3, t4, t5, h) LOAD_DX(offset) ROW_HEAD ROW_STEP(0, h, t0) ROW_CARRY(h, t1) \
  ROW_STEP(8, h, t1) ROW_CARRY(h, t2) ROW_STEP(16, h, t2) ROW_CARRY(h, t3) ROW_STEP(24, h, t3) \
  ROW_CARRY(h, t4) ROW_STEP(32, h, t4) ROW_CARRY(h, t5) ROW_STEP(40, h, t5) ROW_TAIL(h)
#define REDUCE6(t0, t1, t2, t3, t4, t5) REDUCE_HEAD(t0) REDUCE_STEP(q1, t1, t0) REDUCE_STEP(q2, t2, t1) \
  REDUCE_STEP(q3, t3, t2) REDUCE_STEP(q4, t4, t3) REDUCE_STEP(q5, t5, t4)

#define MOVE(from, to) "movq %[" #from "], " to "\n\t"
#define TAKE_OFF(op, q, reg) #op " %[" #q "], " reg "\n\t"
#define KEEP(from, reg) "cmovcq %[" #from "], " reg "\n\t"
#define STORE(reg, at) "movq " reg ", " #at "(%[r])\n\t"
/* t - q where that is not negative, to r; lo, hi, rdx, a and b are scratch by then. */
#define SETTLE4 MOVE(t0, "%[lo]") TAKE_OFF(subq, q0, "%[lo]") MOVE(t1, "%[hi]") TAKE_OFF(sbbq, q1, "%[hi]") \
  MOVE(t2, "%%rdx") TAKE_OFF(sbbq, q2, "%%rdx") MOVE(t3, "%[a]") TAKE_OFF(sbbq, q3, "%[a]") \
  KEEP(t0, "%[lo]") KEEP(t1, "%[hi]") KEEP(t2, "%%rdx") KEEP(t3, "%[a]") \
  STORE("%[lo]", 0) STORE("%[hi]", 8) STORE("%%rdx", 16) STORE("%[a]", 24)
#define SETTLE6 MOVE(t0, "%[lo]") TAKE_OFF(subq, q0, "%[lo]") MOVE(t1, "%[hi]") TAKE_OFF(sbbq, q1, "%[hi]") \
  MOVE(t2, "%%rdx") TAKE_OFF(sbbq, q2, "%%rdx") MOVE(t3, "%[a]") TAKE_OFF(sbbq, q3, "%[a]") \
  MOVE(t4, "%[b]") TAKE_OFF(sbbq, q4, "%[b]") MOVE(t5, "%[h]") TAKE_OFF(sbbq, q5, "%[h]") \
  KEEP(t0, "%[lo]") KEEP(t1, "%[hi]") KEEP(t2, "%%rdx") KEEP(t3, "%[a]") KEEP(t4, "%[b]") KEEP(t5, "%[h]") \
  STORE("%[lo]", 0) STORE("%[hi]", 8) STORE("%%rdx", 16) STORE("%[a]", 24) STORE("%[b]", 32) STORE("%[h]", 40)

#define REGISTERS4 u64 t0, t1, t2, t3, h, lo, hi
#define REGISTERS6 REGISTERS4, t4, t5
#define OUTPUTS4 [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [h] "=&r"(h), [lo] "=&r"(lo), \
  [hi] "=&r"(hi), [a] "+&r"(a), [b] "+&r"(b)
#define OUTPUTS6 OUTPUTS4, [t4] "=&r"(t4), [t5] "=&r"(t5)
#define MODULUS4(p) [q0] "m"((p)[0]), [q1] "m"((p)[1]), [q2] "m"((p)[2]), [q3] "m"((p)[3])
#define MODULUS6(p) MODULUS4(p), [q4] "m"((p)[4]), [q5] "m"((p)[5])

/* Functions of one modulus: static, so that its words are constants in memory. */
#define ADX_FIELD4(name, p, inverse_word)                                                              \
  NOINLINE void name##_mul_words(u64 *r, const u64 *a, const u64 *b) {                                 \
    REGISTERS4;                                                                                        \
    __asm__ volatile(ROW4_FIRST(t0, t1, t2, t3, h) REDUCE4(t0, t1, t2, t3) REDUCE_TAIL(t3, h)                   \
            ROW4(8, t0, t1, t2, t3, h) REDUCE4(t0, t1, t2, t3) REDUCE_TAIL(t3, h)                      \
            ROW4(16, t0, t1, t2, t3, h) REDUCE4(t0, t1, t2, t3) REDUCE_TAIL(t3, h)                     \
            ROW4(24, t0, t1, t2, t3, h) REDUCE4(t0, t1, t2, t3) REDUCE_TAIL(t3, h) SETTLE4             \
            : OUTPUTS4 : [r] "r"(r), [inverse] "m"(inverse_word), MODULUS4(p) : "rdx", "cc", "memory");  \
  }                                                                                                    \
  NOINLINE void name##_product_words(u64 *r, const u64 *a, const u64 *b) {                             \
    REGISTERS4;                                                                                        \
    __asm__ volatile(ROW4_FIRST(t0, t1, t2, t3, h) STORE("%[t0]", 0) ROW4(8, t1, t2, t3, h, t0)                 \
            STORE("%[t1]", 8) ROW4(16, t2, t3, h, t0, t1) STORE("%[t2]", 16)                           \
            ROW4(24, t3, h, t0, t1, t2) STORE("%[t3]", 24) STORE("%[h]", 32) STORE("%[t0]", 40)        \
            STORE("%[t1]", 48) STORE("%[t2]", 56)                                                      \
            : OUTPUTS4 : [r] "r"(r) : "rdx", "cc", "memory");                                          \
  }                                                                                                    \
  NOINLINE void name##_reduce_words(u64 *r, const u64 *t) {                                            \
    REGISTERS4;                                                                                        \
    const u64 *a = t, *b = t;                                                                          \
    __asm__ volatile("movq 0(%[a]), %[t0]\n\tmovq 8(%[a]), %[t1]\n\tmovq 16(%[a]), %[t2]\n\t"                   \
            "movq 24(%[a]), %[t3]\n\t"                                                                 \
            REDUCE4(t0, t1, t2, t3) REDUCE_END(t3) REDUCE4(t0, t1, t2, t3) REDUCE_END(t3)              \
            REDUCE4(t0, t1, t2, t3) REDUCE_END(t3) REDUCE4(t0, t1, t2, t3) REDUCE_END(t3)              \
            "addq 32(%[a]), %[t0]\n\tadcq 40(%[a]), %[t1]\n\tadcq 48(%[a]), %[t2]\n\t"                 \
            "adcq 56(%[a]), %[t3]\n\t" SETTLE4                                                         \
            : OUTPUTS4 : [r] "r"(r), [inverse] "m"(inverse_word), MODULUS4(p) : "rdx", "cc", "memory");  \
  }

#define ADX_FIELD6(name, p, inverse_word)                                                              \
  NOINLINE void name##_mul_words(u64 *r, const u64 *a, const u64 *b) {                                 \
    REGISTERS6;                                                                                        \
    __asm__ volatile(ROW6_FIRST(t0, t1, t2, t3, t4, t5, h) REDUCE6(t0, t1, t2, t3, t4, t5) REDUCE_TAIL(t5, h)   \
            ROW6(8, t0, t1, t2, t3, t4, t5, h) REDUCE6(t0, t1, t2, t3, t4, t5) REDUCE_TAIL(t5, h)      \
            ROW6(16, t0, t1, t2, t3, t4, t5, h) REDUCE6(t0, t1, t2, t3, t4, t5) REDUCE_TAIL(t5, h)     \
            ROW6(24, t0, t1, t2, t3, t4, t5, h) REDUCE6(t0, t1, t2, t3, t4, t5) REDUCE_TAIL(t5, h)     \
            ROW6(32, t0, t1, t2, t3, t4, t5, h) REDUCE6(t0, t1, t2, t3, t4, t5) REDUCE_TAIL(t5, h)     \
            ROW6(40, t0, t1, t2, t3, t4, t5, h) REDUCE6(t0, t1, t2, t3, t4, t5) REDUCE_TAIL(t5, h)     \
            SETTLE6                                                                                    \
            : OUTPUTS6 : [r] "r"(r), [inverse] "m"(inverse_word), MODULUS6(p) : "rdx", "cc", "memory");  \
  }                                                                                                    \
  NOINLINE void name##_product_words(u64 *r, const u64 *a, const u64 *b) {                             \
    REGISTERS6;                                                                                        \
    __asm__ volatile(ROW6_FIRST(t0, t1, t2, t3, t4, t5, h) STORE("%[t0]", 0)                                    \
            ROW6(8, t1, t2, t3, t4, t5, h, t0) STORE("%[t1]", 8)                                       \
            ROW6(16, t2, t3, t4, t5, h, t0, t1) STORE("%[t2]", 16)                                     \
            ROW6(24, t3, t4, t5, h, t0, t1, t2) STORE("%[t3]", 24)                                     \
            ROW6(32, t4, t5, h, t0, t1, t2, t3) STORE("%[t4]", 32)                                     \
            ROW6(40, t5, h, t0, t1, t2, t3, t4) STORE("%[t5]", 40) STORE("%[h]", 48)                   \
            STORE("%[t0]", 56) STORE("%[t1]", 64) STORE("%[t2]", 72) STORE("%[t3]", 80)                \
            STORE("%[t4]", 88)                                                                         \
            : OUTPUTS6 : [r] "r"(r) : "rdx", "cc", "memory");                                          \
  }                                                                                                    \
  NOINLINE void name##_reduce_words(u64 *r, const u64 *t) {                                            \
    REGISTERS6;                                                                                        \
    const u64 *a = t, *b = t;                                                                          \
    __asm__ volatile("movq 0(%[a]), %[t0]\n\tmovq 8(%[a]), %[t1]\n\tmovq 16(%[a]), %[t2]\n\t"                   \
            "movq 24(%[a]), %[t3]\n\tmovq 32(%[a]), %[t4]\n\tmovq 40(%[a]), %[t5]\n\t"                 \
            REDUCE6(t0, t1, t2, t3, t4, t5) REDUCE_END(t5) REDUCE6(t0, t1, t2, t3, t4, t5)             \
            REDUCE_END(t5) REDUCE6(t0, t1, t2, t3, t4, t5) REDUCE_END(t5)                              \
            REDUCE6(t0, t1, t2, t3, t4, t5) REDUCE_END(t5) REDUCE6(t0, t1, t2, t3, t4, t5)             \
            REDUCE_END(t5) REDUCE6(t0, t1, t2, t3, t4, t5) REDUCE_END(t5)                              \
            "addq 48(%[a]), %[t0]\n\tadcq 56(%[a]), %[t1]\n\tadcq 64(%[a]), %[t2]\n\t"                 \
            "adcq 72(%[a]), %[t3]\n\tadcq 80(%[a]), %[t4]\n\tadcq 88(%[a]), %[t5]\n\t" SETTLE6         \
            : OUTPUTS6 : [r] "r"(r), [inverse] "m"(inverse_word), MODULUS6(p) : "rdx", "cc", "memory");  \
  }
#define SUM4_HEAD "movq 0(%[a]), %[t0]\n\tmovq 8(%[a]), %[t1]\n\tmovq 16(%[a]), %[t2]\n\tmovq 24(%[a]), %[t3]\n\t"
#define ADX_SUMS4(name, p)                                                                             \
  INLINE void name##_add_words(u64 *r, const u64 *a, const u64 *b) {                                   \
    REGISTERS4;                                                                                        \
    __asm__ volatile(SUM4_HEAD "addq 0(%[b]), %[t0]\n\tadcq 8(%[b]), %[t1]\n\tadcq 16(%[b]), %[t2]\n\t"  \
            "adcq 24(%[b]), %[t3]\n\t" SETTLE4                                                         \
            : OUTPUTS4 : [r] "r"(r), MODULUS4(p) : "rdx", "cc", "memory");                             \
  }                                                                                                    \
  INLINE void name##_sub_words(u64 *r, const u64 *a, const u64 *b) {                                   \
    REGISTERS4;                                                                                        \
    __asm__ volatile(SUM4_HEAD "subq 0(%[b]), %[t0]\n\tsbbq 8(%[b]), %[t1]\n\tsbbq 16(%[b]), %[t2]\n\t"  \
            "sbbq 24(%[b]), %[t3]\n\tsbbq %%rdx, %%rdx\n\t"                                            \
            "movq %[q0], %[lo]\n\tmovq %[q1], %[hi]\n\tmovq %[q2], %[h]\n\tandq %%rdx, %[lo]\n\t"        \
            "andq %%rdx, %[hi]\n\tandq %%rdx, %[h]\n\tandq %[q3], %%rdx\n\taddq %[lo], %[t0]\n\t"        \
            "adcq %[hi], %[t1]\n\tadcq %[h], %[t2]\n\tadcq %%rdx, %[t3]\n\t"                            \
            STORE("%[t0]", 0) STORE("%[t1]", 8) STORE("%[t2]", 16) STORE("%[t3]", 24)                  \
            : OUTPUTS4 : [r] "r"(r), MODULUS4(p) : "rdx", "cc", "memory");                             \
  }                                                                                                    \
  INLINE void name##_settle_words(u64 *r) {                                                            \
    REGISTERS4;                                                                                        \
    const u64 *a = r, *b = r;                                                                          \
    __asm__ volatile(SUM4_HEAD SETTLE4                                                                 \
            : OUTPUTS4 : [r] "r"(r), MODULUS4(p) : "rdx", "cc", "memory");                             \
  }
#define SUM_STEP(op, at) "movq " #at "(%[b]), %[lo]\n\t" #op " %[lo], " #at "(%[r])\n\t"
INLINE void words_accumulate8(u64 *sum, const u64 *product) {
  u64 lo;
  __asm__ volatile(SUM_STEP(addq, 0) SUM_STEP(adcq, 8) SUM_STEP(adcq, 16) SUM_STEP(adcq, 24) SUM_STEP(adcq, 32)
                       SUM_STEP(adcq, 40) SUM_STEP(adcq, 48) SUM_STEP(adcq, 56)
                   : [lo] "=&r"(lo)
                   : [r] "r"(sum), [b] "r"(product)
                   : "cc", "memory");
}
#define WORDS_FIELD4(name, p, inverse_word) ADX_FIELD4(name, p, inverse_word) ADX_SUMS4(name, p)
#define WORDS_FIELD6 ADX_FIELD6
#else
#define C_FIELD(name, p, inverse_word, n)                                                              \
  NOINLINE void name##_mul_words(u64 *r, const u64 *a, const u64 *b) { words_mul(r, a, b, p, inverse_word, n); } \
  NOINLINE void name##_product_words(u64 *r, const u64 *a, const u64 *b) { words_product(r, a, b, n); } \
  NOINLINE void name##_reduce_words(u64 *r, const u64 *t) { words_reduce(r, t, p, inverse_word, n); }
#define C_SUMS(name, p, n)                                                                              \
  INLINE void name##_add_words(u64 *r, const u64 *a, const u64 *b) { words_add(r, a, b, p, n); }       \
  INLINE void name##_sub_words(u64 *r, const u64 *a, const u64 *b) { words_sub(r, a, b, p, n); }       \
  INLINE void name##_settle_words(u64 *r) { words_settle(r, r, p, n); }
INLINE void words_accumulate8(u64 *sum, const u64 *product) {
  u64 carry = 0;
  UNROLL for (int k = 0; k < 8; k++) {
    u128 s = (u128)sum[k] + product[k] + carry;
    sum[k] = (u64)s;
    carry = (u64)(s >> 64);
  }
}
#define WORDS_FIELD4(name, p, inverse_word) C_FIELD(name, p, inverse_word, 4) C_SUMS(name, p, 4)
#define WORDS_FIELD6(name, p, inverse_word) C_FIELD(name, p, inverse_word, 6)
#endif
#endif
