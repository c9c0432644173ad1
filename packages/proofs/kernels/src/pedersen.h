/*
 * The Pedersen hash of Zcash Sapling over rows of a tree of 32-byte nodes, as rust-fil-proofs hashed them in 2019:
 * six bits of personalization or none, then 255 bits of each of two nodes. A hash is a sum of points of Jubjub, one
 * for every 12 bits of the message, out of a table for each place in it; the negatives of half of its points are the
 * other half. Points are in Weierstrass form, so that an addition takes six multiplications: denominators of a whole
 * batch of hashes are inverted together (pedersen-sums.h). That form has exceptions: where two points of a sum are
 * equal or opposite, which nobody can bring about without a relation between the generators, a row is refused.
 * The host gives the points of every chunk of three bits (zigzag2019/pedersen-tables.ts).
 * Source: Zcash protocol specification 5.4.1.7 (the hash) and 5.4.9.3 (Jubjub); the windows are ours.
 */
#ifndef HOLDFAST_PEDERSEN_H
#define HOLDFAST_PEDERSEN_H
#include "fr.h"
#include "pedersen-table.h"

#define SUMS(name) scalar_##name
#define ELEMENT fr
#define GROUP_SIZE 1
#define PEDERSEN_BATCH 1024
#define MULTIPLY fr_mul
#define SQUARE fr_sqr
#define SUBTRACT fr_sub
#define REST fr_rest
#define REST_OF_TWO(r, a, b, c) (fr_sub(r, a, b), fr_rest(r, r, c))
#define INVERT fr_invert
#define GATHER_X(to, window, places) (*(to) = (window)[(places)[0] >> 1].x)
#define GATHER_Y(to, window, places) fr_negate_where(to, &(window)[(places)[0] >> 1].y, (places)[0] & 1)
#define STORE_HASH scalar_store
static const fr pedersen_shift = {PEDERSEN_SHIFT};
INLINE fr scalar_one(void) { return fr_one; }
INLINE fr scalar_shift(void) { return pedersen_shift; }
INLINE void scalar_store(u8 *out, const fr *x) { fr_store(out, x); }
#include "pedersen-sums.h"

#define POINT_SIZE 64 /* x and y, canonical bytes */

static void pedersen_load(pedersen_entry *to, const u8 *bytes) {
  fr_load(&to->x, bytes);
  fr_load(&to->y, bytes + 32);
}

/*
 * The table of some chunks: sums of one point of each, the last one with a positive sign only; with `size` sums of the
 * chunks before, number `high` of the next one's points gives the sums from high * size on. Returns 0 at an exception.
 */
static int pedersen_window(pedersen_entry *to, const u8 *points, u32 chunks, fr *products) {
  pedersen_entry own[8];
  u32 size = 8;
  for (u32 chunk = 0; chunk < chunks; chunk++) {
    for (u32 k = 0; k < 4; k++) {
      pedersen_load(&own[k], points + POINT_SIZE * (4 * chunk + k));
      own[4 + k].x = own[k].x;
      fr_negate_where(&own[4 + k].y, &own[k].y, 1);
    }
    if (chunk == 0) {
      for (u32 k = 0; k < 8; k++) to[k] = own[k];
      continue;
    }
    u32 count = (chunk + 1 == chunks ? 4 : 8) * size;
    fr run = fr_one, difference;
    for (u32 i = 0; i < count; i++) {
      products[i] = run;
      fr_sub(&difference, &own[i / size].x, &to[i % size].x);
      fr_mul(&run, &run, &difference);
    }
    if (!fr_invert(&run)) return 0;
    for (u32 i = count; i-- > 0;) {
      const pedersen_entry *high = &own[i / size];
      pedersen_entry low = to[i % size], sum;
      fr slope;
      fr_sub(&difference, &high->x, &low.x);
      fr_mul(&slope, &products[i], &run);
      fr_mul(&run, &run, &difference);
      fr_sub(&difference, &high->y, &low.y);
      fr_mul(&slope, &slope, &difference);
      fr_sqr(&sum.x, &slope);
      REST_OF_TWO(&sum.x, &sum.x, &low.x, &high->x);
      fr_sub(&difference, &low.x, &sum.x);
      fr_mul(&sum.y, &slope, &difference);
      fr_rest(&sum.y, &sum.y, &low.y);
      to[i] = sum;
    }
    size = count;
  }
  return 1;
}

/*
 * The tables from four points for each of PEDERSEN_CHUNKS chunks: once, twice, three times and four times its base.
 * Returns 0 if these give an exception.
 */
ENTRY i32 EXPORT(pedersen_tables)(u8 *tables, const u8 *points) {
  pedersen_entry *to = pedersen_aligned(tables);
  fr *products = kernel_alloc(PEDERSEN_HALF * sizeof(fr));
  if (!products) return NO_MEMORY;
  for (u32 window = 0; window < PEDERSEN_WINDOWS; window++) {
    const u8 *from = points + 4 * POINT_SIZE * WINDOW_CHUNKS * window;
    if (!pedersen_window(to + PEDERSEN_HALF * window, from, WINDOW_CHUNKS, products)) return 0;
  }
  const u8 *tail = points + 4 * POINT_SIZE * WINDOW_CHUNKS * (PEDERSEN_WINDOWS - 1);
  return pedersen_window(to + PEDERSEN_HALF * PEDERSEN_WINDOWS, tail, TAIL_CHUNKS, products) ? OK : 0;
}

/* The parents of a row of pairs; 0 at an exception. Statuses as everywhere. */
ENTRY i32 EXPORT(pedersen_row)(u8 *tables, const u8 *row, u8 *out, u32 pairs, u32 personalization) {
  return scalar_row(tables, row, out, pairs, personalization);
}
#undef SUMS
#undef ELEMENT
#undef GROUP_SIZE
#undef PEDERSEN_BATCH
#undef MULTIPLY
#undef SQUARE
#undef SUBTRACT
#undef REST
#undef REST_OF_TWO
#undef INVERT
#undef GATHER_X
#undef GATHER_Y
#undef STORE_HASH
#endif
