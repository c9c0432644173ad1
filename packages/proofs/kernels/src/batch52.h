/*
 * Additions in a batch, eight side by side, included by group.h for each group. Pairs of which one is infinity or
 * whose x may be equal are looked at one by one (group.h's prepare), and get lanes of their own if they are
 * doublings; so runs of equal points cost no more than others.
 */

#ifndef BATCH
#define BATCH 2048
#define LANES 8
#endif

typedef struct {
  GROUP(affine) *points;
  u32 count;
  addition jobs[BATCH];
  u8 kinds[BATCH];
  __mmask8 tangents[BATCH / LANES], takes[BATCH / LANES];
  FIELD(lanes) differences[BATCH / LANES], products[BATCH / LANES];
} GROUP(batch);

/* Kinds and denominators of the lanes in question, none of which is a plain chord for certain. */
NOINLINE void GROUP(prepare_lanes)(GROUP(batch) *batch, u32 at, __mmask8 which, FIELD(lanes) *d) {
  ELEMENT rows[LANES];
  FIELD(lanes_rows)(rows, d);
  const ELEMENT *pointers[LANES];
  u32 vector = at / LANES;
  for (u32 lane = 0; lane < LANES; lane++) {
    pointers[lane] = &rows[lane];
    if (!(which >> lane & 1)) continue;
    u8 kind = at + lane < batch->count ? GROUP(prepare)(&rows[lane], batch->points, batch->jobs[at + lane]) : NOTHING;
    if (kind == NOTHING) rows[lane] = FIELD(one);
    if (kind == TANGENT) batch->tangents[vector] |= (__mmask8)(1u << lane);
    if (kind > TANGENT) batch->takes[vector] |= (__mmask8)(1u << lane);
    batch->kinds[at + lane] = kind;
  }
  FIELD(lanes_gather)(d, pointers);
}

/* Into the fastest cache, some vectors ahead. */
INLINE void GROUP(prefetch)(const GROUP(batch) *batch, u32 at) {
  if (at >= batch->count) return;
  for (u32 lane = 0; lane < LANES; lane++) {
    const addition *job = &batch->jobs[at + lane];
    for (usize line = 0; line < sizeof(ELEMENT); line += 64) {
      __builtin_prefetch((const u8 *)&batch->points[job->a >> 1] + line);
      __builtin_prefetch((const u8 *)&batch->points[job->b >> 1] + line);
    }
  }
}

/* The points of eight jobs; lanes behind the last job stand at its points. */
INLINE void GROUP(operands)(const GROUP(batch) *batch, u32 at, const GROUP(affine) **p, const GROUP(affine) **q) {
  UNROLL for (u32 lane = 0; lane < LANES; lane++) {
    const addition *job = &batch->jobs[at + lane < batch->count ? at + lane : batch->count - 1];
    p[lane] = &batch->points[job->a >> 1];
    q[lane] = &batch->points[job->b >> 1];
  }
}
INLINE void GROUP(gather_x)(FIELD(lanes) *x, const GROUP(affine) *const *points) {
  const ELEMENT *from[LANES];
  UNROLL for (u32 lane = 0; lane < LANES; lane++) from[lane] = &points[lane]->x;
  FIELD(lanes_gather)(x, from);
}
INLINE void GROUP(gather_y)(FIELD(lanes) *y, const GROUP(affine) *const *points) {
  const ELEMENT *from[LANES];
  UNROLL for (u32 lane = 0; lane < LANES; lane++) from[lane] = &points[lane]->y;
  FIELD(lanes_gather)(y, from);
}

