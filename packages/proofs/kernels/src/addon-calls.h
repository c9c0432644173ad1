/*
 * A function of Node-API for each kernel: it takes the arguments, checks their lengths against each other, calls.
 * A part of addon.c.
 */
#ifndef HOLDFAST_ADDON_CALLS_H
#define HOLDFAST_ADDON_CALLS_H

static napi_value call_fr_load_run(napi_env env, napi_callback_info info) {
  call c = begin(env, info, 3);
  u32 count = number(&c, 2, MAX_COUNT);
  fr *to = elements(&c, 0, count);
  bytes from = array(&c, 1, 32ull * count);
  if (!c.failed) c.table->fr_load_run(to, from.at, count);
  return status(&c, OK);
}

static napi_value call_poseidon_row(napi_env env, napi_callback_info info) {
  call c = begin(env, info, 6);
  u64 width = number(&c, 1, 37), partial = number(&c, 2, 1000), groups = number(&c, 5, MAX_COUNT);
  if (width < 2) refuse(&c, "kernels: a width is out of range");
  else if ((width - 1) * groups > MAX_COUNT) refuse(&c, "kernels: a number is out of range"); /* answers name elements */
  const fr *numbers = elements(&c, 0, 1 + 8 * width + 2 * width * width + 2 * width * partial);
  bytes row = array(&c, 3, 32 * (width - 1) * groups), out = array(&c, 4, 32 * groups);
  i32 result = OK;
  if (!c.failed)
    result = c.table->poseidon_row(numbers, (u32)width, (u32)partial, row.at, out.at, (u32)groups);
  return status(&c, result);
}

static napi_value call_fft(napi_env env, napi_callback_info info) {
  call c = begin(env, info, 6);
  u32 log = number(&c, 1, 31);
  bytes values = array(&c, 0, 32ull << log);
  bytes root = array(&c, 2, 32), before = array_or_none(&c, 3, 32);
  bytes scale = array(&c, 4, 32), after = array_or_none(&c, 5, 32);
  i32 result = OK;
  if (!c.failed) result = c.table->fft(values.at, log, root.at, before.at, scale.at, after.at);
  return status(&c, result);
}

static napi_value call_quotient(napi_env env, napi_callback_info info) {
  call c = begin(env, info, 5);
  u32 log = number(&c, 3, 31);
  bytes x = array(&c, 0, 32ull << log), y = array(&c, 1, 32ull << log), z = array(&c, 2, 32ull << log);
  bytes constants = array(&c, 4, 6 * 32);
  i32 result = OK;
  if (!c.failed) result = c.table->quotient(x.at, y.at, z.at, log, constants.at);
  return status(&c, result);
}

static napi_value call_zigzag_blake2s(napi_env env, napi_callback_info info) {
  call c = begin(env, info, 10);
  u32 nodes = number(&c, 2, MAX_COUNT), layer = number(&c, 4, 0xffff);
  u32 count = number(&c, 8, nodes), low = number(&c, 7, nodes - count), flags = number(&c, 9, 3);
  bytes all = array(&c, 0, 32ull * nodes), source = array(&c, 1, 32ull * nodes), replica = array(&c, 3, 32);
  bytes counts = array(&c, 6, count);
  const u32 *parents = words(&c, 5, 13ull * count);
  keep_apart(&c, all, parents, 52ull * count);
  keep_apart(&c, all, counts.at, count);
  i32 result = OK;
  if (!c.failed)
    result = c.table->zigzag_blake2s(all.at, source.at, nodes, replica.at, layer, parents, counts.at, low, count,
                                     flags);
  return status(&c, result);
}

