/*
 * Labels of idle files in the compatibility profile, several at a time: whole layers by their graph alone
 * (cess_direct), and by the tables of the positions that can be parents (cess_hot, cess_columns). The rules are those
 * of the TypeScript reference, idle/cess/graph.ts and label.ts.
 *
 * A position is hot if the graph can choose it: 256 in each of `degree` groups, by a byte r that is drawn for the
 * group. Hot position number 256·group + r is row 256·group + r of a table. Rows and labels have 64 bytes.
 */
#ifndef HOLDFAST_CESS_H
#define HOLDFAST_CESS_H
#ifndef MESSAGES
#ifdef __AVX2__
#define MESSAGES 4
#define PIECE_BYTES 32
#else
#define MESSAGES 2
#endif
#endif
#include "sha512.h"

#define ROW 64
#define CESS_MAX_DEGREE 128

/* What all labels of a file share; the host gives it as 64 bytes: the head of a label's message, then four words. */
typedef struct {
  u64 words[6];  /* miner id, cluster, file number */
  u32 nodes, degree, logical, real;
  u32 group;     /* positions of a group */
  u32 spread;    /* group / 256 */
  u32 group_log, spread_log;
  u64 label_head[8], parents_head[8];
  u64 closing[80];
} cess_file;

INLINE u64 load_be64(const u8 *at) {
  u64 word;
  __builtin_memcpy(&word, at, 8);
  return __builtin_bswap64(word);
}
INLINE u32 file_word(const u8 *at) {
  u32 word;
  __builtin_memcpy(&word, at, 4);
  return word;
}

static void cess_read_file(cess_file *f, const u8 *head, int has_before) {
  for (int i = 0; i < 6; i++) f->words[i] = load_be64(head + 8 * i);
  f->nodes = file_word(head + 48), f->degree = file_word(head + 52);
  f->logical = file_word(head + 56), f->real = file_word(head + 60);
  f->group_log = (u32)__builtin_ctz(f->nodes) - (u32)__builtin_ctz(f->degree);
  f->spread_log = f->group_log - 8;
  f->group = 1u << f->group_log, f->spread = 1u << f->spread_log;
  u64 drawn[6], last[16] = {0};
  for (int i = 0; i < 5; i++) drawn[i] = f->words[i];
  drawn[5] = f->real;
  sha512_head(f->label_head, f->words, 6);
  sha512_head(f->parents_head, drawn, 6);
  if (has_before) last[15] = 8 * 244;
  sha512_keys(f->closing, last);
}

/* Position of a hot row within its group. */
INLINE u32 lattice(const cess_file *f, u32 r) { return (r << f->spread_log) + (r & (f->spread - 1)); }
INLINE u32 hot_position(const cess_file *f, u32 row) {
  return ((row >> 8) << f->group_log) + lattice(f, row & 255);
}
/* The row of a hot position, or -1. */
INLINE i32 hot_row(const cess_file *f, u32 position) {
  u32 rest = position & (f->group - 1), r = rest >> f->spread_log;
  return ((rest ^ r) & (f->spread - 1)) == 0 ? (i32)((position >> f->group_log) << 8 | r) : -1;
}

/* ---- rows ---- */

#ifndef PIECE_BYTES
#define PIECE_BYTES 16
#endif
#define PIECES (ROW / PIECE_BYTES)
typedef u64 piece __attribute__((vector_size(PIECE_BYTES), aligned(1), may_alias));
typedef u64 whole_piece __attribute__((vector_size(PIECE_BYTES)));
typedef struct { whole_piece v[PIECES]; } row;

VECTORS INLINE void row_zero(row *r) {
  UNROLL for (int i = 0; i < PIECES; i++) r->v[i] = (whole_piece){0};
}
VECTORS INLINE void row_xor(row *r, const u8 *at) {
  UNROLL for (int i = 0; i < PIECES; i++) r->v[i] ^= ((const piece *)at)[i];
}
VECTORS INLINE void row_store(u8 *at, const row *r) {
  UNROLL for (int i = 0; i < PIECES; i++) ((piece *)at)[i] = r->v[i];
}
VECTORS INLINE void row_copy(u8 *to, const u8 *from) {
  UNROLL for (int i = 0; i < PIECES; i++) ((piece *)to)[i] = ((const piece *)from)[i];
}
VECTORS INLINE void row_add(u8 *to, const u8 *from) {
  UNROLL for (int i = 0; i < PIECES; i++) ((piece *)to)[i] ^= ((const piece *)from)[i];
}

