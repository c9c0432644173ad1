/*
 * Poseidon of eight groups of a row, or of eight nodes' keys, at once (fr52.h). Sums of 37 products of factors within 15 r and r are within
 * 17 r. The permutation is that of poseidon.h.
 */
#include "fr52.h"
#include "table.h"
#include "zigzag.h"

#define MAX_WIDTH 37
#define KEY_WIDTH 17
/* Partial rounds after which the elements that only grow are reduced: 8 times 1.2 r and 5 r stay below 15 r. */
#define REFRESH 8

INLINE void in_all_lanes(wide *to, const limbs *a) {
  UNROLL for (int i = 0; i < LIMBS; i++) to->v[i] = all(a->v[i]);
}

/* (a + constant)^5 */
NOINLINE void keyed_power5(wide *r, const wide *a, const limbs *constant) {
  __m512i t[2 * LIMBS];
  wide x, square;
  UNROLL for (int i = 0; i < LIMBS; i++) x.v[i] = _mm512_add_epi64(a->v[i], all(constant->v[i]));
  carry_limbs(&x);
  clear_columns(t);
  add_wide_product(t, &x, &x);
  reduce(&square, t, 0);
  clear_columns(t);
  add_wide_product(t, &square, &square);
  reduce(&square, t, 0);
  clear_columns(t);
  add_wide_product(t, &square, &x);
  reduce(r, t, 0);
}

NOINLINE void dot(wide *r, const limbs *factors, const wide *a, u32 width) {
  __m512i t[2 * LIMBS];
  clear_columns(t);
  for (u32 i = 0; i < width; i++) add_product(t, &a[i], &factors[i]);
  reduce(r, t, 0);
}

static void full_round(wide *state, const limbs *constants, const limbs *matrix, u32 width) {
  wide powers[MAX_WIDTH];
  for (u32 i = 0; i < width; i++) keyed_power5(&powers[i], &state[i], &constants[i]);
  for (u32 i = 0; i < width; i++) dot(&state[i], matrix + i * width, powers, width);
}

NOINLINE void partial_round(wide *state, const limbs *sparse, u32 width) {
  wide first;
  keyed_power5(&state[0], &state[0], &sparse[0]);
  dot(&first, sparse + 1, state, width);
  const limbs *column = sparse + 1 + width;
  for (u32 i = 1; i < width; i++) {
    __m512i t[2 * LIMBS];
    clear_columns(t);
    add_product(t, &state[0], &column[i - 1]);
    reduce(&state[i], t, &state[i]);
  }
  state[0] = first;
}

static void permute(wide *state, const limbs *numbers, u32 width, u32 partial_rounds) {
  const limbs *before = numbers + 1;
  const limbs *after = before + 4 * width;
  const limbs *matrix = after + 4 * width;
  const limbs *last_before = matrix + width * width;
  const limbs *sparse = last_before + width * width;
  for (u32 round = 0; round < 4; round++)
    full_round(state, before + round * width, round == 3 ? last_before : matrix, width);
  for (u32 round = 0; round < partial_rounds; round++, sparse += 2 * width) {
    if (round % REFRESH == 0)
      for (u32 i = 1; i < width; i++) scale(&state[i], &state[i], &one_form);
    partial_round(state, sparse, width);
  }
  for (u32 i = 1; i < width; i++) scale(&state[i], &state[i], &one_form);
  for (u32 round = 0; round < 4; round++) full_round(state, after + round * width, matrix, width);
}

/* The numbers of an instance in limbs; 0 if there is no memory. */
static limbs *convert_numbers(const fr *numbers, u32 width, u32 partial_rounds) {
  usize count = 1 + 8 * width + 2 * width * width + 2 * width * partial_rounds;
  limbs *own = kernel_alloc(count * sizeof(limbs));
  if (own)
    for (usize i = 0; i < count; i++) convert(&own[i], &numbers[i]);
  return own;
}