static napi_value call_zigzag_poseidon(napi_env env, napi_callback_info info) {
  call c = begin(env, info, 12);
  u64 partial = number(&c, 1, 1000);
  const fr *numbers = elements(&c, 0, 1 + 8 * 17 + 2 * 17 * 17 + 2 * 17 * partial);
  u32 nodes = number(&c, 4, MAX_COUNT), layer = number(&c, 6, 0xffff);
  u32 count = number(&c, 10, nodes), low = number(&c, 9, nodes - count), flags = number(&c, 11, 3);
  bytes all = array(&c, 2, 32ull * nodes), source = array(&c, 3, 32ull * nodes), replica = array(&c, 5, 32);
  bytes counts = array(&c, 8, count);
  const u32 *parents = words(&c, 7, 13ull * count);
  keep_apart(&c, all, parents, 52ull * count);
  keep_apart(&c, all, counts.at, count);
  i32 result = OK;
  if (!c.failed)
    result = c.table->zigzag_poseidon(numbers, (u32)partial, all.at, source.at, nodes, replica.at, layer, parents,
                                      counts.at, low, count, flags);
  return status(&c, result);
}

static napi_value call_zigzag_era(napi_env env, napi_callback_info info) {
  call c = begin(env, info, 8);
  u32 nodes = number(&c, 1, MAX_COUNT);
  u32 count = number(&c, 6, nodes), low = number(&c, 5, nodes - count), flags = number(&c, 7, 3);
  bytes all = array(&c, 0, 32ull * nodes), replica = array(&c, 2, 32), counts = array(&c, 4, count);
  const u32 *parents = words(&c, 3, 13ull * count);
  keep_apart(&c, all, parents, 52ull * count);
  keep_apart(&c, all, counts.at, count);
  return status(&c, c.failed ? OK : c.table->zigzag_era(all.at, nodes, replica.at, parents, counts.at, low, count, flags));
}

static napi_value call_era_base(napi_env env, napi_callback_info info) {
  call c = begin(env, info, 5);
  u32 count = number(&c, 4, MAX_ERA_NODES), low = number(&c, 3, MAX_ERA_NODES - count);
  u32 *base = (u32 *)words(&c, 0, 5ull * count);
  const u32 *seed = words(&c, 1, 7), *logarithms = words(&c, 2, 32);
  return status(&c, c.failed ? OK : c.table->era_base(base, seed, logarithms, low, count));
}

static napi_value call_era_parents(napi_env env, napi_callback_info info) {
  call c = begin(env, info, 8);
  u32 half = number(&c, 3, 15), nodes = number(&c, 4, (1u << 2 * half) / 8);
  u32 count = number(&c, 6, nodes), low = number(&c, 5, nodes - count), flags = number(&c, 7, 1);
  u32 *parents = (u32 *)words(&c, 0, 13ull * count);
  const u32 *base = words(&c, 1, 5ull * count), *rounds = words(&c, 2, 3ull << half);
  return status(&c, c.failed ? OK : c.table->era_parents(parents, base, rounds, half, nodes, low, count, flags));
}

static napi_value call_sdr_labels(napi_env env, napi_callback_info info) {
  call c = begin(env, info, 8);
  u32 nodes = number(&c, 2, MAX_COUNT), layer = number(&c, 4, 0xffff);
  u32 count = number(&c, 7, nodes), low = number(&c, 6, nodes - count);
  bytes into = array(&c, 0, 32ull * nodes), previous = array(&c, 1, 32ull * nodes), replica = array(&c, 3, 32);
  const u32 *parents = words(&c, 5, 14ull * count);
  keep_apart(&c, into, parents, 56ull * count);
  i32 result = OK;
  if (!c.failed)
    result = c.table->sdr_labels(into.at, previous.at, nodes, replica.at, layer, parents, low, count);
  return status(&c, result);
}

static const u64 pedersen_bytes = 64 + PEDERSEN_ENTRIES * sizeof(pedersen_entry);

static napi_value call_pedersen_tables(napi_env env, napi_callback_info info) {
  call c = begin(env, info, 2);
  bytes tables = array(&c, 0, pedersen_bytes), points = array(&c, 1, 256ull * PEDERSEN_WINDOWS * WINDOW_CHUNKS);
  return status(&c, c.failed ? OK : c.table->pedersen_tables(tables.at, points.at));
}

