/*
 * A run of nodes of one ZigZag layer whose keys come from Poseidon of arity 16, node by node. The numbers of the
 * instance are those of poseidon.h.
 */
#ifndef HOLDFAST_ZIGZAG_POSEIDON_H
#define HOLDFAST_ZIGZAG_POSEIDON_H
#include "poseidon.h"
#include "zigzag.h"

/* The same with keys by Poseidon; also the index of the first node with a parent that is not canonical. */
ENTRY i32 EXPORT(zigzag_poseidon)(const fr *numbers, u32 partial_rounds, u8 *layer, const u8 *source, u32 nodes,
                                  const u8 *replica_id, u32 number, const u32 *parents, const u8 *counts, u32 low, u32 count, u32 flags) {
  zigzag_run run = {layer, source, nodes, replica_id, number, parents, counts, low, count, flags};
  fr fixed[2];
  if (!fr_is_canonical(replica_id)) return 0;
  fr_load(&fixed[0], key_domain());
  fr_load(&fixed[1], replica_id);
  for (u32 done = 0; done < count; done++) {
    u32 i = flags & DESCENDING ? count - 1 - done : done;
    fr state[17];
    u8 header[32], key[32];
    if (!parents_fit(&run, i)) return (i32)i;
    key_header(header, &run, i);
    state[0] = numbers[0];
    state[1] = fixed[0];
    state[2] = fixed[1];
    fr_load(&state[3], header);
    for (u32 k = 0; k < ZIGZAG_DEGREE; k++) {
      const u8 *parent = slot_of(&run, i, k);
      if (parent == no_node) state[4 + k] = (fr){{0}};
      else if (!fr_is_canonical(parent)) return (i32)i;
      else fr_load(&state[4 + k], parent);
    }
    permute(state, numbers, 17, partial_rounds);
    fr_store(key, &state[1]);
    change_by(&run, i, key);
  }
  return OK;
}
#endif
