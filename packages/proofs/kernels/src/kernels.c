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
#include "cess.h"
#include "limits.h"
#include "zigzag-era.h"
#include "era-graph.h"
#include "parents.h"
#include "groups.h"
#include "limits-field.h"

#ifndef __wasm__
#include "table.h"
#ifndef HOLDFAST_ADX
#define limit_mulx_one_stream 0
#define limit_mulx_many_streams 0
#endif
const kernel_table KERNEL_TABLE = {
    fr_load_run,
    poseidon_row,
    fft,
    quotient,
    zigzag_blake2s,
    zigzag_poseidon,
    sdr_labels,
    0,
    zigzag_parents,
    sdr_parents,
    pedersen_tables,
    pedersen_row,
    {idle_labels, idle_absorb, idle_parents},
    zigzag_era,
    era_base,
    era_parents,
    {g1_msm, g1_fixed_base, g1_scale, g1_lagrange, g1_first_bad},
    {g2_msm, g2_fixed_base, g2_scale, g2_lagrange, g2_first_bad},
    {cess_direct, cess_hot, cess_columns},
    {limit_blake2s_one_stream, limit_blake2s_many_streams, 0, 0, limit_fr_multiply, limit_fp_multiply,
     limit_mulx_one_stream, limit_mulx_many_streams, 0, 0},
};
#endif