/* Like poseidon_row, whose table makes what is left of the groups. */
i32 poseidon_row_ifma(const fr *numbers, u32 width, u32 partial_rounds, const u8 *row, u8 *out, u32 groups) {
  u32 eights = groups / 8 * 8;
  usize stride = 32 * (usize)(width - 1);
  if (eights > 0) {
    limbs *own = convert_numbers(numbers, width, partial_rounds);
    if (!own) return NO_MEMORY;
    for (usize i = 0; i < (usize)eights * (width - 1); i++)
      if (!fr_is_canonical(row + 32 * i)) return (i32)i;
    for (u32 group = 0; group < eights; group += 8) {
      wide state[MAX_WIDTH];
      in_all_lanes(&state[0], &own[0]);
      for (u32 i = 1; i < width; i++) load_lanes(&state[i], row + stride * group + 32 * (i - 1), stride);
      permute(state, own, width, partial_rounds);
      store_lanes(out + 32 * (usize)group, &state[1]);
    }
  }
  if (eights == groups) return OK;
  i32 rest = kernels_adx.poseidon_row(numbers, width, partial_rounds, row + stride * eights, out + 32 * (usize)eights,
                                      groups - eights);
  return rest < 0 ? rest : rest + (i32)(eights * (width - 1));
}

/* ---- keys ---- */

/* What is the same in all keys of a run. */
typedef struct {
  const limbs *numbers;
  limbs domain, replica_id;
  u32 partial_rounds;
} key_instance;

/* The keys of the run's nodes first ... first + 7 as bytes; or the index of one with a parent that is refused. */
static i32 eight_keys(u8 *keys, const key_instance *instance, const zigzag_run *run, u32 first) {
  wide state[KEY_WIDTH];
  u8 headers[8][32];
  const u8 *rows[8];
  for (u32 lane = 0; lane < 8; lane++) {
    if (!parents_fit(run, first + lane)) return (i32)(first + lane);
    key_header(headers[lane], run, first + lane);
    rows[lane] = headers[lane];
  }
  in_all_lanes(&state[0], &instance->numbers[0]);
  in_all_lanes(&state[1], &instance->domain);
  in_all_lanes(&state[2], &instance->replica_id);
  gather_lanes(&state[3], rows);
  for (u32 k = 0; k < ZIGZAG_DEGREE; k++) {
    for (u32 lane = 0; lane < 8; lane++) {
      rows[lane] = slot_of(run, first + lane, k);
      if (!fr_is_canonical(rows[lane])) return (i32)(first + lane);
    }
    gather_lanes(&state[4 + k], rows);
  }
  permute(state, instance->numbers, KEY_WIDTH, instance->partial_rounds);
  store_lanes(keys, &state[1]);
  return OK;
}

/* Like zigzag_poseidon, whose table encodes, and decodes what is left of the groups. */
i32 zigzag_poseidon_ifma(const fr *numbers, u32 partial_rounds, u8 *layer, const u8 *source, u32 nodes,
                         const u8 *replica_id, u32 number, const u32 *parents, const u8 *counts, u32 low, u32 count, u32 flags) {
  zigzag_run run = {layer, source, nodes, replica_id, number, parents, counts, low, count, flags};
  u32 eights = flags & DECODE ? count / 8 * 8 : 0;
  if (eights > 0) {
    key_instance instance = {.numbers = convert_numbers(numbers, KEY_WIDTH, partial_rounds),
                             .partial_rounds = partial_rounds};
    fr fixed;
    if (!instance.numbers) return NO_MEMORY;
    if (!fr_is_canonical(replica_id)) return 0;
    fr_load(&fixed, key_domain());
    convert(&instance.domain, &fixed);
    fr_load(&fixed, replica_id);
    convert(&instance.replica_id, &fixed);
    for (u32 done = 0; done < eights; done += 8) {
      u32 first = flags & DESCENDING ? count - done - 8 : done;
      u8 keys[8][32];
      i32 result = eight_keys(keys[0], &instance, &run, first);
      if (result != OK) return result;
      for (u32 lane = 0; lane < 8; lane++) change_by(&run, first + lane, keys[lane]);
    }
  }
  u32 skipped = flags & DESCENDING ? 0 : eights;
  i32 rest = kernels_adx.zigzag_poseidon(numbers, partial_rounds, layer, source, nodes, replica_id, number,
                                         parents + ZIGZAG_DEGREE * (usize)skipped, counts + skipped, low + skipped,
                                         count - eights, flags);
  return rest < 0 ? rest : rest + (i32)skipped;
}
