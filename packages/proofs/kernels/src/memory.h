/*
 * The arena: memory is handed out upwards and taken back all at once. Only this file knows the target; a native
 * build brings its own kernel_alloc.
 */
#ifndef HOLDFAST_MEMORY_H
#define HOLDFAST_MEMORY_H
#include "kernel.h"

#ifdef __wasm__
#define PAGE 65536u
extern u8 __heap_base;
static usize arena_floor, arena_top;

void *EXPORT(kernel_alloc)(usize bytes) {
  if (arena_top == 0) arena_floor = arena_top = ((usize)&__heap_base + 15) & ~(usize)15;
  if (bytes > 0x7fffffffu - arena_top) return 0;
  usize end = arena_top + ((bytes + 15) & ~(usize)15);
  usize have = __builtin_wasm_memory_size(0) * PAGE;
  if (end > have && __builtin_wasm_memory_grow(0, (end - have + PAGE - 1) / PAGE) == (usize)-1) return 0;
  void *result = (void *)arena_top;
  arena_top = end;
  return result;
}

/* What was handed out so far stays for good. */
void EXPORT(kernel_keep)(void) { arena_floor = arena_top; }

/* Takes back everything since the last keep. */
void EXPORT(kernel_reset)(void) { arena_top = arena_floor; }
#endif
#endif
