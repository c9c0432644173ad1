/*
 * Idle space with the SHA instructions of x86-64, for a unit that is compiled for them: two streams, and two chains,
 * are hashed in turns, so that each waits for its own latency only.
 */
#define IDLE(name) idle_##name##_ni
#include "idle.h"

NOINLINE void idle_header_ni(u32 *state, const u8 *header) {
  sha_state s = sha_state_of(state);
  hash_block(&s, header);
  sha_state_words(state, &s);
}

INLINE void store_digest(u8 *at, const sha_state *s) {
  u32 words[8];
  sha_state_words(words, s);
  for (int k = 0; k < 8; k++) store_be32(at + 4 * k, words[k]);
}

NOINLINE void idle_blocks_ni(idle_stream *streams, u32 count, u32 turn, u32 passes, u8 *const *at) {
  sha_state s[2] = {sha_state_of(streams[0].middle), sha_state_of(streams[count - 1].middle)};
  const u8 *first = streams[0].messages[turn].bytes, *second = streams[count - 1].messages[turn].bytes;
  u32 blocks = 7 * passes + 1, block = 0;
  for (u32 i = 0; i < blocks; i++) {
    u32 from = 64 * (i + 1 == blocks ? 8 : block);
    if (count == 1) hash_block(&s[0], first + from);
    else hash_two_blocks(s, first + from, second + from);
    block = block == 7 ? 1 : block + 1;
  }
  for (u32 i = 0; i < count; i++) store_digest(at[i], &s[i]);
}

i32 idle_labels_sha(u8 *into, const u8 *previous, u8 *into_two, const u8 *previous_two, u32 nodes, const u8 *jobs,
                    u32 file_log, u32 passes, const u32 *parents, u32 low, u32 count) {
  return idle_run(into, previous, into_two, previous_two, nodes, jobs, file_log, passes, parents, low, count);
}

void idle_absorb_sha(u8 *states, const u8 *left, u32 left_stride, const u8 *right, u32 right_stride, u32 count,
                     u32 trim) {
  for (u32 i = 0; i < count; i += 2) {
    u8 blocks[2][64];
    u32 words[8];
    sha_state s[2];
    u32 pair = i + 1 < count ? 2 : 1;
    for (u32 k = 0; k < 2; k++) {
      usize own = k < pair ? i + k : i;
      copy_label(blocks[k], half_at(left, left_stride, own));
      copy_label(blocks[k] + 32, half_at(right, right_stride, own));
      for (int w = 0; w < 8; w++) {
        __builtin_memcpy(&words[w], states + 32 * own + 4 * w, 4);
        words[w] = __builtin_bswap32(words[w]);
      }
      s[k] = sha_state_of(words);
    }
    hash_two_blocks(s, blocks[0], blocks[1]);
    for (u32 k = 0; k < pair; k++) {
      u8 *at = states + 32 * (usize)(i + k);
      store_digest(at, &s[k]);
      if (trim) at[31] &= 0x3f;
    }
  }
}
