/*
 * Pedersen hashes of sixteen pairs of nodes at once (fr52.h). Coordinates are within 5 r, those of a table within r,
 * products within 3 r. Tables have the same entries as pedersen.h's, in the words of x 2^260: the
 * points of eight lanes are eight lines of the cache, transposed.
 */
#include "fr52.h"
#include "table.h"

typedef struct { wide half[2]; } twin;

/* r (times) added, so that no lane is negative; limbs below 2^52. */
INLINE void settle_limbs(wide *r, u64 times) {
  __m512i mask = all(LIMB_MASK);
  __m512i carry = _mm512_setzero_si512();
  UNROLL for (int i = 0; i < LIMBS; i++) {
    __m512i limb = _mm512_add_epi64(_mm512_add_epi64(r->v[i], all(times * modulus[i])), carry);
    carry = _mm512_srai_epi64(limb, LIMB_BITS);
    r->v[i] = i + 1 < LIMBS ? _mm512_and_si512(limb, mask) : limb;
  }
}

/* a - b + 6 r, for b up to 6 r. */
INLINE void wide_subtract(wide *r, const wide *a, const wide *b) {
  UNROLL for (int i = 0; i < LIMBS; i++) r->v[i] = _mm512_sub_epi64(a->v[i], b->v[i]);
  settle_limbs(r, 6);
}

/* From within 9 r to within 5 r: 4 r less where the highest limb says that it is more. */
INLINE void take_four(wide *r) {
  __m512i carry = _mm512_setzero_si512(), mask = all(LIMB_MASK);
  __mmask8 large = _mm512_cmpgt_epu64_mask(r->v[LIMBS - 1], all(4 * modulus[LIMBS - 1] + 3));
  UNROLL for (int i = 0; i < LIMBS; i++) {
    __m512i limb = _mm512_mask_sub_epi64(r->v[i], large, r->v[i], all(4 * modulus[i]));
    limb = _mm512_add_epi64(limb, carry);
    carry = _mm512_srai_epi64(limb, LIMB_BITS);
    r->v[i] = i + 1 < LIMBS ? _mm512_and_si512(limb, mask) : limb;
  }
}

INLINE void wide_rest(wide *r, const wide *a, const wide *b) {
  wide_subtract(r, a, b);
  take_four(r);
}
INLINE void wide_rest_of_two(wide *r, const wide *a, const wide *b, const wide *c) {
  UNROLL for (int i = 0; i < LIMBS; i++)
    r->v[i] = _mm512_sub_epi64(_mm512_sub_epi64(a->v[i], b->v[i]), c->v[i]);
  settle_limbs(r, 6);
  take_four(r);
}

/*
 * Two products at once, whose steps hide each other's latency. The first four steps of a reduction take off a
 * multiple of m = -1 modulo 2^52 instead of r: it is the lowest limb itself, and what is added is that limb times
 * (m + 1) / 2^52, one limb higher. With that, products are within (ab/35 + 2) r.
 */
static const u64 fold[LIMBS] = FR_FOLD_LIMBS52;

INLINE void reduce_both(twin *r, __m512i (*t)[2 * LIMBS]) {
  UNROLL for (int k = 0; k + 1 < LIMBS; k++) {
    UNROLL for (int half = 0; half < 2; half++)
      t[half][k + 1] = _mm512_add_epi64(t[half][k + 1], _mm512_srli_epi64(t[half][k], LIMB_BITS));
    UNROLL for (int i = 0; i < LIMBS; i++) {
      UNROLL for (int half = 0; half < 2; half++) {
        t[half][k + i + 1] = _mm512_madd52lo_epu64(t[half][k + i + 1], t[half][k], all(fold[i]));
        t[half][k + i + 2] = _mm512_madd52hi_epu64(t[half][k + i + 2], t[half][k], all(fold[i]));
      }
    }
  }
  UNROLL for (int half = 0; half < 2; half++) {
    __m512i *low = &t[half][LIMBS - 1];
    __m512i m = _mm512_madd52lo_epu64(_mm512_setzero_si512(), *low, all(FR_INVERSE_LIMB52));
    UNROLL for (int i = 0; i < LIMBS; i++) {
      low[i] = _mm512_madd52lo_epu64(low[i], m, all(modulus[i]));
      low[i + 1] = _mm512_madd52hi_epu64(low[i + 1], m, all(modulus[i]));
    }
    low[1] = _mm512_add_epi64(low[1], _mm512_srli_epi64(low[0], LIMB_BITS));
    UNROLL for (int i = 0; i < LIMBS; i++) r->half[half].v[i] = low[1 + i];
    carry_limbs(&r->half[half]);
  }
}

