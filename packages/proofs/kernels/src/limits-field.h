/*
 * What multiplies field elements, at best: the processor's own instructions and whole products, back to back, without
 * a sum of points or a transform around them. A unit is an instruction or a product of two elements.
 */
#ifndef HOLDFAST_LIMITS_FIELD_H
#define HOLDFAST_LIMITS_FIELD_H
#include "fp.h"
#include "fr.h"

/* Products that wait for nothing but the multiplier: four chains in turns. */
#define PRODUCTS(field, units)                                                          \
  field x[4] = {field##_one, field##_r2, field##_one, field##_r2};                      \
  for (u32 i = 0; i < (units); i++) field##_mul(&x[i % 4], &x[i % 4], &field##_r2);     \
  return (u32)(x[0].v[0] ^ x[1].v[0] ^ x[2].v[0] ^ x[3].v[0])

ENTRY u32 EXPORT(limit_fr_multiply)(u32 units) { PRODUCTS(fr, units); }
ENTRY u32 EXPORT(limit_fp_multiply)(u32 units) { PRODUCTS(fp, units); }

#ifdef HOLDFAST_ADX
/* 64-bit multiplications, one after the other or as many as the multiplier takes. */
static u32 limit_mulx_one_stream(u32 units) {
  u64 high = 0;
  for (u32 i = 0; i < units; i++) __asm__ volatile("mulxq %%rdx, %0, %%rdx" : "=&r"(high) : : "rdx");
  return (u32)high;
}
static u32 limit_mulx_many_streams(u32 units) {
  u64 a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
  for (u32 i = 0; i < units; i += 8)
    __asm__ volatile("mulxq %%rdx, %0, %1\n\tmulxq %%rdx, %2, %3\n\tmulxq %%rdx, %4, %5\n\tmulxq %%rdx, %6, %7\n\t"
                     "mulxq %%rdx, %0, %1\n\tmulxq %%rdx, %2, %3\n\tmulxq %%rdx, %4, %5\n\tmulxq %%rdx, %6, %7"
                     : "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(d), "=&r"(e), "=&r"(f), "=&r"(g), "=&r"(h)
                     : "d"((u64)units));
  return (u32)(a ^ b ^ c ^ d ^ e ^ f ^ g ^ h);
}
#endif
#endif
