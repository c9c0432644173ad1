/*
 * Poseidon with sparse partial rounds over rows of elements. The numbers of an instance come from the host, as
 * one run of field elements in this order: the domain tag; the constants of the four rounds before; those of the
 * four behind; the matrix of the full rounds; that of the last round before the partial ones; and per partial
 * round its constant, the first row and the column below the corner.
 */
#ifndef HOLDFAST_POSEIDON_H
#define HOLDFAST_POSEIDON_H
#include "fr.h"

#define MAX_WIDTH 37

INLINE void power5(fr *r, const fr *x) {
  fr square;
  fr_sqr(&square, x);
  fr_sqr(&square, &square);
  fr_mul(r, x, &square);
}

static void full_round(fr *state, const fr *constants, const fr *matrix, u32 width) {
  fr powers[MAX_WIDTH];
  for (u32 i = 0; i < width; i++) {
    fr keyed;
    fr_add(&keyed, &state[i], &constants[i]);
    power5(&powers[i], &keyed);
  }
  for (u32 i = 0; i < width; i++) fr_dot(&state[i], matrix + i * width, powers, width);
}

static void permute(fr *state, const fr *numbers, u32 width, u32 partial_rounds) {
  const fr *before = numbers + 1;
  const fr *after = before + 4 * width;
  const fr *matrix = after + 4 * width;
  const fr *last_before = matrix + width * width;
  const fr *sparse = last_before + width * width;
  for (u32 round = 0; round < 4; round++)
    full_round(state, before + round * width, round == 3 ? last_before : matrix, width);
  for (u32 round = 0; round < partial_rounds; round++, sparse += 2 * width) {
    fr keyed;
    fr_add(&keyed, &state[0], &sparse[0]);
    power5(&state[0], &keyed);
    fr first;
    fr_dot(&first, sparse + 1, state, width);
    const fr *column = sparse + 1 + width;
    for (u32 i = 1; i < width; i++) fr_mul_add(&state[i], &column[i - 1], &state[0], &state[i]);
    state[0] = first;
  }
  for (u32 round = 0; round < 4; round++) full_round(state, after + round * width, matrix, width);
}

/* Elements from bytes to limbs, for the numbers of an instance. */
ENTRY void EXPORT(fr_load_run)(fr *to, const u8 *from, u32 count) {
  for (u32 i = 0; i < count; i++) fr_load(&to[i], from + 32 * (usize)i);
}

/* The hash of every width - 1 elements; returns the index of the first element that is not canonical, or -1. */
ENTRY i32 EXPORT(poseidon_row)(const fr *numbers, u32 width, u32 partial_rounds, const u8 *row, u8 *out, u32 groups) {
  usize at = 0;
  for (u32 group = 0; group < groups; group++) {
    fr state[MAX_WIDTH];
    state[0] = numbers[0];
    for (u32 i = 1; i < width; i++, at++) {
      if (!fr_is_canonical(row + 32 * at)) return (i32)at;
      fr_load(&state[i], row + 32 * at);
    }
    permute(state, numbers, width, partial_rounds);
    fr_store(out + 32 * (usize)group, &state[1]);
  }
  return OK;
}
#endif