static napi_value call_pedersen_row(napi_env env, napi_callback_info info) {
  call c = begin(env, info, 5);
  u32 pairs = number(&c, 3, MAX_COUNT), personalization = number(&c, 4, NO_PERSONALIZATION);
  bytes tables = array(&c, 0, pedersen_bytes), row = array(&c, 1, 64ull * pairs), out = array(&c, 2, 32ull * pairs);
  return status(&c, c.failed ? OK : c.table->pedersen_row(tables.at, row.at, out.at, pairs, personalization));
}

/* Layers are read all over: with large pages a read seldom waits for its address. Only advice, for memory that is ours. */
static void advise_large_pages(bytes b) {
#ifdef __linux__
  usize page = 1u << 21, from = ((usize)b.at + page - 1) & ~(page - 1), to = ((usize)b.at + b.length) & ~(page - 1);
  if (b.at && to > from) madvise((void *)from, to - from, MADV_HUGEPAGE);
#else
  (void)b;
#endif
}

static napi_value call_idle_labels(napi_env env, napi_callback_info info) {
  call c = begin(env, info, 11);
  u32 nodes = number(&c, 4, 1u << 26), file_log = number(&c, 6, 26), passes = number(&c, 7, 64);
  u32 count = number(&c, 10, nodes), low = number(&c, 9, nodes - count);
  bytes into = array(&c, 0, 32ull * nodes), previous = array(&c, 1, 32ull * nodes);
  bytes two = array_or_none(&c, 2, 32ull * nodes);
  bytes previous_two = two.at ? array(&c, 3, 32ull * nodes) : two;
  bytes jobs = array(&c, 5, two.at ? 144 : 72);
  const u32 *parents = words(&c, 8, 12ull * count);
  keep_apart(&c, into, parents, 48ull * count);
  keep_apart(&c, two, parents, 48ull * count);
  if (passes == 0) refuse(&c, "kernels: a number is out of range");
  i32 result = OK;
  if (!c.failed && low == 0) {
    advise_large_pages(into), advise_large_pages(previous);
    advise_large_pages(two), advise_large_pages(previous_two);
  }
  if (!c.failed)
    result = c.table->idle.labels(into.at, previous.at, two.at, previous_two.at, nodes, jobs.at, file_log, passes,
                                  parents, low, count);
  return status(&c, result);
}

/* The last of `count` halves of a block ends in its array. */
static bytes halves(call *c, int i, u32 stride, u32 count) {
  return array(c, i, count == 0 ? 0 : (u64)stride * (count - 1) + 32);
}

static napi_value call_idle_absorb(napi_env env, napi_callback_info info) {
  call c = begin(env, info, 7);
  u32 left_stride = number(&c, 2, 1u << 20), right_stride = number(&c, 4, 1u << 20);
  u32 count = number(&c, 5, MAX_COUNT), trim = number(&c, 6, 1);
  bytes states = array(&c, 0, 32ull * count);
  bytes left = halves(&c, 1, left_stride, count), right = halves(&c, 3, right_stride, count);
  if (!c.failed)
    c.table->idle.absorb(states.at, left.at, left_stride, right.at, right_stride, count, trim);
  return status(&c, OK);
}

static napi_value call_idle_parents(napi_env env, napi_callback_info info) {
  call c = begin(env, info, 5);
  u32 log = number(&c, 2, 26), low = number(&c, 3, 1u << 26), count = number(&c, 4, 1u << 26);
  if (log == 0) refuse(&c, "kernels: a number is out of range");
  u32 *into = (u32 *)words(&c, 0, 12ull * count);
  bytes seed = array(&c, 1, 32);
  if (!c.failed) c.table->idle.parents(into, seed.at, log, low, count);
  return status(&c, OK);
}

static napi_value call_zigzag_parents(napi_env env, napi_callback_info info) {
  call c = begin(env, info, 9);
  u32 half_bits = number(&c, 4, 16), nodes = number(&c, 5, 1u << 28), reversed = number(&c, 6, 1);
  u32 count = number(&c, 8, nodes), low = number(&c, 7, nodes - count);
  u32 *parents = (u32 *)words(&c, 0, 13ull * count);
  bytes counts = array(&c, 1, count), seed = array(&c, 2, 32), tables = array(&c, 3, 16ull << half_bits);
  if ((usize)tables.at % 2 != 0) refuse(&c, "kernels: an array is not aligned");
  /* a walk through the network ends where the network is no smaller than the domain */
  if (half_bits == 0 || 8ull * nodes > 1ull << 2 * half_bits) refuse(&c, "kernels: a number is out of range");
  keep_apart(&c, (bytes){(u8 *)parents, 52ull * count}, tables.at, 16ull << half_bits); /* a walk would not end */
  if (!c.failed)
    c.table->zigzag_parents(parents, counts.at, seed.at, tables.at, half_bits, nodes, reversed, low, count);
  return status(&c, OK);
}

