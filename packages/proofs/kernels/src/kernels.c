/*
 * The kernels of Holdfast's proofs as one translation unit: layers of replicas, Poseidon and Pedersen, Fourier transforms, sums
 * of points in both groups of BLS12-381. Freestanding; everything a host needs to know is in the exported functions' comments.
 */
#include "memory.h"

#include "fr.h"
#include "poseidon.h"
#include "pedersen.h"
#include "fft.h"
#include "sha256.h"
#include "zigzag-blake2s.h"
#include "zigzag-poseidon.h"
#include "idle-plain.h"
#include "limits.h"
#include "digits.h"
#include "fp2.h"


#define GROUP(name) g1_##name
#define EXPORT_GROUP(name) EXPORT(g1_##name)
#define FIELD(name) fp_##name
#define ELEMENT fp
#define POINT_BYTES 96
#define FIRST_LIMB v[0]
#define FIELD_SUBTRACT(r, a, b) fp_sub_lazy(r, a, b)
#define FIELD_SETTLE(r) ((void)(r))
#define PARAMETER_POWER 2
#define CURVE_B fp_four
static const fp fp_four = {FP_FOUR};
static const fp fp_beta = {FP_BETA};
INLINE void g1_endomorphism(fp *x, fp *y) {
  (void)y;
  fp_mul(x, x, &fp_beta);
}
#include "group.h"
#undef GROUP
#undef EXPORT_GROUP
#undef FIELD
#undef ELEMENT
#undef POINT_BYTES
#undef FIRST_LIMB
#undef FIELD_SUBTRACT
#undef FIELD_SETTLE
#undef PARAMETER_POWER
#undef CURVE_B

#define GROUP(name) g2_##name
#define EXPORT_GROUP(name) EXPORT(g2_##name)
#define FIELD(name) fp2_##name
#define ELEMENT fp2
#define POINT_BYTES 192
#define FIRST_LIMB c0.v[0]
#define FIELD_SUBTRACT(r, a, b) (fp2_sub_lazy(r, a, b), fp2_balance(r))
#define FIELD_SETTLE(r) fp2_balance(r)
#define PARAMETER_POWER 1
#define CURVE_B fp2_four
static const fp2 fp2_four = {{FP_FOUR}, {FP_FOUR}};
static const fp2 psi_x = {{FP_PSI_X0}, {FP_PSI_X1}};
static const fp2 psi_y = {{FP_PSI_Y0}, {FP_PSI_Y1}};
INLINE void g2_endomorphism(fp2 *x, fp2 *y) {
  fp_neg(&x->c1, &x->c1);
  fp_neg(&y->c1, &y->c1);
  fp2_mul(x, x, &psi_x);
  fp2_mul(y, y, &psi_y);
}
#include "group.h"

#ifndef __wasm__
#include "table.h"
const kernel_table KERNEL_TABLE = {
    fr_load_run,
    poseidon_row,
    fft,
    quotient,
    zigzag_blake2s,
    zigzag_poseidon,
    sdr_labels,
    pedersen_tables,
    pedersen_row,
    {idle_labels, idle_absorb, idle_parents},
    {g1_msm, g1_fixed_base, g1_scale, g1_lagrange, g1_first_bad},
    {g2_msm, g2_fixed_base, g2_scale, g2_lagrange, g2_first_bad},
    {limit_blake2s_one_stream, limit_blake2s_many_streams, 0, 0},
};
#endif
