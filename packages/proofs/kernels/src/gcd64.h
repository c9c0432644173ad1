/*
 * Inverses of 384-bit numbers modulo p by the binary extended gcd, 31 steps at a time on the numbers' highest and
 * lowest bits: a twentieth of what the power p - 2 costs. Its time depends on the number.
 * Source: Pornin, "Optimized binary GCD for modular inversion" (2020).
 */
#ifndef HOLDFAST_GCD64_H
#define HOLDFAST_GCD64_H
#include "constants.h"
#include "mont64.h"

#define GCD_STEPS 31
typedef __int128 i128;

/* x = (x f + y g) / 2^31, which is whole, without its sign; returns -1 if that was negative, else 0. */
INLINE i64 gcd_combine(u64 *out, const u64 *x, const u64 *y, i64 f, i64 g) {
  u64 low = 0;
  i128 acc = 0;
  UNROLL for (int i = 0; i < 6; i++) {
    acc += (i128)x[i] * f + (i128)y[i] * g;
    if (i > 0) out[i - 1] = low >> GCD_STEPS | (u64)acc << (64 - GCD_STEPS);
    low = (u64)acc;
    acc >>= 64;
  }
  out[5] = low >> GCD_STEPS | (u64)acc << (64 - GCD_STEPS);
  i64 negative = (i64)acc >> 63;
  u64 carry = (u64)negative & 1;
  UNROLL for (int i = 0; i < 6; i++) {
    u128 s = (u128)(out[i] ^ (u64)negative) + carry;
    out[i] = (u64)s;
    carry = (u64)(s >> 64);
  }
  return negative;
}

/* out = (x f + y g) / 2^31 modulo p, all below p. */
INLINE void gcd_combine_modular(u64 *out, const u64 *x, const u64 *y, i64 f, i64 g, const u64 *p, u64 inverse) {
  u64 t[6], low = 0;
  u64 factor = ((x[0] * (u64)f + y[0] * (u64)g) * inverse) & ((1ull << GCD_STEPS) - 1);
  i128 acc = 0;
  UNROLL for (int i = 0; i < 6; i++) {
    acc += (i128)x[i] * f + (i128)y[i] * g + (i128)((u128)p[i] * factor);
    if (i > 0) t[i - 1] = low >> GCD_STEPS | (u64)acc << (64 - GCD_STEPS);
    low = (u64)acc;
    acc >>= 64;
  }
  t[5] = low >> GCD_STEPS | (u64)acc << (64 - GCD_STEPS);
  /* within (-p, 2 p) */
  u64 mask = (u64)((i64)acc >> 63), carry = 0;
  UNROLL for (int i = 0; i < 6; i++) {
    u128 s = (u128)t[i] + (p[i] & mask) + carry;
    t[i] = (u64)s;
    carry = (u64)(s >> 64);
  }
  words_settle(out, t, p, 6);
}

/* 1/x modulo p, x below p; 0 for 0. */
NOINLINE void words_inverse6(u64 *out, const u64 *x, const u64 *p, u64 inverse) {
  u64 a[6], b[6], u[6] = {1}, v[6] = {0};
  UNROLL for (int i = 0; i < 6; i++) {
    a[i] = x[i];
    b[i] = p[i];
  }
  for (;;) {
    int top = 5;
    while (top > 0 && (a[top] | b[top]) == 0) top--;
    u64 short_a = a[0], short_b = b[0];
    if ((a[0] | a[1] | a[2] | a[3] | a[4] | a[5]) == 0) break;
    if (top > 0) {
      int shift = __builtin_clzll(a[top] | b[top]);
      u64 high_a = shift == 0 ? a[top] : a[top] << shift | a[top - 1] >> (64 - shift);
      u64 high_b = shift == 0 ? b[top] : b[top] << shift | b[top - 1] >> (64 - shift);
      short_a = (high_a >> GCD_STEPS) << GCD_STEPS | (a[0] & ((1ull << GCD_STEPS) - 1));
      short_b = (high_b >> GCD_STEPS) << GCD_STEPS | (b[0] & ((1ull << GCD_STEPS) - 1));
    }
    i64 f0 = 1, g0 = 0, f1 = 0, g1 = 1;
    for (int step = 0; step < GCD_STEPS; step++) {
      u64 odd = 0 - (short_a & 1);
      u64 swap = odd & (0 - (u64)(short_a < short_b));
      u64 t = (short_a ^ short_b) & swap;
      short_a ^= t;
      short_b ^= t;
      i64 s = (f0 ^ f1) & (i64)swap;
      f0 ^= s;
      f1 ^= s;
      s = (g0 ^ g1) & (i64)swap;
      g0 ^= s;
      g1 ^= s;
      short_a = (short_a - (short_b & odd)) >> 1;
      f0 -= f1 & (i64)odd;
      g0 -= g1 & (i64)odd;
      f1 += f1;
      g1 += g1;
    }
    u64 next_a[6], next_b[6], next_u[6], next_v[6];
    i64 flip = gcd_combine(next_a, a, b, f0, g0);
    f0 = (f0 ^ flip) - flip;
    g0 = (g0 ^ flip) - flip;
    flip = gcd_combine(next_b, a, b, f1, g1);
    f1 = (f1 ^ flip) - flip;
    g1 = (g1 ^ flip) - flip;
    gcd_combine_modular(next_u, u, v, f0, g0, p, inverse);
    gcd_combine_modular(next_v, u, v, f1, g1, p, inverse);
    UNROLL for (int i = 0; i < 6; i++) {
      a[i] = next_a[i];
      b[i] = next_b[i];
      u[i] = next_u[i];
      v[i] = next_v[i];
    }
  }
  UNROLL for (int i = 0; i < 6; i++) out[i] = v[i];
}
#endif
