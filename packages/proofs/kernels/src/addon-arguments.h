/*
 * Arguments of JavaScript as memory and numbers of C: each is checked before a kernel sees it, so that none reaches
 * beyond its array. A part of addon.c.
 */
#ifndef HOLDFAST_ADDON_ARGUMENTS_H
#define HOLDFAST_ADDON_ARGUMENTS_H

typedef struct { u8 *at; usize length; } bytes;

typedef struct {
  napi_env env;
  napi_value values[MAX_ARGUMENTS];
  const kernel_table *table;
  int failed;
} call;

static call begin(napi_env env, napi_callback_info info, usize count) {
  call c = {.env = env};
  usize given = count;
  void *data = 0;
  c.failed = napi_get_cb_info(env, info, &given, c.values, 0, &data) != napi_ok || given < count;
  c.table = data;
  if (c.failed) napi_throw_type_error(env, 0, "kernels: arguments are missing");
  return c;
}

static void refuse(call *c, const char *why) {
  if (!c->failed) napi_throw_range_error(c->env, 0, why);
  c->failed = 1;
}

/* At least `least` bytes. */
static bytes array(call *c, int i, u64 least) {
  bytes b = {0, 0};
  napi_typedarray_type type;
  int is_array = 0;
  bool answer = false;
  if (c->failed) return b;
  if (napi_is_typedarray(c->env, c->values[i], &answer) == napi_ok) is_array = answer;
  if (!is_array ||
      napi_get_typedarray_info(c->env, c->values[i], &type, &b.length, (void **)&b.at, 0, 0) != napi_ok ||
      type != napi_uint8_array)
    refuse(c, "kernels: an argument is no Uint8Array");
  else if (b.length < least)
    refuse(c, "kernels: an array is too short");
  return b;
}

/* At least `least` bytes that lie where the processor may read units of so many. */
static void *aligned(call *c, int i, u64 least, usize unit) {
  bytes b = array(c, i, least);
  if ((usize)b.at % unit != 0) refuse(c, "kernels: an array is not aligned");
  return b.at;
}

/* 32-bit words; JavaScript gives them as bytes. */
static const u32 *words(call *c, int i, u64 count) { return aligned(c, i, 4 * count, 4); }

/* Field elements in words. */
static fr *elements(call *c, int i, u64 count) { return aligned(c, i, count * sizeof(fr), 8); }

/* What a kernel checks once and reads again must not lie where it writes meanwhile. */
static void keep_apart(call *c, bytes written, const void *read, u64 length) {
  usize from = (usize)written.at, at = (usize)read;
  if (!c->failed && length > 0 && at < from + written.length && from < at + length)
    refuse(c, "kernels: an array is written and read");
}

/* Like array, but 0 in the place of an array is none. */
static bytes array_or_none(call *c, int i, u64 least) {
  napi_valuetype type;
  bytes none = {0, 0};
  if (c->failed) return none;
  if (napi_typeof(c->env, c->values[i], &type) == napi_ok && type == napi_number) return none;
  return array(c, i, least);
}

/* A whole number up to `most`. */
static u32 number(call *c, int i, u32 most) {
  double value = -1;
  if (c->failed) return 0;
  if (napi_get_value_double(c->env, c->values[i], &value) != napi_ok || !(value >= 0 && value <= most) ||
      value != (double)(u32)value) {
    refuse(c, "kernels: a number is out of range");
    return 0;
  }
  return (u32)value;
}

static napi_value status(call *c, i32 result) {
  napi_value value = 0;
  release();
  if (!c->failed) napi_create_int32(c->env, result, &value);
  return value;
}

#endif
