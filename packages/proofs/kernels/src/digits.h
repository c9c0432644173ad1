/*
 * Scalars as signed digits: window w of width c has a digit in [-2^(c-1), 2^(c-1)], so a table or a row of
 * buckets is half as long.
 */
#ifndef HOLDFAST_DIGITS_H
#define HOLDFAST_DIGITS_H
#include "fr.h"

#define SCALAR_BITS 255

/* One more than the bits fill: the last digit may carry. */
INLINE u32 window_count(u32 width) { return SCALAR_BITS / width + 1; }

INLINE u32 bits_at(const u8 *scalar, u32 bit, u32 width) {
  u32 at = bit >> 3;
  u32 word = 0;
  for (u32 i = 0; i < 4; i++)
    if (at + i < 32) word |= (u32)scalar[at + i] << (8 * i);
  return (word >> (bit & 7)) & ((1u << width) - 1);
}

/* Digits of one scalar, `stride` apart; width at most 16. */
INLINE void digits_of(i32 *out, usize stride, const u8 *scalar, u32 width) {
  u32 windows = window_count(width);
  i32 carry = 0;
  for (u32 w = 0; w < windows; w++) {
    i32 digit = (i32)bits_at(scalar, w * width, width) + carry;
    carry = digit > 1 << (width - 1);
    if (carry) digit -= 1 << width;
    out[w * stride] = digit;
  }
}

INLINE int scalar_is_zero(const u8 *scalar) {
  u8 bits = 0;
  for (int i = 0; i < 32; i++) bits |= scalar[i];
  return bits == 0;
}
#endif
