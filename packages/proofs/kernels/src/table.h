/*
 * The kernels of one native build as a table: kernels.c is compiled once for every set of processor features, and
 * the addon takes the best table that the machine can run. Statuses are those of kernel.h.
 */
#ifndef HOLDFAST_TABLE_H
#define HOLDFAST_TABLE_H
#include "fr.h"
#include "pedersen-table.h"

typedef i32 (*sum_function)(u8 *out, const u8 *points, const u8 *scalars, u32 count);
typedef i32 (*lagrange_function)(u8 *points, u32 log, const u8 *root_inverse, const u8 *size_inverse);
typedef i32 (*check_function)(const u8 *points, u32 count);

typedef struct {
  sum_function msm, fixed_base, scale;
  lagrange_function lagrange;
  check_function first_bad;
} group_table;

typedef i32 (*sdr_function)(u8 *into, const u8 *previous, u32 nodes, const u8 *replica_id, u32 number,
                            const u32 *parents, u32 low, u32 count);

typedef i32 (*zigzag_function)(u8 *layer, const u8 *source, u32 nodes, const u8 *replica_id, u32 number,
                               const u32 *parents, const u8 *counts, u32 low, u32 count, u32 flags);

typedef i32 (*sdr_pair_function)(u8 *first, const u8 *first_previous, u8 *second, const u8 *second_previous, u32 nodes,
                                 const u8 *replica_ids, u32 number, const u32 *parents, u32 low, u32 count);

typedef void (*zigzag_parents_function)(u32 *parents, u8 *counts, const u8 *seed, const u8 *tables, u32 half_bits,
                                        u32 nodes, u32 reversed, u32 low, u32 count);
typedef void (*sdr_parents_function)(u32 *parents, const u8 *seed, const u32 *tables, u32 half_bits, u32 nodes,
                                     u32 legacy, u32 low, u32 count);

/* The bare loops of limits.h; those that are 0 want what the processor has not. */
typedef u32 (*limit_function)(u32 units);
typedef struct {
  limit_function blake2s_one_stream, blake2s_many_streams, sha256_one_stream, sha256_two_streams;
  limit_function fr_multiply, fp_multiply, mulx_one_stream, mulx_many_streams, madd52, fp_multiply_lanes;
} limit_table;

/* Idle space, hardened (idle.h). */
typedef struct {
  i32 (*labels)(u8 *into, const u8 *previous, u8 *into_two, const u8 *previous_two, u32 nodes, const u8 *jobs,
                u32 file_log, u32 passes, const u32 *parents, u32 low, u32 count);
  void (*absorb)(u8 *states, const u8 *left, u32 left_stride, const u8 *right, u32 right_stride, u32 count,
                 u32 trim);
  void (*parents)(u32 *into, const u8 *seed, u32 log, u32 low, u32 count);
} idle_table;
typedef i32 (*era_function)(u8 *layer, u32 nodes, const u8 *replica_id, const u32 *parents, const u8 *counts, u32 low,
                            u32 count, u32 flags);

typedef struct {
  i32 (*direct)(u8 *into, const u8 *previous, const u8 *elders, const u8 *before, const u8 *head, u32 low, u32 count);
  i32 (*hot)(u8 *table, const u8 *previous, const u8 *elders, const u8 *before, const u8 *next, u8 *sums,
             const u8 *head);
  i32 (*columns)(u8 *into, const u8 *table, const u8 *previous, const u8 *straight, const u8 *elders,
                 const u8 *before, u8 *sums, const u8 *head, u32 low, u32 count, u32 beside);
} cess_table;

