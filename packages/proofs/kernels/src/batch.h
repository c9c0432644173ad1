/*
 * Additions in a batch, one by one, included by group.h for each group.
 */

#ifndef BATCH
#define BATCH 1024
#endif

typedef struct {
  GROUP(affine) *points;
  u32 count;
  addition jobs[BATCH];
  u8 kinds[BATCH];
  ELEMENT differences[BATCH], products[BATCH];
} GROUP(batch);

NOINLINE void GROUP(flush)(GROUP(batch) *batch) {
  u32 count = batch->count;
  if (count == 0) return;
  ELEMENT run = FIELD(one);
  for (u32 i = 0; i < count; i++) {
    ELEMENT *d = &batch->differences[i];
    batch->kinds[i] = GROUP(prepare)(d, batch->points, batch->jobs[i]);
    batch->products[i] = run;
    FIELD(mul)(&run, d, &run);
  }
  FIELD(inverse)(&run, &run);
  for (u32 i = count; i-- > 0;) {
    ELEMENT inverse;
    FIELD(mul)(&inverse, &run, &batch->products[i]);
    FIELD(mul)(&run, &batch->differences[i], &run);
    GROUP(finish)(batch->points, batch->jobs[i], batch->kinds[i], &inverse);
  }
  batch->count = 0;
}

/* The index of the first point that load refuses, or -1; `chosen` says which points, 0: all. */
static i32 GROUP(load_run)(GROUP(affine) *to, const u8 *bytes, const u32 *chosen, u32 count) {
  for (u32 i = 0; i < count; i++)
    if (!GROUP(load)(&to[i], bytes + POINT_BYTES * (usize)(chosen ? chosen[i] : i))) return (i32)i;
  return OK;
}

static void GROUP(store_run)(u8 *bytes, const GROUP(affine) *from, u32 count) {
  for (u32 i = 0; i < count; i++) GROUP(store)(bytes + POINT_BYTES * (usize)i, &from[i]);
}

/* The endomorphism of each point. */
static void GROUP(endomorphism_run)(GROUP(affine) *to, const GROUP(affine) *from, usize count) {
  for (usize i = 0; i < count; i++) {
    to[i] = from[i];
    GROUP(endomorphism)(&to[i].x, &to[i].y);
  }
}
