/*
 * A run of labels of one SDR layer, whatever hashes them: the including file has hash_label. Parents are six of
 * the same layer and eight of the layer before; a label of the first layer takes the six alone.
 */
#ifndef HOLDFAST_SDR_H
#define HOLDFAST_SDR_H
#include "degrees.h"
#include "kernel.h"

#define SDR_BLOCKS 18 /* blocks with two parents each; the 37th parent is in the closing block */
#define SDR_MAX_CYCLE 7

static const u32 sha_start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
static const u32 sha_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

NOINLINE void hash_label(u32 *state, const u8 *header, const u8 *blocks, u32 cycle, const u8 *closing);

INLINE void store_be32(u8 *at, u32 value) {
  value = __builtin_bswap32(value);
  __builtin_memcpy(at, &value, 4);
}

/* The end of a message of so many bytes. */
INLINE void close_message(u8 *block, u32 from, u32 bytes) {
  for (u32 i = from; i < 64; i++) block[i] = 0;
  block[from] = 0x80;
  store_be32(block + 60, 8 * bytes);
}

/* A layer of one replica, and the message of one of its labels: what is between header and closing is said once. */
typedef struct {
  u8 *into;
  const u8 *previous;
  u8 header[64], blocks[64 * SDR_MAX_CYCLE], closing[64];
} sdr_replica;

INLINE void open_replica(sdr_replica *r, u8 *into, const u8 *previous, const u8 *replica_id, u32 number) {
  r->into = into;
  r->previous = previous;
  for (int i = 0; i < 64; i++) r->header[i] = 0;
  __builtin_memcpy(r->header, replica_id, 32);
  store_be32(r->header + 32, number);
}

INLINE const u8 *sdr_parent(const sdr_replica *r, const u32 *parents, u32 slot) {
  return (slot < SDR_BASE ? r->into : r->previous) + 32 * (usize)parents[slot];
}

INLINE void fill_label(sdr_replica *r, u32 node, const u32 *parents, u32 degree) {
  store_be32(r->header + 40, node);
  for (u32 slot = 0; slot < degree; slot++)
    __builtin_memcpy(r->blocks + 32 * slot, sdr_parent(r, parents, slot), 32);
  /* parent number 37, counting from 1, is that of slot 36 mod degree */
  __builtin_memcpy(r->closing, r->blocks + 32 * (36 % degree), 32);
  if (node == 0) close_message(r->closing, 0, 64);
  else close_message(r->closing, 32, 1248);
}

INLINE void store_label(sdr_replica *r, u32 node, const u32 *state) {
  u8 *at = r->into + 32 * (usize)node;
  for (int k = 0; k < 8; k++) store_be32(at + 4 * k, state[k]);
  at[31] &= 0x3f;
}

/* Asks the cache for the parents of a node that comes soon; the first is the label that is just being made. */
INLINE void fetch_label(const sdr_replica *r, const u32 *parents, u32 degree) {
  for (u32 slot = 1; slot < degree; slot++) __builtin_prefetch(sdr_parent(r, parents, slot));
}

/* Copies a node's parents, where nobody changes them, and says whether all of them are nodes. */
INLINE int take_parents(u32 *own, const u32 *parents, u32 degree, u32 nodes) {
  u32 most = 0;
  for (u32 slot = 0; slot < degree; slot++) {
    own[slot] = read_once(&parents[slot]);
    most = own[slot] > most ? own[slot] : most;
  }
  return most < nodes;
}

/* Index of the first node whose parents are no nodes, or -1. */
INLINE i32 make_labels(u8 *into, const u8 *previous, u32 nodes, const u8 *replica_id, u32 number, const u32 *parents,
                       u32 low, u32 count) {
  u32 degree = number == 1 ? SDR_BASE : SDR_DEGREE;
  sdr_replica replica;
  open_replica(&replica, into, previous, replica_id, number);
  for (u32 i = 0; i < count; i++) {
    u32 node = low + i, own[SDR_DEGREE], state[8];
    const u32 *from = parents + SDR_DEGREE * (usize)i;
    if (!take_parents(own, from, degree, nodes)) return (i32)i;
    fill_label(&replica, node, own, degree);
    if (i + 2 < count) fetch_label(&replica, from + 2 * SDR_DEGREE, degree);
    __builtin_memcpy(state, sha_start, 32);
    hash_label(state, replica.header, replica.blocks, node == 0 ? 0 : degree / 2, replica.closing);
    store_label(&replica, node, state);
  }
  return OK;
}
#endif
