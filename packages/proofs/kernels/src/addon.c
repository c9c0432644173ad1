/*
 * The native build's host side: a Node-API addon whose functions have the names and arguments of the WebAssembly
 * build, with Uint8Arrays where that one has addresses. Every length is checked here, so that no argument of
 * JavaScript reaches memory beyond its arrays. `features` says what the processor has; `bind(allowed)` gives the
 * functions of the best build within those features. No state but an arena for each thread: workers load it too.
 */
#include <node_api.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif
#include "table.h"

#define MAX_ARGUMENTS 12
/* No vector is longer than this many elements: products of counts and sizes stay far below 2^64. */
#define MAX_COUNT (1u << 31)
/* Sums number their points and what they add up on the way in 31 bits, with up to four points for each given one. */
#define MAX_POINTS_LOG 27
/* The graph of 2019 multiplies numbers of nodes by five in 32 bits. */
#define MAX_ERA_NODES (1u << 29)

/* ---- memory ---- */

#define HUGE_PAGE ((usize)1 << 21)

typedef struct chunk { struct chunk *next; u64 unused; } chunk;
static _Thread_local chunk *arena;

void *kernel_alloc(usize bytes) {
  usize head = 64; /* keeps lines of the cache whole */
  usize alignment = bytes < HUGE_PAGE ? 64 : HUGE_PAGE;
  void *raw = 0;
  if (bytes > ((usize)1 << 46) || posix_memalign(&raw, alignment, head + bytes) != 0) return 0;
#ifdef MADV_HUGEPAGE
  if (alignment == HUGE_PAGE) madvise(raw, head + bytes, MADV_HUGEPAGE); /* sums of points read all over it */
#endif
  chunk *link = raw;
  link->next = arena;
  arena = link;
  return (u8 *)raw + head;
}

static void release(void) {
  while (arena) {
    chunk *next = arena->next;
    free(arena);
    arena = next;
  }
}

#include "addon-features.h"
#include "addon-arguments.h"
#include "addon-calls.h"

/* ---- limits ---- */

static const struct { const char *name; usize at; } limits[] = {
    {"limit_sha256_one_stream", offsetof(limit_table, sha256_one_stream)},
    {"limit_sha256_two_streams", offsetof(limit_table, sha256_two_streams)},
    {"limit_blake2s_one_stream", offsetof(limit_table, blake2s_one_stream)},
    {"limit_blake2s_many_streams", offsetof(limit_table, blake2s_many_streams)},
    {"limit_fr_multiply", offsetof(limit_table, fr_multiply)},
    {"limit_fp_multiply", offsetof(limit_table, fp_multiply)},
    {"limit_mulx_one_stream", offsetof(limit_table, mulx_one_stream)},
    {"limit_mulx_many_streams", offsetof(limit_table, mulx_many_streams)},
    {"limit_madd52", offsetof(limit_table, madd52)},
    {"limit_fp_multiply_lanes", offsetof(limit_table, fp_multiply_lanes)},
};

/* The function's data is its place in a table. */
static napi_value call_limit(napi_env env, napi_callback_info info) {
  napi_value value = 0;
  call c = begin(env, info, 1);
  u32 units = number(&c, 0, MAX_COUNT);
  if (!c.failed) napi_create_uint32(env, (*(const limit_function *)(const void *)c.table)(units), &value);
  return value;
}

/* ---- the module ---- */

#define METHOD(name) {#name, call_##name}
static const struct { const char *name; napi_callback function; } methods[] = {
    METHOD(fr_load_run), METHOD(poseidon_row), METHOD(fft), METHOD(quotient),
    METHOD(zigzag_blake2s), METHOD(zigzag_poseidon), METHOD(sdr_labels),
    METHOD(zigzag_parents), METHOD(sdr_parents),
    METHOD(pedersen_tables), METHOD(pedersen_row),
    METHOD(idle_labels), METHOD(idle_absorb), METHOD(idle_parents),
    METHOD(cess_direct), METHOD(cess_hot), METHOD(cess_columns),
    METHOD(zigzag_era), METHOD(era_base), METHOD(era_parents),
    METHOD(g1_msm), METHOD(g1_fixed_base), METHOD(g1_scale), METHOD(g1_lagrange), METHOD(g1_first_bad),
    METHOD(g2_msm), METHOD(g2_fixed_base), METHOD(g2_scale), METHOD(g2_lagrange), METHOD(g2_first_bad),
};

static int set_function(napi_env env, napi_value object, const char *name, napi_callback callback, void *data) {
  napi_value function;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, data, &function) == napi_ok &&
         napi_set_named_property(env, object, name, function) == napi_ok;
}

/* bind(features): an object with the kernels, and with the limits that this processor has. */
static napi_value bind_kernels(napi_env env, napi_callback_info info) {
  call c = begin(env, info, 1);
  u32 allowed = number(&c, 0, 0xffff);
  napi_value object;
  if (c.failed || napi_create_object(env, &object) != napi_ok) return 0;
  kernel_table *table = &tables[allowed & find_features()];
  for (usize i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
    if (!set_function(env, object, methods[i].name, methods[i].function, table)) return 0;
  if (table->sdr_pair && !set_function(env, object, "sdr_pair", call_sdr_pair, table)) return 0;
  for (usize i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
    limit_function *limit = (limit_function *)((u8 *)&table->limits + limits[i].at);
    if (*limit && !set_function(env, object, limits[i].name, call_limit, limit)) return 0;
  }
  return object;
}

static int set_number(napi_env env, napi_value object, const char *name, u32 value) {
  napi_value number_value;
  return napi_create_uint32(env, value, &number_value) == napi_ok &&
         napi_set_named_property(env, object, name, number_value) == napi_ok;
}

NAPI_MODULE_INIT() {
  napi_value function, features;
  u32 found = find_features();
  if (napi_create_object(env, &features) != napi_ok) return 0;
  for (usize i = 0; i < sizeof(feature_names) / sizeof(feature_names[0]); i++)
    if (found & feature_names[i].bit && !set_number(env, features, feature_names[i].name, feature_names[i].bit))
      return 0;
  if (napi_create_function(env, "bind", NAPI_AUTO_LENGTH, bind_kernels, 0, &function) != napi_ok ||
      napi_set_named_property(env, exports, "bind", function) != napi_ok ||
      napi_set_named_property(env, exports, "features", features) != napi_ok)
    return 0;
  return exports;
}