/* Eight additions, with the inverses of their denominators. */
INLINE void GROUP(finish_lanes)(GROUP(batch) *batch, u32 at, const FIELD(lanes) *inverse) {
  const GROUP(affine) *p[LANES], *q[LANES];
  FIELD(lanes) px, py, qx, qy, slope, x, y;
  __mmask8 tangents = batch->tangents[at / LANES], takes = batch->takes[at / LANES];
  __mmask8 negative_p = 0, negative_q = 0;
  GROUP(operands)(batch, at, p, q);
  UNROLL for (u32 lane = 0; lane < LANES; lane++) {
    negative_p |= (__mmask8)((batch->jobs[at + lane].a & 1) << lane);
    negative_q |= (__mmask8)((batch->jobs[at + lane].b & 1) << lane);
  }
  GROUP(gather_x)(&px, p);
  GROUP(gather_x)(&qx, q);
  GROUP(gather_y)(&py, p);
  GROUP(gather_y)(&qy, q);
  FIELD(lanes_negate)(&py, negative_p, 2);
  FIELD(lanes_negate)(&qy, negative_q, 2);
  FIELD(lanes_difference)(&slope, &qy, &py, 3);
  FIELD(lanes_carry)(&slope);
  if (tangents) {
    FIELD(lanes) square;
    FIELD(lanes_sqr)(&square, &px);
    FIELD(lanes_triple)(&square);
    FIELD(lanes_choose)(&slope, tangents, &square);
  }
  FIELD(lanes_mul)(&slope, &slope, inverse);
  FIELD(lanes_sqr)(&x, &slope);
  FIELD(lanes_difference)(&x, &x, &px, 3);
  FIELD(lanes_difference)(&x, &x, &qx, 0);
  FIELD(lanes_settle)(&x);
  FIELD(lanes_difference)(&y, &px, &x, 2);
  FIELD(lanes_carry)(&y);
  FIELD(lanes_mul)(&y, &y, &slope);
  FIELD(lanes_difference)(&y, &y, &py, 3);
  FIELD(lanes_settle)(&y);
  ELEMENT x_rows[LANES], y_rows[LANES];
  FIELD(lanes_rows)(x_rows, &x);
  FIELD(lanes_rows)(y_rows, &y);
  for (u32 lane = 0; lane < LANES; lane++) {
    u32 job = at + lane;
    if (takes >> lane & 1) {
      if (batch->kinds[job] != NOTHING) GROUP(finish)(batch->points, batch->jobs[job], batch->kinds[job], 0);
      continue;
    }
    GROUP(affine) *out = &batch->points[batch->jobs[job].out];
    out->x = x_rows[lane];
    out->y = y_rows[lane];
  }
}

NOINLINE void GROUP(flush)(GROUP(batch) *batch) {
  u32 count = batch->count;
  if (count == 0) return;
  FIELD(lanes) run;
  FIELD(lanes_all)(&run, &FIELD(one));
  for (u32 at = 0; at < count; at += LANES) {
    const GROUP(affine) *p[LANES], *q[LANES];
    FIELD(lanes) px, qx, *d = &batch->differences[at / LANES];
    batch->tangents[at / LANES] = batch->takes[at / LANES] = 0;
    GROUP(prefetch)(batch, at + 2 * LANES);
    GROUP(operands)(batch, at, p, q);
    GROUP(gather_x)(&px, p);
    GROUP(gather_x)(&qx, q);
    FIELD(lanes_difference)(d, &qx, &px, 2);
    FIELD(lanes_carry)(d);
    __mmask8 special = FIELD(lanes_all_zero)(&px) | FIELD(lanes_all_zero)(&qx) | FIELD(lanes_maybe_multiple)(d);
    if (count - at < LANES) special |= (__mmask8)(0xffu << (count - at));
    if (special) GROUP(prepare_lanes)(batch, at, special, d);
    batch->products[at / LANES] = run;
    FIELD(lanes_mul)(&run, &run, d);
  }
  FIELD(lanes_inverse)(&run, &run);
  for (u32 at = (count + LANES - 1) / LANES * LANES; at > 0;) {
    at -= LANES;
    FIELD(lanes) inverse;
    FIELD(lanes_mul)(&inverse, &run, &batch->products[at / LANES]);
    FIELD(lanes_mul)(&run, &run, &batch->differences[at / LANES]);
    GROUP(finish_lanes)(batch, at, &inverse);
  }
  batch->count = 0;
}