static napi_value call_sdr_parents(napi_env env, napi_callback_info info) {
  call c = begin(env, info, 8);
  u32 half_bits = number(&c, 3, 17), nodes = number(&c, 4, MAX_COUNT), legacy = number(&c, 5, 1);
  u32 count = number(&c, 7, nodes), low = number(&c, 6, nodes - count);
  u32 *parents = (u32 *)words(&c, 0, 14ull * count);
  bytes seed = array(&c, 1, 28);
  const u32 *tables = words(&c, 2, 3ull << half_bits);
  if (half_bits == 0 || 8ull * nodes > 1ull << 2 * half_bits) refuse(&c, "kernels: a number is out of range");
  keep_apart(&c, (bytes){(u8 *)parents, 56ull * count}, tables, 12ull << half_bits);
  if (!c.failed) c.table->sdr_parents(parents, seed.at, tables, half_bits, nodes, legacy, low, count);
  return status(&c, OK);
}

static napi_value call_sdr_pair(napi_env env, napi_callback_info info) {
  call c = begin(env, info, 10);
  u32 nodes = number(&c, 4, MAX_COUNT), layer = number(&c, 6, 0xffff);
  u32 count = number(&c, 9, nodes), low = number(&c, 8, nodes - count);
  u64 size = 32ull * nodes;
  bytes first = array(&c, 0, size), first_previous = array(&c, 1, size);
  bytes second = array(&c, 2, size), second_previous = array(&c, 3, size), replicas = array(&c, 5, 64);
  const u32 *parents = words(&c, 7, 14ull * count);
  keep_apart(&c, first, parents, 56ull * count);
  keep_apart(&c, second, parents, 56ull * count);
  i32 result = OK;
  if (!c.failed)
    result = c.table->sdr_pair(first.at, first_previous.at, second.at, second_previous.at, nodes, replicas.at, layer,
                               parents, low, count);
  return status(&c, result);
}

/* The shape of an idle file, copied so that nobody changes it after it was checked. */
typedef struct { u8 head[64]; u32 nodes, degree; } idle_file;

static idle_file idle_shape(call *c, int i) {
  idle_file f = {.nodes = 1};
  bytes given = array(c, i, sizeof f.head);
  if (c->failed) return f;
  memcpy(f.head, given.at, sizeof f.head);
  u32 words[4];
  memcpy(words, f.head + 48, sizeof words);
  if (!cess_shape_ok(words[0], words[1], words[2], words[3])) refuse(c, "kernels: there is no such idle file");
  else f.nodes = words[0], f.degree = words[1];
  return f;
}

static napi_value call_cess_direct(napi_env env, napi_callback_info info) {
  call c = begin(env, info, 7);
  idle_file f = idle_shape(&c, 4);
  u32 count = number(&c, 6, f.nodes), low = number(&c, 5, f.nodes - count);
  u64 size = 64ull * f.nodes;
  bytes into = array(&c, 0, size), previous = array_or_none(&c, 1, size);
  bytes elders = array_or_none(&c, 2, size), before = array_or_none(&c, 3, size);
  i32 result = OK;
  if (!c.failed) result = c.table->cess.direct(into.at, previous.at, elders.at, before.at, f.head, low, count);
  return status(&c, result);
}

