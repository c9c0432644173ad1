/*
 * ZigZag's runs with keys by BLAKE2s, and parents of both graphs, for processors with AVX-512: rotations are instructions, a block's words are
 * picked from one register, and sixteen messages fit into a vector.
 */
#include "limits.h"
#include "parents.h"
#include "table.h"
#include "zigzag-era.h"

i32 zigzag_blake2s_avx512(u8 *layer, const u8 *source, u32 nodes, const u8 *replica_id, u32 number,
                          const u32 *parents, const u8 *counts, u32 low, u32 count, u32 flags) {
  return zigzag_blake2s(layer, source, nodes, replica_id, number, parents, counts, low, count, flags);
}

void zigzag_parents_avx512(u32 *parents, u8 *counts, const u8 *seed, const u8 *tables, u32 half_bits, u32 nodes,
                           u32 reversed, u32 low, u32 count) {
  zigzag_parents(parents, counts, seed, tables, half_bits, nodes, reversed, low, count);
}

void sdr_parents_avx512(u32 *parents, const u8 *seed, const u32 *tables, u32 half_bits, u32 nodes, u32 legacy, u32 low,
                        u32 count) {
  sdr_parents(parents, seed, tables, half_bits, nodes, legacy, low, count);
}

u32 limit_blake2s_one_stream_avx512(u32 blocks) { return limit_blake2s_one_stream(blocks); }
u32 limit_blake2s_many_streams_avx512(u32 blocks) { return limit_blake2s_many_streams(blocks); }

i32 zigzag_era_avx512(u8 *layer, u32 nodes, const u8 *replica_id, const u32 *parents, const u8 *counts, u32 low,
                      u32 count, u32 flags) {
  return zigzag_era(layer, nodes, replica_id, parents, counts, low, count, flags);
}
