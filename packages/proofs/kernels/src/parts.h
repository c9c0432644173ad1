/*
 * Scalars in parts: an endomorphism that multiplies by a power of z turns a multiple of 255 bits into a sum of two
 * multiples of 127 bits (G1, by z^2) or four of 63 bits (G2, by z). Parts have a sign, and signed digits: window w
 * of width c has a digit in (-2^(c-1), 2^(c-1)], so a table or a row of buckets is half as long.
 * Source: Gallant, Lambert and Vanstone, "Faster point multiplication on elliptic curves with efficient
 * endomorphisms" (2001); Galbraith and Scott, "Exponentiation in pairing-friendly groups using homomorphisms" (2008).
 */
#ifndef HOLDFAST_PARTS_H
#define HOLDFAST_PARTS_H
#include "fr.h"

/* -z */
#define CURVE_PARAMETER 0xd201000000010000ull
#define MAX_PARTS 4u
#define MAX_WIDTH_BITS 15u

typedef struct { u64 words[5]; u32 negative; } part; /* the highest word is 0: digits may look beyond */

/* Parts are below 2 to this power; the windows hold one bit more, for the sign. */
INLINE u32 part_bits(u32 parts) { return 254 / parts; }
INLINE u32 window_count(u32 width, u32 parts) { return part_bits(parts) / width + 1; }

/* words / -z; returns the rest. */
#ifdef WORDS64
INLINE u64 divide_by_parameter(u64 *words) {
  u64 rest = 0;
  for (int i = 3; i >= 0; i--) {
    u128 whole = (u128)rest << 64 | words[i];
    if (rest == 0 && words[i] < CURVE_PARAMETER) {
      rest = words[i];
      words[i] = 0;
      continue;
    }
#ifdef __x86_64__
    u64 quotient;
    __asm__("divq %[d]" : "=a"(quotient), "=d"(rest) : [d] "r"(CURVE_PARAMETER), "a"(words[i]), "d"(rest) : "cc");
    (void)whole;
#else
    u64 quotient = (u64)(whole / CURVE_PARAMETER);
    rest = (u64)(whole % CURVE_PARAMETER);
#endif
    words[i] = quotient;
  }
  return rest;
}
INLINE void multiply_by_parameter(u64 *r, u64 x) {
  u128 product = (u128)x * CURVE_PARAMETER;
  r[0] = (u64)product;
  r[1] = (u64)(product >> 64);
}
#else
/* By digits of 32 bits (Knuth, The Art of Computer Programming, 4.3.1, algorithm D). */
INLINE u64 divide_by_parameter(u64 *words) {
  const u64 high = CURVE_PARAMETER >> 32, low = CURVE_PARAMETER & 0xffffffff;
  u64 rest = 0;
  for (int i = 7; i >= 0; i--) {
    u32 shift = i % 2 ? 32 : 0;
    u64 next = words[i / 2] >> shift & 0xffffffff;
    u64 digit = rest / high, left = rest % high;
    while (digit >> 32 || digit * low > (left << 32 | next)) {
      digit--;
      left += high;
      if (left >> 32) break;
    }
    rest = (rest << 32 | next) - digit * CURVE_PARAMETER;
    words[i / 2] = (words[i / 2] & ~(0xffffffffull << shift)) | digit << shift;
  }
  return rest;
}
INLINE void multiply_by_parameter(u64 *r, u64 x) {
  const u64 high = CURVE_PARAMETER >> 32, low = CURVE_PARAMETER & 0xffffffff;
  u64 a = (x & 0xffffffff) * low, b = (x >> 32) * low, c = (x & 0xffffffff) * high, d = (x >> 32) * high;
  u64 middle = (a >> 32) + (b & 0xffffffff) + (c & 0xffffffff);
  r[0] = middle << 32 | (a & 0xffffffff);
  r[1] = d + (b >> 32) + (c >> 32) + (middle >> 32);
}
#endif

/* The scalar or r minus it, whichever is below r/2; returns 1 for the latter. */
INLINE u32 centred(u64 *words, const u8 *scalar) {
  static const u32 modulus[8] = FR_MODULUS_WORDS32;
  u64 opposite[4];
  u64 borrow = 0;
  for (int i = 0; i < 4; i++) {
    u64 m = modulus[2 * i] | (u64)modulus[2 * i + 1] << 32;
    __builtin_memcpy(&words[i], scalar + 8 * i, 8);
    u64 difference = m - words[i];
    opposite[i] = difference - borrow;
    borrow = (m < words[i]) | (difference < borrow);
  }
  u32 larger = 0, decided = 0;
  for (int i = 3; i >= 0 && !decided; i--) {
    decided = words[i] != opposite[i];
    larger = words[i] > opposite[i];
  }
  if (larger)
    for (int i = 0; i < 4; i++) words[i] = opposite[i];
  return larger;
}

/* k = d0 + d1 |z| + d2 |z|^2 + d3 |z|^3 with digits within |z|/2, the last a little more. */
INLINE void parameter_digits(part *out, u64 *words, u32 flip) {
  u64 carry = 0;
  for (u32 i = 0; i < 4; i++) {
    u64 digit = i < 3 ? divide_by_parameter(words) : words[0];
    digit += carry;
    carry = i < 3 && digit > CURVE_PARAMETER / 2;
    out[i] = (part){{carry ? CURVE_PARAMETER - digit : digit}, flip ^ (u32)carry};
  }
}

/* low + high |z| */
INLINE void join_parts(part *out, const part *low, const part *high) {
  u64 product[2];
  multiply_by_parameter(product, high->words[0]);
  u64 x = low->words[0];
  *out = (part){{0}, high->negative};
  if (high->words[0] == 0) *out = *low;
  else if (low->negative == high->negative) {
    out->words[0] = product[0] + x;
    out->words[1] = product[1] + (out->words[0] < x);
  } else {
    out->words[0] = product[0] - x;
    out->words[1] = product[1] - (product[0] < x);
  }
}

/* The scalar as a sum of out[i] times endomorphism^i, which is z^i (four parts) or -z^2 (two). */
NOINLINE void parts_of(part *out, const u8 *scalar, u32 parts) {
  u64 words[4];
  u32 flip = centred(words, scalar);
  if (parts == 1) {
    out[0] = (part){{words[0], words[1], words[2], words[3]}, flip};
    return;
  }
  part digits[MAX_PARTS];
  parameter_digits(digits, words, flip);
  if (parts == 2) {
    join_parts(&out[0], &digits[0], &digits[1]);
    join_parts(&out[1], &digits[2], &digits[3]);
  } else {
    for (u32 i = 0; i < MAX_PARTS; i++) out[i] = digits[i];
  }
  for (u32 i = 1; i < parts; i += 2) out[i].negative ^= 1;
}

/* Digits of a part, `stride` apart. */
INLINE void digits_of(i16 *out, usize stride, const part *from, u32 width, u32 windows) {
  i32 carry = 0;
  for (u32 w = 0, bit = 0; w < windows; w++, bit += width) {
    u64 word = from->words[bit >> 6] >> (bit & 63);
    if ((bit & 63) + width > 64) word |= from->words[(bit >> 6) + 1] << (64 - (bit & 63));
    i32 digit = (i32)(word & ((1u << width) - 1)) + carry;
    carry = digit > 1 << (width - 1);
    if (carry) digit -= 1 << width;
    out[w * stride] = (i16)(from->negative ? -digit : digit);
  }
}

INLINE int scalar_is_zero(const u8 *scalar) {
  u64 words[4];
  __builtin_memcpy(words, scalar, 32);
  return (words[0] | words[1] | words[2] | words[3]) == 0;
}
#endif
