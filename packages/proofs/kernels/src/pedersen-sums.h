/*
 * The sums of a batch of Pedersen hashes, window after window, so that one inversion serves all additions of a window
 * and its table stays near; included once for scalars and once for lanes of vectors. The including file defines GROUP_SIZE
 * of an ELEMENT and, for these, MULTIPLY, SQUARE, SUBTRACT (a factor, not reduced), REST and REST_OF_TWO (a - b and
 * a - b - c, small), GATHER_X and GATHER_Y (out of a table), INVERT (0 if there is none), STORE_HASH, and SUMS(name).
 */

#define FETCH_AHEAD 4

typedef struct { ELEMENT x, y, product; } SUMS(sum);

typedef struct {
  const pedersen_entry *window;
  const u8 *row;
  i32 bit;
  u32 width, personalization;
} SUMS(step);

static void SUMS(find)(u16 *places, u32 groups, const SUMS(step) *step) {
  for (u32 i = 0; i < GROUP_SIZE * groups; i++)
    places[i] = (u16)place_of(bits_of(step->row + 64 * (usize)i, step->bit, step->personalization), step->width);
}

/* Asks the cache for the points of a group that comes soon. */
INLINE void SUMS(fetch)(const SUMS(step) *step, const u16 *places, u32 group, u32 groups) {
  if (group >= groups) return;
  UNROLL for (u32 lane = 0; lane < GROUP_SIZE; lane++)
    __builtin_prefetch(&step->window[places[GROUP_SIZE * group + lane] >> 1]);
}

static void SUMS(start)(SUMS(sum) *sums, u32 groups, const SUMS(step) *step, u16 *places) {
  SUMS(find)(places, groups, step);
  for (u32 i = 0; i < groups; i++) {
    GATHER_X(&sums[i].x, step->window, places + GROUP_SIZE * i);
    GATHER_Y(&sums[i].y, step->window, places + GROUP_SIZE * i);
  }
}

/* One more point in every sum; 0 if that is an exception for some. */
static int SUMS(add)(SUMS(sum) *sums, u32 groups, const SUMS(step) *step, u16 *places) {
  ELEMENT run = SUMS(one)(), x, difference;
  SUMS(find)(places, groups, step);
  for (u32 i = 0; i < groups; i++) {
    SUMS(fetch)(step, places, i + FETCH_AHEAD, groups);
    GATHER_X(&x, step->window, places + GROUP_SIZE * i);
    SUBTRACT(&difference, &x, &sums[i].x);
    sums[i].product = run;
    MULTIPLY(&run, &run, &difference);
  }
  if (!INVERT(&run)) return 0;
  for (u32 i = groups; i-- > 0;) {
    SUMS(sum) *sum = &sums[i];
    SUMS(fetch)(step, places, i - FETCH_AHEAD, groups);
    ELEMENT y, inverse, slope, next;
    GATHER_X(&x, step->window, places + GROUP_SIZE * i);
    GATHER_Y(&y, step->window, places + GROUP_SIZE * i);
    SUBTRACT(&difference, &x, &sum->x);
    MULTIPLY(&inverse, &run, &sum->product);
    MULTIPLY(&run, &run, &difference);
    SUBTRACT(&slope, &y, &sum->y);
    MULTIPLY(&slope, &slope, &inverse);
    SQUARE(&next, &slope);
    REST_OF_TWO(&next, &next, &sum->x, &x);
    SUBTRACT(&difference, &sum->x, &next);
    sum->x = next;
    MULTIPLY(&next, &slope, &difference);
    REST(&sum->y, &next, &sum->y);
  }
  return 1;
}

/* The x-coordinates on Jubjub: (x - shift) / y. */
static int SUMS(finish)(SUMS(sum) *sums, u32 groups, u8 *out) {
  ELEMENT run = SUMS(one)(), shift = SUMS(shift)();
  for (u32 i = 0; i < groups; i++) {
    sums[i].product = run;
    MULTIPLY(&run, &run, &sums[i].y);
  }
  if (!INVERT(&run)) return 0;
  for (u32 i = groups; i-- > 0;) {
    ELEMENT inverse, x;
    MULTIPLY(&inverse, &run, &sums[i].product);
    MULTIPLY(&run, &run, &sums[i].y);
    SUBTRACT(&x, &sums[i].x, &shift);
    MULTIPLY(&x, &x, &inverse);
    STORE_HASH(out + 32 * GROUP_SIZE * (usize)i, &x);
  }
  return 1;
}

/* GROUP_SIZE * groups pairs. */
static int SUMS(batch)(SUMS(sum) *sums, u16 *places, const pedersen_entry *tables, const u8 *row, u8 *out, u32 groups,
                       u32 personalization) {
  int plain = personalization == NO_PERSONALIZATION;
  SUMS(step) step = {tables, row, plain ? 0 : -PERSONALIZATION_BITS, WINDOW_BITS, plain ? 0 : personalization};
  SUMS(start)(sums, groups, &step, places);
  for (u32 window = 1; window < PEDERSEN_WINDOWS; window++) {
    step.bit += WINDOW_BITS;
    step.window += PEDERSEN_HALF;
    if (plain && window + 1 == PEDERSEN_WINDOWS) {
      step.window += PEDERSEN_HALF;
      step.width = TAIL_BITS;
    }
    if (!SUMS(add)(sums, groups, &step, places)) return 0;
  }
  return SUMS(finish)(sums, groups, out);
}

/* The parents of `pairs` pairs of nodes; 0 at an exception. A last group that is not full takes pairs that are no one's. */
static i32 SUMS(row)(u8 *tables, const u8 *row, u8 *out, u32 pairs, u32 personalization) {
  u32 most = pairs < PEDERSEN_BATCH ? (pairs + GROUP_SIZE - 1) / GROUP_SIZE : PEDERSEN_BATCH / GROUP_SIZE;
  SUMS(sum) *sums = kernel_alloc(most * sizeof(SUMS(sum)));
  u16 *places = kernel_alloc(most * GROUP_SIZE * sizeof(u16));
  const pedersen_entry *entries = pedersen_aligned(tables);
  u32 whole = pairs / GROUP_SIZE * GROUP_SIZE;
  if (!sums || !places) return NO_MEMORY;
  for (u32 done = 0; done < whole; done += PEDERSEN_BATCH) {
    u32 count = whole - done < PEDERSEN_BATCH ? whole - done : PEDERSEN_BATCH;
    if (!SUMS(batch)(sums, places, entries, row + 64 * (usize)done, out + 32 * (usize)done, count / GROUP_SIZE,
                     personalization))
      return 0;
  }
  if (whole < pairs) {
    u8 last[64 * GROUP_SIZE], parents[32 * GROUP_SIZE];
    for (u32 lane = 0; lane < GROUP_SIZE; lane++)
      __builtin_memcpy(last + 64 * lane, row + 64 * (usize)(lane < pairs - whole ? whole + lane : whole), 64);
    if (!SUMS(batch)(sums, places, entries, last, parents, 1, personalization)) return 0;
    for (u32 i = 0; i < 32 * (pairs - whole); i++) out[32 * (usize)whole + i] = parents[i];
  }
  return OK;
}
#undef FETCH_AHEAD