/* Word j of every row into w[j], and back: big-endian bytes. */
#ifndef MESSAGES_TRANSPOSED
VECTORS INLINE void load_labels(wide *w, const u8 *const *rows) {
  UNROLL for (int j = 0; j < 8; j++) {
    UNROLL for (int l = 0; l < MESSAGES; l++) w[j][l] = load_be64(rows[l] + 8 * j);
  }
}
VECTORS INLINE void store_labels(u8 *const *rows, const wide *w) {
  UNROLL for (int j = 0; j < 8; j++) {
    UNROLL for (int l = 0; l < MESSAGES; l++) {
      u64 word = __builtin_bswap64(w[j][l]);
      __builtin_memcpy(rows[l] + 8 * j, &word, 8);
    }
  }
}
#endif

/* The same word in all lanes. */
#define SPREAD64(word) ((word) - (wide){0})

/* ---- a cess_batch of labels ---- */

/* Some positions of one file, worked on together; lanes without one repeat the first. */
typedef struct {
  u32 count;
  u32 position[MESSAGES];
  u8 drawn[MESSAGES][CESS_MAX_DEGREE]; /* a byte for each group */
  u8 sum[MESSAGES][ROW];               /* of the parents' labels */
  const u8 *elders[MESSAGES], *before[MESSAGES];
  u8 *into[MESSAGES];
} cess_batch;

VECTORS INLINE wide node_ids(const cess_file *f, const cess_batch *b) {
  u64 base = (u64)f->logical * f->nodes;
  wide ids;
  UNROLL for (int l = 0; l < MESSAGES; l++) ids[l] = base + b->position[l];
  return ids;
}

/* The bytes that choose the parents. */
VECTORS NOINLINE void draw(const cess_file *f, cess_batch *b) {
  wide s[8], w[16], first[8];
  for (int k = 0; k < 8; k++) s[k] = SPREAD64(f->parents_head[k]);
  for (int i = 0; i < 5; i++) w[i] = SPREAD64(f->words[i]);
  w[5] = SPREAD64((u64)f->real), w[6] = node_ids(f, b), w[7] = SPREAD64(1ull << 63);
  for (int i = 8; i < 15; i++) w[i] = SPREAD64(0ull);
  w[15] = SPREAD64(8 * 56ull);
  sha512_rounds(s, w, 6);
  for (int k = 0; k < 8; k++) first[k] = s[k] + SPREAD64(sha512_start[k]);
  u8 *rows[MESSAGES];
  for (int l = 0; l < MESSAGES; l++) rows[l] = b->drawn[l];
  store_labels(rows, first);
  if (f->degree <= 64) return;
  for (int k = 0; k < 8; k++) s[k] = SPREAD64(sha512_start[k]), w[k] = first[k];
  w[8] = SPREAD64(1ull << 63);
  for (int i = 9; i < 15; i++) w[i] = SPREAD64(0ull);
  w[15] = SPREAD64(8 * 64ull);
  sha512_rounds(s, w, 0);
  for (int k = 0; k < 8; k++) s[k] += SPREAD64(sha512_start[k]);
  for (int l = 0; l < MESSAGES; l++) rows[l] = b->drawn[l] + 64;
  store_labels(rows, s);
}

static const u8 no_row[ROW];

/* The messages' words lie four bytes beside those of the labels in them. */
#define BETWEEN(x, y) ((x) << 32 | (y) >> 32)

VECTORS NOINLINE void hash_labels(const cess_file *f, cess_batch *b, int has_before) {
  wide state[8], s[8], w[16], x[8], e[8], o[8];
  const u8 *sums[MESSAGES];
  for (int l = 0; l < MESSAGES; l++) sums[l] = b->sum[l];
  load_labels(x, sums);
  load_labels(e, b->elders);
  for (int i = 0; i < 6; i++) w[i] = SPREAD64(f->words[i]);
  w[6] = node_ids(f, b) << 32 | x[0] >> 32;
  for (int i = 0; i < 7; i++) w[7 + i] = BETWEEN(x[i], x[i + 1]);
  w[14] = BETWEEN(x[7], e[0]), w[15] = BETWEEN(e[0], e[1]);
  for (int k = 0; k < 8; k++) s[k] = SPREAD64(f->label_head[k]);
  sha512_rounds(s, w, 6);
  for (int k = 0; k < 8; k++) s[k] = state[k] = s[k] + SPREAD64(sha512_start[k]);
  for (int i = 0; i < 6; i++) w[i] = BETWEEN(e[i + 1], e[i + 2]);
  if (has_before) {
    load_labels(o, b->before);
    w[6] = BETWEEN(e[7], o[0]);
    for (int i = 0; i < 7; i++) w[7 + i] = BETWEEN(o[i], o[i + 1]);
    w[14] = o[7] << 32 | SPREAD64(1ull << 31), w[15] = SPREAD64(0ull);
  } else {
    w[6] = e[7] << 32 | SPREAD64(1ull << 31);
    for (int i = 7; i < 15; i++) w[i] = SPREAD64(0ull);
    w[15] = SPREAD64(8 * 180ull);
  }
  sha512_rounds(s, w, 0);
  for (int k = 0; k < 8; k++) state[k] += s[k];
  if (has_before) sha512_fixed_block(state, f->closing);
  store_labels(b->into, state);
}

