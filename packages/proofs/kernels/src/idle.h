/*
 * Idle space, hardened: labels in one chain or two at once, and one compression in many chains. Whatever hashes is
 * the including file's: it defines IDLE(name), and idle_blocks and idle_absorb_run, which say what they do below. The
 * messages are those of the TypeScript reference, idle/hardened/labels.ts.
 */
#include "kernel.h"
#include "sdr.h"

#define IDLE_TABLE 12 /* parents in a table: slots 1 to 12 */
#define IDLE_SAMPLED 4
#define IDLE_JOB 72 /* the header of 64 bytes, the number of the first file in 8 */

/*
 * The blocks of one label behind its header, or of one label of each of two streams:
 *   0      file, position, zeros, parent 0
 *   1…6    parents 1 to 12
 *   7      parent 13, parent 0: between two passes
 *   8      parent 13, the end of the message
 */
#define IDLE_BLOCKS 9
typedef struct { u8 bytes[IDLE_BLOCKS * 64]; } idle_message;

typedef struct {
  u8 *into;
  const u8 *previous;
  u32 nodes;
  u32 middle[8]; /* the state behind the header */
  u64 first_file;
  idle_message messages[2]; /* of a label and of the one after it, in turns */
} idle_stream;

/* Hashes message number `turn` of each stream from its middle on, `passes` times over its parents, into `at`. */
NOINLINE void IDLE(blocks)(idle_stream *streams, u32 count, u32 turn, u32 passes, u8 *const *at);
/* The state behind the header of 64 bytes. */
NOINLINE void IDLE(header)(u32 *state, const u8 *header);

INLINE void copy_label(u8 *to, const u8 *from) { __builtin_memcpy(to, from, 32); }

INLINE void store_be64(u8 *at, u64 value) {
  store_be32(at, (u32)(value >> 32));
  store_be32(at + 4, (u32)value);
}

INLINE void idle_open(idle_stream *s, u8 *into, const u8 *previous, u32 nodes, const u8 *job, u32 passes) {
  s->into = into;
  s->previous = previous;
  s->nodes = nodes;
  __builtin_memcpy(s->middle, sha_start, 32);
  IDLE(header)(s->middle, job);
  s->first_file = 0;
  for (int i = 0; i < 8; i++) s->first_file = s->first_file << 8 | job[64 + i];
  for (int turn = 0; turn < 2; turn++) {
    u8 *bytes = s->messages[turn].bytes, *closing = bytes + 8 * 64;
    for (usize i = 0; i < sizeof(idle_message); i++) bytes[i] = 0;
    closing[32] = 0x80;
    store_be32(closing + 60, 8 * (96 + 448 * passes));
  }
}

/* Where a parent's label is; that of node 0 if the number was changed after it was checked and is no node's any more. */
INLINE usize idle_place(const idle_stream *s, const u32 *number) {
  u32 parent = read_once(number);
  return 32 * (usize)(parent < s->nodes ? parent : 0);
}

/*
 * Parents in their places but for number 0; sampled ones of nodes 0 and 1 stay zeros. None of them is the label
 * before, so that they are gathered while that is hashed.
 */
INLINE void idle_gather(idle_stream *s, const u32 *own, u32 node, u32 file_log) {
  u8 *bytes = s->messages[node & 1].bytes;
  const u8 *straight = s->previous + 32 * (usize)node;
  store_be64(bytes, s->first_file + (node >> file_log));
  store_be32(bytes + 12, node & ((1u << file_log) - 1));
  for (int k = 0; k < IDLE_SAMPLED && node > 1; k++) copy_label(bytes + 64 + 32 * k, s->into + idle_place(s, own + k));
  for (int k = IDLE_SAMPLED; k < IDLE_TABLE; k++)
    copy_label(bytes + 64 + 32 * k, s->previous + idle_place(s, own + k));
  copy_label(bytes + 7 * 64, straight);
  copy_label(bytes + 8 * 64, straight);
}

/* Parent number 0. */
INLINE void idle_follow(idle_stream *s, u32 node) {
  u8 *bytes = s->messages[node & 1].bytes;
  if (node == 0) return;
  copy_label(bytes + 32, s->into + 32 * (usize)(node - 1));
  copy_label(bytes + 7 * 64 + 32, s->into + 32 * (usize)(node - 1));
}

#ifndef IDLE_AHEAD
#define IDLE_AHEAD 6
#endif
INLINE void idle_prefetch(const idle_stream *s, const u32 *own) {
  for (int k = 0; k < IDLE_SAMPLED; k++) __builtin_prefetch(s->into + 32 * (usize)own[k]);
  for (int k = IDLE_SAMPLED; k < IDLE_TABLE; k++) __builtin_prefetch(s->previous + 32 * (usize)own[k]);
}

/*
 * Labels low … low + count − 1 of one layer of one set, or of two if `into_two` is not 0; a file has 2^file_log of
 * them. `jobs`: for each stream the 64 bytes that its labels begin with and the number of its first file.
 * Index of the first node whose parents are no nodes, or -1.
 */
INLINE i32 idle_run(u8 *into, const u8 *previous, u8 *into_two, const u8 *previous_two, u32 nodes, const u8 *jobs,
                    u32 file_log, u32 passes, const u32 *parents, u32 low, u32 count) {
  idle_stream streams[2];
  u32 used = into_two ? 2 : 1;
  idle_open(&streams[0], into, previous, nodes, jobs, passes);
  if (used == 2) idle_open(&streams[1], into_two, previous_two, nodes, jobs + IDLE_JOB, passes);
  for (usize i = 0; i < IDLE_TABLE * (usize)count; i++)
    if (parents[i] >= nodes) return (i32)(i / IDLE_TABLE);
  for (u32 s = 0; s < used && count > 0; s++) idle_gather(&streams[s], parents, low, file_log);
  for (u32 i = 0; i < count; i++) {
    u32 node = low + i;
    const u32 *own = parents + IDLE_TABLE * (usize)i;
    u8 *at[2];
    for (u32 s = 0; s < used; s++) {
      idle_follow(&streams[s], node);
      if (i + IDLE_AHEAD < count) idle_prefetch(&streams[s], own + IDLE_TABLE * IDLE_AHEAD);
      if (i + 1 < count) idle_gather(&streams[s], own + IDLE_TABLE, node + 1, file_log);
      at[s] = streams[s].into + 32 * (usize)node;
    }
    IDLE(blocks)(streams, used, node & 1, passes, at);
  }
  return OK;
}

/* A strided row of halves of blocks. */
INLINE const u8 *half_at(const u8 *row, u32 stride, usize i) { return row + stride * i; }
