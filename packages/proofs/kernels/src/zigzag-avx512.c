/*
 * ZigZag's runs with keys by BLAKE2s for processors with AVX-512: rotations are instructions, a block's words are
 * picked from one register, and sixteen messages fit into a vector.
 */
#include "limits.h"
#include "table.h"
#include "zigzag-era.h"

i32 zigzag_blake2s_avx512(u8 *layer, u32 nodes, const u8 *replica_id, u32 number, const u32 *parents,
                          const u8 *counts, u32 low, u32 count, u32 flags) {
  return zigzag_blake2s(layer, nodes, replica_id, number, parents, counts, low, count, flags);
}

u32 limit_blake2s_one_stream_avx512(u32 blocks) { return limit_blake2s_one_stream(blocks); }
u32 limit_blake2s_many_streams_avx512(u32 blocks) { return limit_blake2s_many_streams(blocks); }

i32 zigzag_era_avx512(u8 *layer, u32 nodes, const u8 *replica_id, const u32 *parents, const u8 *counts, u32 low,
                      u32 count, u32 flags) {
  return zigzag_era(layer, nodes, replica_id, parents, counts, low, count, flags);
}