/* Whether the parent beside the straight one is also drawn for the next group: it counts once. */
INLINE int drawn_again(const cess_file *f, const u8 *drawn, u32 position) {
  u32 next = (position + 1) & (f->nodes - 1);
  return (next & (f->group - 1)) == 0 && drawn[next >> f->group_log] == 0;
}

/* Lanes that nobody asked for compute the first position again, where nobody looks. */
VECTORS static void finish_batch(const cess_file *f, cess_batch *b, int has_before, u8 *spare) {
  for (u32 l = b->count; l < MESSAGES; l++) {
    b->elders[l] = b->elders[0], b->before[l] = b->before[0], b->into[l] = spare;
    b->position[l] = b->position[0];
    row_copy(b->sum[l], b->sum[0]);
  }
  hash_labels(f, b, has_before);
}

INLINE void fill_positions(cess_batch *b) {
  for (u32 l = b->count; l < MESSAGES; l++) b->position[l] = b->position[0];
}

/* ---- whole layers by the graph alone ---- */

VECTORS INLINE void sum_direct(const cess_file *f, cess_batch *b, u32 l, const u8 *own, const u8 *previous) {
  const u8 *drawn = b->drawn[l];
  u32 position = b->position[l], group = position >> f->group_log;
  row sum;
  row_zero(&sum);
  row_xor(&sum, previous + ROW * (usize)position);
  for (u32 i = 0; i < f->degree; i++) {
    u32 at = (i << f->group_log) + lattice(f, drawn[i]);
    const u8 *layer = i < group || (i == group && at < position) ? own : previous;
    if (at == position) {
      if (drawn_again(f, drawn, position)) continue;
      at = (at + 1) & (f->nodes - 1);
      layer = at == 0 ? own : previous;
    }
    row_xor(&sum, layer + ROW * (usize)at);
  }
  row_store(b->sum[l], &sum);
}

/* Positions from `low` on, in order; the own layer is whole up to there. Elders, before: rows of positions, or 0. */
ENTRY VECTORS i32 EXPORT(cess_direct)(u8 *into, const u8 *previous, const u8 *elders, const u8 *before, const u8 *head,
                                      u32 low, u32 count) {
  cess_file f;
  cess_batch b;
  u8 spare[ROW];
  cess_read_file(&f, head, before != 0);
  for (u32 at = low, end = low + count; at < end; at += b.count) {
    u32 left = end - at, here = f.group - (at & (f.group - 1));
    b.count = left < MESSAGES ? left : MESSAGES;
    if (b.count > here) b.count = here;
    for (u32 l = 0; l < b.count; l++) b.position[l] = at + l;
    fill_positions(&b);
    if (previous) draw(&f, &b);
    for (u32 l = 0; l < b.count; l++) {
      u32 position = at + l, group = position >> f.group_log;
      if (previous) {
        /* a parent in this very cess_batch is not there yet: the cess_batch ends before */
        u32 parent = (group << f.group_log) + lattice(&f, b.drawn[l][group]);
        if (parent >= at && parent < position) {
          b.count = l;
          break;
        }
        sum_direct(&f, &b, l, into, previous);
      } else row_copy(b.sum[l], no_row);
      b.elders[l] = elders ? elders + ROW * (usize)position : no_row;
      b.before[l] = before ? before + ROW * (usize)position : no_row;
      b.into[l] = into + ROW * (usize)position;
    }
    finish_batch(&f, &b, before != 0, spare);
  }
  return OK;
}

/* ---- by tables ---- */

/* All but the own group's parent. */
VECTORS INLINE void sum_tables(const cess_file *f, row *sum, const u8 *drawn, u32 group, const u8 *own,
                               const u8 *previous) {
  for (u32 i = 0; i < group; i++) row_xor(sum, own + ROW * ((usize)i << 8 | drawn[i]));
  for (u32 i = group + 1; i < f->degree; i++) row_xor(sum, previous + ROW * ((usize)i << 8 | drawn[i]));
}

/* The label that takes the place of a drawn straight parent. */
INLINE const u8 *row_after(const cess_file *f, u32 position, const u8 *own, const u8 *previous, const u8 *next) {
  if (position + 1 == f->nodes) return own;
  i32 hot = hot_row(f, position + 1);
  return hot >= 0 ? previous + ROW * (usize)hot : next;
}

