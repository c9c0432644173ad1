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

/* Whether 32 little-endian bytes are below the modulus. */
INLINE int fr_is_canonical(const u8 *bytes) {
  static const u8 modulus[32] = FR_MODULUS_BYTES;
  for (int i = 31; i >= 0; i--)
    if (bytes[i] != modulus[i]) return bytes[i] < modulus[i];
  return 0;
}
#endif