NOINLINE void twin_multiply(twin *r, const twin *a, const twin *b) {
  __m512i t[2][2 * LIMBS];
  clear_columns(t[0]);
  clear_columns(t[1]);
  UNROLL for (int j = 0; j < LIMBS; j++) {
    UNROLL for (int i = 0; i < LIMBS; i++) {
      UNROLL for (int half = 0; half < 2; half++) {
        const __m512i *x = a->half[half].v, *y = b->half[half].v;
        t[half][i + j] = _mm512_madd52lo_epu64(t[half][i + j], x[i], y[j]);
        t[half][i + j + 1] = _mm512_madd52hi_epu64(t[half][i + j + 1], x[i], y[j]);
      }
    }
  }
  reduce_both(r, t);
}

NOINLINE void twin_square(twin *r, const twin *a) {
  __m512i t[2][2 * LIMBS];
  clear_columns(t[0]);
  clear_columns(t[1]);
  UNROLL for (int j = 1; j < LIMBS; j++) {
    UNROLL for (int i = 0; i < j; i++) {
      UNROLL for (int half = 0; half < 2; half++) {
        const __m512i *x = a->half[half].v;
        t[half][i + j] = _mm512_madd52lo_epu64(t[half][i + j], x[i], x[j]);
        t[half][i + j + 1] = _mm512_madd52hi_epu64(t[half][i + j + 1], x[i], x[j]);
      }
    }
  }
  UNROLL for (int half = 0; half < 2; half++) {
    const __m512i *x = a->half[half].v;
    UNROLL for (int i = 0; i < 2 * LIMBS; i++) t[half][i] = _mm512_add_epi64(t[half][i], t[half][i]);
    UNROLL for (int i = 0; i < LIMBS; i++) {
      t[half][2 * i] = _mm512_madd52lo_epu64(t[half][2 * i], x[i], x[i]);
      t[half][2 * i + 1] = _mm512_madd52hi_epu64(t[half][2 * i + 1], x[i], x[i]);
    }
  }
  reduce_both(r, t);
}

/* The limbs of one coordinate of eight entries: four words at `at` of each. */
INLINE void gather_words(wide *to, const u8 *window, const u16 *places, usize at) {
  __m512i four[4], low01, high01, low23, high23, w[4];
  UNROLL for (int i = 0; i < 4; i++) {
    const __m256i *near = (const __m256i *)(window + 64 * (usize)(places[i] >> 1) + at);
    const __m256i *far = (const __m256i *)(window + 64 * (usize)(places[i + 4] >> 1) + at);
    four[i] = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_load_si256(near)), _mm256_load_si256(far), 1);
  }
  const __m512i even = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
  const __m512i odd = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
  low01 = _mm512_unpacklo_epi64(four[0], four[1]);
  high01 = _mm512_unpackhi_epi64(four[0], four[1]);
  low23 = _mm512_unpacklo_epi64(four[2], four[3]);
  high23 = _mm512_unpackhi_epi64(four[2], four[3]);
  w[0] = _mm512_permutex2var_epi64(low01, even, low23);
  w[1] = _mm512_permutex2var_epi64(high01, even, high23);
  w[2] = _mm512_permutex2var_epi64(low01, odd, low23);
  w[3] = _mm512_permutex2var_epi64(high01, odd, high23);
  __m512i mask = all(LIMB_MASK);
  to->v[0] = _mm512_and_si512(w[0], mask);
  UNROLL for (int i = 1; i < 4; i++) {
    __m512i low = _mm512_srli_epi64(w[i - 1], 64 - 12 * i), high = _mm512_slli_epi64(w[i], 12 * i);
    to->v[i] = _mm512_and_si512(_mm512_or_si512(low, high), mask);
  }
  to->v[4] = _mm512_srli_epi64(w[3], 16);
}

