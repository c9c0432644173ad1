/*
 * Sums of points in both groups with eight additions side by side, for processors with AVX-512 and IFMA (fp52.h).
 */
#define FP_LANES
#include "table.h"
#include "groups.h"

const group_table g1_ifma = {g1_msm, g1_fixed_base, g1_scale, g1_lagrange, g1_first_bad};
const group_table g2_ifma = {g2_msm, g2_fixed_base, g2_scale, g2_lagrange, g2_first_bad};

/* Multiplications of eight lanes, as many as the multiplier takes; a unit is one instruction. */
u32 limit_madd52_ifma(u32 units) {
  __m512i t[16], x = lanes_of(units);
  UNROLL for (int k = 0; k < 16; k++) t[k] = lanes_of((u64)k);
  for (u32 i = 0; i < units; i += 16)
    UNROLL for (int k = 0; k < 16; k++) __asm__ volatile("vpmadd52luq %1, %1, %0" : "+v"(t[k]) : "v"(x));
  UNROLL for (int k = 1; k < 16; k++) t[0] = _mm512_xor_si512(t[0], t[k]);
  return (u32)_mm512_reduce_add_epi64(t[0]);
}

/* Products of Fp, eight side by side. */
u32 limit_fp_multiply_lanes_ifma(u32 units) {
  fp_lanes x[2], factor;
  fp_lanes_all(&x[0], &fp_one);
  fp_lanes_all(&x[1], &fp_r2);
  fp_lanes_all(&factor, &fp_r2);
  for (u32 i = 0; i < units; i += 8) fp_lanes_mul(&x[i / 8 % 2], &x[i / 8 % 2], &factor);
  return (u32)_mm512_reduce_add_epi64(_mm512_xor_si512(x[0].v[0], x[1].v[0]));
}