typedef struct {
  void (*fr_load_run)(fr *to, const u8 *from, u32 count);
  i32 (*poseidon_row)(const fr *numbers, u32 width, u32 partial_rounds, const u8 *row, u8 *out, u32 groups);
  i32 (*fft)(u8 *values, u32 log, const u8 *root, const u8 *shift_in, const u8 *scale, const u8 *shift_out);
  i32 (*quotient)(u8 *a, const u8 *b, const u8 *c, u32 log, const u8 *constants);
  zigzag_function zigzag_blake2s;
  i32 (*zigzag_poseidon)(const fr *numbers, u32 partial_rounds, u8 *layer, const u8 *source, u32 nodes,
                         const u8 *replica_id, u32 number, const u32 *parents, const u8 *counts, u32 low, u32 count, u32 flags);
  sdr_function sdr_labels;
  sdr_pair_function sdr_pair; /* 0 where one after the other is as good */
  zigzag_parents_function zigzag_parents;
  sdr_parents_function sdr_parents;
  pedersen_tables_function pedersen_tables;
  pedersen_function pedersen_row;
  idle_table idle;
  era_function zigzag_era;
  i32 (*era_base)(u32 *base, const u32 *seed, const u32 *logarithms, u32 low, u32 count);
  i32 (*era_parents)(u32 *parents, const u32 *base, const u32 *rounds, u32 half_bits, u32 nodes, u32 low, u32 count,
                     u32 flags);
  group_table g1, g2;
  cess_table cess;
  limit_table limits;
} kernel_table;

extern const kernel_table kernels_base, kernels_adx;
extern const group_table g1_ifma, g2_ifma;
i32 fft_ifma(u8 *values, u32 log, const u8 *root, const u8 *shift_in, const u8 *scale, const u8 *shift_out);
i32 quotient_ifma(u8 *a, const u8 *b, const u8 *c, u32 log, const u8 *constants);
u32 limit_madd52_ifma(u32 units);
u32 limit_fp_multiply_lanes_ifma(u32 units);
i32 poseidon_row_ifma(const fr *numbers, u32 width, u32 partial_rounds, const u8 *row, u8 *out, u32 groups);
i32 zigzag_poseidon_ifma(const fr *numbers, u32 partial_rounds, u8 *layer, const u8 *source, u32 nodes,
                         const u8 *replica_id, u32 number, const u32 *parents, const u8 *counts, u32 low, u32 count, u32 flags);
i32 zigzag_era_avx512(u8 *layer, u32 nodes, const u8 *replica_id, const u32 *parents, const u8 *counts, u32 low,
                      u32 count, u32 flags);
i32 pedersen_tables_ifma(u8 *tables, const u8 *points);
i32 pedersen_row_ifma(u8 *tables, const u8 *row, u8 *out, u32 pairs, u32 personalization);
i32 sdr_labels_sha(u8 *into, const u8 *previous, u32 nodes, const u8 *replica_id, u32 number, const u32 *parents,
                   u32 low, u32 count);
i32 sdr_pair_sha(u8 *first, const u8 *first_previous, u8 *second, const u8 *second_previous, u32 nodes,
                 const u8 *replica_ids, u32 number, const u32 *parents, u32 low, u32 count);
void zigzag_parents_avx512(u32 *parents, u8 *counts, const u8 *seed, const u8 *tables, u32 half_bits, u32 nodes,
                           u32 reversed, u32 low, u32 count);
void sdr_parents_avx512(u32 *parents, const u8 *seed, const u32 *tables, u32 half_bits, u32 nodes, u32 legacy, u32 low,
                        u32 count);
u32 limit_sha256_one_stream_sha(u32 blocks);
u32 limit_sha256_two_streams_sha(u32 blocks);
u32 limit_blake2s_one_stream_avx512(u32 blocks);
u32 limit_blake2s_many_streams_avx512(u32 blocks);
i32 zigzag_blake2s_avx512(u8 *layer, const u8 *source, u32 nodes, const u8 *replica_id, u32 number,
                          const u32 *parents, const u8 *counts, u32 low, u32 count, u32 flags);
i32 idle_labels_sha(u8 *into, const u8 *previous, u8 *into_two, const u8 *previous_two, u32 nodes, const u8 *jobs,
                    u32 file_log, u32 passes, const u32 *parents, u32 low, u32 count);
void idle_absorb_sha(u8 *states, const u8 *left, u32 left_stride, const u8 *right, u32 right_stride, u32 count,
                     u32 trim);
/* Whether the words at the end of a file's head (cess.h) describe one: checked before anything is read with them. */
INLINE int cess_shape_ok(u32 nodes, u32 degree, u32 logical, u32 real) {
  return degree > 0 && degree <= 128 && (degree & (degree - 1)) == 0 && nodes >= 256 * degree &&
         (nodes & (nodes - 1)) == 0 && logical <= 64 && real <= 128 && ((u64)logical + 1) * nodes <= 1ull << 31;
}

extern const cess_table cess_avx512;
#endif
