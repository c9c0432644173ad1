/*
 * What the hardware gives at best, for the bench: the bare loops of a kernel and nothing else, no memory and no graph.
 * A unit is a
 * block or a product. They return a sum of what they computed, so that no compiler leaves it out.
 */
#ifndef HOLDFAST_LIMITS_H
#define HOLDFAST_LIMITS_H
#include "blake2s.h"

/* Blocks of BLAKE2s one after the other, each waiting for the one before. */
VECTORS ENTRY u32 EXPORT(limit_blake2s_one_stream)(u32 blocks) {
  u8 message[64];
  v4 h[2] = {{1, 2, 3, 4}, {5, 6, 7, 8}};
  for (u32 i = 0; i < 64; i++) message[i] = (u8)(7 * i);
  for (u32 i = 0; i < blocks; i++) blake_rows(h, message, message + 32, i, 0);
  return h[0][0] ^ h[1][3];
}

/* As many blocks in the lanes of a vector. */
VECTORS ENTRY u32 EXPORT(limit_blake2s_many_streams)(u32 blocks) {
  lanes h[8], m[16];
  for (u32 i = 0; i < 16; i++) m[i] = (lanes){0} + 7 * i;
  for (u32 i = 0; i < 8; i++) h[i] = (lanes){0} + i;
  for (u32 i = 0; i < blocks; i += LANES) blake_lanes(h, m, i, 0);
  return h[0][0] ^ h[7][LANES - 1];
}
#endif
