/*
 * SDR's labels with the SHA instructions of x86-64, in a file of its own that is compiled for them: the state stays
 * in two registers from the header to the closing block.
 */
#include "sha-ni.h"

NOINLINE void hash_label(u32 *state, const u8 *header, const u8 *blocks, u32 cycle, const u8 *closing) {
  sha_state s = sha_state_of(state);
  hash_block(&s, header);
  for (u32 i = 0, at = 0; cycle > 0 && i < SDR_BLOCKS; i++) {
    hash_block(&s, blocks + 64 * at);
    at = at + 1 == cycle ? 0 : at + 1;
  }
  hash_block(&s, closing);
  sha_state_words(state, &s);
}

i32 sdr_labels_sha(u8 *into, const u8 *previous, u32 nodes, const u8 *replica_id, u32 number, const u32 *parents,
                   u32 low, u32 count) {
  return make_labels(into, previous, nodes, replica_id, number, parents, low, count);
}

/* The labels of the same node of two replicas, in turns. */
NOINLINE void hash_two_labels(u32 (*states)[8], const sdr_replica *r, u32 cycle) {
  sha_state s[2] = {sha_state_of(sha_start), sha_state_of(sha_start)};
  hash_two_blocks(s, r[0].header, r[1].header);
  for (u32 i = 0, at = 0; cycle > 0 && i < SDR_BLOCKS; i++) {
    hash_two_blocks(s, r[0].blocks + 64 * at, r[1].blocks + 64 * at);
    at = at + 1 == cycle ? 0 : at + 1;
  }
  hash_two_blocks(s, r[0].closing, r[1].closing);
  sha_state_words(states[0], &s[0]);
  sha_state_words(states[1], &s[1]);
}

i32 sdr_pair_sha(u8 *first, const u8 *first_previous, u8 *second, const u8 *second_previous, u32 nodes,
                 const u8 *replica_ids, u32 number, const u32 *parents, u32 low, u32 count) {
  u32 degree = number == 1 ? SDR_BASE : SDR_DEGREE;
  sdr_replica r[2];
  open_replica(&r[0], first, first_previous, replica_ids, number);
  open_replica(&r[1], second, second_previous, replica_ids + 32, number);
  for (u32 i = 0; i < count; i++) {
    u32 node = low + i, own[SDR_DEGREE], states[2][8];
    const u32 *from = parents + SDR_DEGREE * (usize)i;
    if (!take_parents(own, from, degree, nodes)) return (i32)i;
    for (int k = 0; k < 2; k++) {
      fill_label(&r[k], node, own, degree);
      if (i + 2 < count) fetch_label(&r[k], from + 2 * SDR_DEGREE, degree);
    }
    hash_two_labels(states, r, node == 0 ? 0 : degree / 2);
    for (int k = 0; k < 2; k++) store_label(&r[k], node, states[k]);
  }
  return OK;
}

/* ---- limits.h, for SHA-256 ---- */

static u32 sum_of(const sha_state *s) {
  u32 words[8];
  sha_state_words(words, s);
  return words[0] ^ words[4];
}

u32 limit_sha256_one_stream_sha(u32 blocks) {
  const u8 message[64] = {1};
  sha_state s = sha_state_of(sha_start);
  for (u32 i = 0; i < blocks; i++) hash_block(&s, message);
  return sum_of(&s);
}

u32 limit_sha256_two_streams_sha(u32 blocks) {
  const u8 messages[128] = {1};
  sha_state s[2] = {sha_state_of(sha_start), sha_state_of(sha_start)};
  for (u32 i = 0; i + 1 < blocks; i += 2) hash_two_blocks(s, messages, messages + 64);
  return sum_of(&s[0]) ^ sum_of(&s[1]);
}

#include "idle-sha.h"