/* A negative y is below 0: what subtracts from it adds enough. */
INLINE void gather_y(wide *to, const u8 *window, const u16 *places) {
  __m512i signs = _mm512_cvtepu16_epi64(_mm_loadu_si128((const __m128i *)places));
  __mmask8 negative = _mm512_test_epi64_mask(signs, all(1));
  gather_words(to, window, places, 32);
  UNROLL for (int i = 0; i < LIMBS; i++)
    to->v[i] = _mm512_mask_sub_epi64(to->v[i], negative, _mm512_setzero_si512(), to->v[i]);
}

#define HALVES(work) UNROLL for (int half = 0; half < 2; half++) work
INLINE void twin_subtract(twin *r, const twin *a, const twin *b) {
  HALVES(wide_subtract(&r->half[half], &a->half[half], &b->half[half]));
}
INLINE void twin_rest(twin *r, const twin *a, const twin *b) {
  HALVES(wide_rest(&r->half[half], &a->half[half], &b->half[half]));
}
INLINE void twin_rest_of_two(twin *r, const twin *a, const twin *b, const twin *c) {
  HALVES(wide_rest_of_two(&r->half[half], &a->half[half], &b->half[half], &c->half[half]));
}
INLINE void twin_gather_x(twin *to, const pedersen_entry *window, const u16 *places) {
  HALVES(gather_words(&to->half[half], (const u8 *)window, places + 8 * half, 0));
}
INLINE void twin_gather_y(twin *to, const pedersen_entry *window, const u16 *places) {
  HALVES(gather_y(&to->half[half], (const u8 *)window, places + 8 * half));
}
INLINE void twin_store(u8 *out, const twin *x) { HALVES(store_lanes(out + 8 * 32 * half, &x->half[half])); }
INLINE twin broadcast(const limbs *from) {
  twin x;
  UNROLL for (int i = 0; i < LIMBS; i++) x.half[0].v[i] = x.half[1].v[i] = all(from->v[i]);
  return x;
}

/* Every lane's inverse, out of one inversion; 0 if a lane is 0. */
NOINLINE int twin_invert(twin *a) {
  u8 bytes[16 * 32];
  fr elements[16], before[16], run = fr_one;
  twin_store(bytes, a);
  for (int i = 0; i < 16; i++) {
    fr_load(&elements[i], bytes + 32 * i);
    before[i] = run;
    fr_mul(&run, &run, &elements[i]);
  }
  if (!fr_invert(&run)) return 0;
  for (int i = 16; i-- > 0;) {
    fr inverse;
    fr_mul(&inverse, &run, &before[i]);
    fr_mul(&run, &run, &elements[i]);
    fr_store(bytes + 32 * i, &inverse);
  }
  HALVES(load_lanes(&a->half[half], bytes + 8 * 32 * half, 32));
  return 1;
}

#define SUMS(name) twin_##name
#define ELEMENT twin
#define GROUP_SIZE 16
#define PEDERSEN_BATCH 4096
#define MULTIPLY twin_multiply
#define SQUARE twin_square
#define SUBTRACT twin_subtract
#define REST twin_rest
#define REST_OF_TWO twin_rest_of_two
#define INVERT twin_invert
#define GATHER_X twin_gather_x
#define GATHER_Y twin_gather_y
#define STORE_HASH twin_store
static const limbs pedersen_shift = {PEDERSEN_SHIFT_LIMBS52};
INLINE twin twin_one(void) { return broadcast(&one_form); }
INLINE twin twin_shift(void) { return broadcast(&pedersen_shift); }
#include "pedersen-sums.h"

/* Like pedersen_tables, for pedersen_row_ifma alone. */
i32 pedersen_tables_ifma(u8 *tables, const u8 *points) {
  i32 made = kernels_adx.pedersen_tables(tables, points);
  fr *words = (fr *)pedersen_aligned(tables);
  if (made != OK) return made;
  for (u32 i = 0; i < 2 * PEDERSEN_ENTRIES; i++)
    for (int k = 0; k < 4; k++) fr_add(&words[i], &words[i], &words[i]);
  return OK;
}

i32 pedersen_row_ifma(u8 *tables, const u8 *row, u8 *out, u32 pairs, u32 personalization) {
  return twin_row(tables, row, out, pairs, personalization);
}