/* The index of the first point that load refuses, or -1; `chosen` says which points, 0: all. */
static i32 GROUP(load_run)(GROUP(affine) *to, const u8 *bytes, const u32 *chosen, u32 count) {
  FIELD(lanes) x;
  fp_lanes factor;
  fp_lanes_all(&factor, &fp_r2);
  u32 done = 0;
  for (; done + LANES <= count; done += LANES) {
    const ELEMENT *from[2][LANES];
    for (u32 lane = 0; lane < LANES; lane++) {
      const u8 *point = bytes + POINT_BYTES * (usize)(chosen ? chosen[done + lane] : done + lane);
      GROUP(affine) *p = &to[done + lane];
      /* Infinity as zeros, which stay zeros; a flag that no other point has makes a coordinate too large. */
      if (point[0] == 0x40) {
        if (!GROUP(load)(p, point)) return (i32)(done + lane);
      } else if (!(FIELD(unpack)(&p->x, point) & FIELD(unpack)(&p->y, point + POINT_BYTES / 2)))
        return (i32)(done + lane);
      from[0][lane] = &p->x;
      from[1][lane] = &p->y;
    }
    for (u32 side = 0; side < 2; side++) {
      ELEMENT rows[LANES];
      FIELD(lanes_gather)(&x, from[side]);
      FIELD(lanes_scale)(&x, &x, &factor);
      FIELD(lanes_rows)(rows, &x);
      for (u32 lane = 0; lane < LANES; lane++) *(side ? &to[done + lane].y : &to[done + lane].x) = rows[lane];
    }
  }
  for (; done < count; done++)
    if (!GROUP(load)(&to[done], bytes + POINT_BYTES * (usize)(chosen ? chosen[done] : done))) return (i32)done;
  return OK;
}

static void GROUP(store_run)(u8 *bytes, const GROUP(affine) *from, u32 count) {
  static const fp unit = {{1}};
  fp_lanes one;
  fp_lanes_all(&one, &unit);
  u32 done = 0;
  for (; done + LANES <= count; done += LANES) {
    for (u32 side = 0; side < 2; side++) {
      const ELEMENT *coordinates[LANES];
      ELEMENT rows[LANES];
      FIELD(lanes) x;
      for (u32 lane = 0; lane < LANES; lane++)
        coordinates[lane] = side ? &from[done + lane].y : &from[done + lane].x;
      FIELD(lanes_gather)(&x, coordinates);
      FIELD(lanes_scale)(&x, &x, &one);
      FIELD(lanes_rows)(rows, &x);
      for (u32 lane = 0; lane < LANES; lane++)
        FIELD(pack)(bytes + POINT_BYTES * (usize)(done + lane) + side * (POINT_BYTES / 2), &rows[lane]);
    }
    for (u32 lane = 0; lane < LANES; lane++)
      if (GROUP(is_infinity)(&from[done + lane]))
        GROUP(store)(bytes + POINT_BYTES * (usize)(done + lane), &from[done + lane]);
  }
  for (; done < count; done++) GROUP(store)(bytes + POINT_BYTES * (usize)done, &from[done]);
}

/* The endomorphism of each point. */
static void GROUP(endomorphism_run)(GROUP(affine) *to, const GROUP(affine) *from, usize count) {
  for (usize done = 0; done < count; done += LANES) {
    u32 size = count - done < LANES ? (u32)(count - done) : LANES;
    const GROUP(affine) *points[LANES];
    FIELD(lanes) x, y;
    ELEMENT x_rows[LANES], y_rows[LANES];
    for (u32 lane = 0; lane < LANES; lane++) points[lane] = &from[done + (lane < size ? lane : 0)];
    GROUP(gather_x)(&x, points);
    GROUP(gather_y)(&y, points);
    GROUP(endomorphism_lanes)(&x, &y);
    FIELD(lanes_rows)(x_rows, &x);
    FIELD(lanes_rows)(y_rows, &y);
    for (u32 lane = 0; lane < size; lane++) {
      if (GROUP(is_infinity)(points[lane])) to[done + lane] = (GROUP(affine)){0};
      else to[done + lane] = (GROUP(affine)){x_rows[lane], y_rows[lane]};
    }
  }
}