static napi_value call_cess_hot(napi_env env, napi_callback_info info) {
  call c = begin(env, info, 7);
  idle_file f = idle_shape(&c, 6);
  u64 size = 64ull * 256 * f.degree;
  bytes table = array(&c, 0, size), previous = array_or_none(&c, 1, size);
  bytes elders = array_or_none(&c, 2, size), before = array_or_none(&c, 3, size);
  bytes next = array_or_none(&c, 4, size), sums = array_or_none(&c, 5, size);
  if (previous.at && !next.at) refuse(&c, "kernels: the rows beside the table are missing");
  i32 result = OK;
  if (!c.failed)
    result = c.table->cess.hot(table.at, previous.at, elders.at, before.at, next.at, sums.at, f.head);
  return status(&c, result);
}

static napi_value call_cess_columns(napi_env env, napi_callback_info info) {
  call c = begin(env, info, 11);
  idle_file f = idle_shape(&c, 7);
  u32 beside = number(&c, 10, 1), entries = beside ? 256 * f.degree : f.nodes;
  u32 count = number(&c, 9, entries), low = number(&c, 8, entries - count);
  u64 whole = 64ull * 256 * f.degree, size = 64ull * count;
  bytes into = array(&c, 0, size), table = array(&c, 1, whole);
  bytes previous = array_or_none(&c, 2, whole), straight = array_or_none(&c, 3, size);
  bytes elders = array_or_none(&c, 4, size), before = array_or_none(&c, 5, size);
  bytes sums = array_or_none(&c, 6, size);
  if (previous.at && !straight.at) refuse(&c, "kernels: the layer before is missing");
  i32 result = OK;
  if (!c.failed)
    result = c.table->cess.columns(into.at, table.at, previous.at, straight.at, elders.at, before.at, sums.at, f.head,
                                   low, count, beside);
  return status(&c, result);
}

/* out, points, scalars, count: so many outputs and points, at least. */
static napi_value sums(call *c, sum_function function, u64 unit, u64 outputs, u64 points) {
  u32 count = number(c, 3, 1u << MAX_POINTS_LOG);
  bytes out = array(c, 0, unit * (outputs ? outputs : count));
  bytes from = array(c, 1, unit * (points ? points : count)), scalars = array(c, 2, 32ull * count);
  return status(c, c->failed ? OK : function(out.at, from.at, scalars.at, count));
}

static napi_value lagrange(call *c, lagrange_function function, u64 unit) {
  u32 log = number(c, 1, MAX_POINTS_LOG);
  bytes points = array(c, 0, unit << log), root = array(c, 2, 32), size = array(c, 3, 32);
  return status(c, c->failed ? OK : function(points.at, log, root.at, size.at));
}

static napi_value first_bad(call *c, check_function function, u64 unit) {
  u32 count = number(c, 1, MAX_COUNT);
  bytes points = array(c, 0, unit * count);
  return status(c, c->failed ? OK : function(points.at, count));
}

#define GROUP_CALLS(g, unit)                                                   \
  static napi_value call_##g##_msm(napi_env env, napi_callback_info info) {   \
    call c = begin(env, info, 4);                                             \
    return c.failed ? 0 : sums(&c, c.table->g.msm, unit, 1, 0);               \
  }                                                                           \
  static napi_value call_##g##_fixed_base(napi_env env, napi_callback_info info) { \
    call c = begin(env, info, 4);                                             \
    return c.failed ? 0 : sums(&c, c.table->g.fixed_base, unit, 0, 1);        \
  }                                                                           \
  static napi_value call_##g##_scale(napi_env env, napi_callback_info info) { \
    call c = begin(env, info, 4);                                             \
    return c.failed ? 0 : sums(&c, c.table->g.scale, unit, 0, 0);             \
  }                                                                           \
  static napi_value call_##g##_lagrange(napi_env env, napi_callback_info info) { \
    call c = begin(env, info, 4);                                             \
    return c.failed ? 0 : lagrange(&c, c.table->g.lagrange, unit);            \
  }                                                                           \
  static napi_value call_##g##_first_bad(napi_env env, napi_callback_info info) { \
    call c = begin(env, info, 2);                                             \
    return c.failed ? 0 : first_bad(&c, c.table->g.first_bad, unit);          \
  }
GROUP_CALLS(g1, 96)
GROUP_CALLS(g2, 192)

#endif
