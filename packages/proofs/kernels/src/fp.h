/*
 * The field of the coordinates, in the form that the target multiplies fastest (fp30.h for WebAssembly, fp64.h
 * for 64-bit processors, fp52.h for those with lanes of 52 bits), and what is the same in all.
 */
#ifndef HOLDFAST_FP_H
#define HOLDFAST_FP_H
#include "kernel.h"
#ifdef FP_LANES
#include "fp52.h"
#elif defined(WORDS64)
#include "fp64.h"
#else
#include "fp30.h"

/* a^(p - 2): the inverse, of 0 it is 0. Windows of 4 bits. */
NOINLINE void fp_inverse(fp *r, const fp *a) {
  static const u8 exponent[48] = FP_MODULUS_MINUS_2_BYTES; /* big-endian */
  fp table[16];
  table[0] = fp_one;
  table[1] = *a;
  for (int i = 2; i < 16; i++) fp_mul(&table[i], &table[i - 1], a);
  fp acc = fp_one;
  for (int i = 0; i < 96; i++) {
    u32 digit = (exponent[i >> 1] >> (i & 1 ? 0 : 4)) & 15;
    if (i > 0)
      for (int k = 0; k < 4; k++) fp_sqr(&acc, &acc);
    if (digit) fp_mul(&acc, &acc, &table[digit]);
  }
  *r = acc;
}
#endif

/* Big-endian bytes below p -> Montgomery form; returns 0 if they are not below p. */
NOINLINE int fp_load(fp *r, const u8 *bytes) {
  static const u8 modulus[48] = FP_MODULUS_BYTES;
  fp_load_raw(r, bytes);
  for (int i = 0; i < 48; i++)
    if (bytes[i] != modulus[i]) return bytes[i] < modulus[i];
  return 0;
}
#endif
