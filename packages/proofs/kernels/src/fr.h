/*
 * The scalar field, in the form that the target multiplies fastest (fr29.h for WebAssembly, fr64.h for 64-bit
 * processors), and what is the same in both.
 */
#ifndef HOLDFAST_FR_H
#define HOLDFAST_FR_H
#include "kernel.h"
#ifdef WORDS64
#include "fr64.h"
#else
#include "fr29.h"
#endif

/* a^(r - 2), in windows of 4 bits; 0 if a is 0, which has no inverse. */
NOINLINE int fr_invert(fr *a) {
  static const u8 exponent[32] = FR_MODULUS_MINUS_2_BYTES; /* big-endian */
  fr table[16], acc = fr_one;
  u8 bytes[32], bits = 0;
  table[0] = fr_one;
  table[1] = *a;
  for (int i = 2; i < 16; i++) fr_mul(&table[i], &table[i - 1], a);
  for (int i = 0; i < 64; i++) {
    u32 digit = (exponent[i >> 1] >> (i & 1 ? 0 : 4)) & 15;
    if (i > 0)
      for (int k = 0; k < 4; k++) fr_sqr(&acc, &acc);
    if (digit) fr_mul(&acc, &acc, &table[digit]);
  }
  *a = acc;
  fr_store(bytes, a);
  for (int i = 0; i < 32; i++) bits |= bytes[i];
  return bits != 0;
}

/* Whether 32 little-endian bytes are below the modulus. */
INLINE int fr_is_canonical(const u8 *bytes) {
  static const u8 modulus[32] = FR_MODULUS_BYTES;
  for (int i = 31; i >= 0; i--)
    if (bytes[i] != modulus[i]) return bytes[i] < modulus[i];
  return 0;
}
#endif