/*
 * The table of a file: all hot positions in order. `previous` is the table of the layer before (0: there is none),
 * elders, before and next are rows of the same order: what lies after each position in the layer before is `next`.
 * The labels are added to `sums`, if there is one.
 */
ENTRY VECTORS i32 EXPORT(cess_hot)(u8 *table, const u8 *previous, const u8 *elders, const u8 *before, const u8 *next,
                                   u8 *sums, const u8 *head) {
  cess_file f;
  cess_batch b;
  u8 spare[ROW];
  cess_read_file(&f, head, before != 0);
  for (u32 at = 0, end = 256 * f.degree; at < end; at += b.count) {
    u32 group = at >> 8, left = 256 - (at & 255);
    b.count = left < MESSAGES ? left : MESSAGES;
    for (u32 l = 0; l < b.count; l++) b.position[l] = hot_position(&f, at + l);
    fill_positions(&b);
    if (previous) draw(&f, &b);
    for (u32 l = 0; l < b.count; l++) {
      usize own = ROW * (usize)(at + l);
      if (previous) {
        const u8 *drawn = b.drawn[l];
        u32 parent = group << 8 | drawn[group];
        if (parent >= at && parent < at + l) {
          b.count = l;
          break;
        }
        row sum;
        row_zero(&sum);
        row_xor(&sum, previous + own);
        sum_tables(&f, &sum, drawn, group, table, previous);
        if (parent != at + l) row_xor(&sum, (parent < at + l ? table : previous) + ROW * (usize)parent);
        else if (!drawn_again(&f, drawn, b.position[l]))
          row_xor(&sum, row_after(&f, b.position[l], table, previous, next + own));
        row_store(b.sum[l], &sum);
      } else row_copy(b.sum[l], no_row);
      b.elders[l] = elders ? elders + own : no_row;
      b.before[l] = before ? before + own : no_row;
      b.into[l] = table + own;
    }
    finish_batch(&f, &b, before != 0, spare);
    if (sums)
      for (u32 l = 0; l < b.count; l++) row_add(sums + ROW * (usize)(at + l), b.into[l]);
  }
  return OK;
}

/*
 * Columns of a file whose table is whole: `count` adjacent positions from `low` on, or (beside) the positions after
 * the hot ones of the table's rows from `low` on. Rows of into, straight (the layer before), elders, before and sums
 * are in that order from the first; `into` may be `straight`. Hot positions are copied; the one after the last
 * position of all is left as it is.
 */
ENTRY VECTORS i32 EXPORT(cess_columns)(u8 *into, const u8 *table, const u8 *previous, const u8 *straight,
                                       const u8 *elders, const u8 *before, u8 *sums, const u8 *head, u32 low,
                                       u32 count, u32 beside) {
  cess_file f;
  cess_batch b;
  u8 spare[ROW];
  cess_read_file(&f, head, before != 0);
  for (u32 at = 0; at < count;) {
    usize rows[MESSAGES];
    for (b.count = 0; at < count && b.count < MESSAGES; at++) {
      u32 position = beside ? hot_position(&f, low + at) + 1 : low + at;
      usize own = ROW * (usize)at;
      if (position >= f.nodes) continue;
      i32 hot = hot_row(&f, position);
      if (hot >= 0) {
        row_copy(into + own, table + ROW * (usize)hot);
        if (sums) row_add(sums + own, into + own);
        continue;
      }
      b.position[b.count] = position, rows[b.count] = own;
      b.elders[b.count] = elders ? elders + own : no_row;
      b.before[b.count] = before ? before + own : no_row;
      b.into[b.count++] = into + own;
    }
    if (b.count == 0) continue;
    fill_positions(&b);
    if (previous) draw(&f, &b);
    for (u32 l = 0; l < b.count; l++) {
      if (!previous) {
        row_copy(b.sum[l], no_row);
        continue;
      }
      const u8 *drawn = b.drawn[l];
      u32 position = b.position[l], group = position >> f.group_log, parent = group << 8 | drawn[group];
      row sum;
      row_zero(&sum);
      row_xor(&sum, straight + rows[l]);
      sum_tables(&f, &sum, drawn, group, table, previous);
      row_xor(&sum, (hot_position(&f, parent) < position ? table : previous) + ROW * (usize)parent);
      row_store(b.sum[l], &sum);
    }
    finish_batch(&f, &b, before != 0, spare);
    if (sums)
      for (u32 l = 0; l < b.count; l++) row_add(sums + rows[l], b.into[l]);
  }
  return OK;
}
#endif
