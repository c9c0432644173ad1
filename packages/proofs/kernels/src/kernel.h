/*
 * What every part of the kernels stands on: integer types, and memory from an arena that the host resets between
 * calls. Freestanding C: no libc, no globals but the arena. The numbers are signed: a field element is a run of
 * limbs in balanced form (each in [-2^(w-1), 2^(w-1))), so that sums and differences need no multiple of the
 * modulus, and column sums of products fit into 64 bits.
 */
#ifndef HOLDFAST_KERNEL_H
#define HOLDFAST_KERNEL_H

typedef signed int i32;
typedef unsigned int u32;
typedef signed long long i64;
typedef unsigned long long u64;
typedef unsigned char u8;
typedef __SIZE_TYPE__ usize;

#define INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))
#define UNROLL _Pragma("clang loop unroll(full)")
#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(#name))) name
#else
#define EXPORT(name) __attribute__((visibility("default"))) name
#endif

/* 16-byte aligned memory until the next reset; 0 if the host has no more. */
void *kernel_alloc(usize bytes);

/* Products wrap modulo 2^64 by definition; the bounds in the field files say why the results do not. */
INLINE i64 mul64(i64 a, i64 b) { return (i64)((u64)a * (u64)b); }
INLINE i64 add64(i64 a, i64 b) { return (i64)((u64)a + (u64)b); }
INLINE i64 sub64(i64 a, i64 b) { return (i64)((u64)a - (u64)b); }

/* Status of exported functions. */
enum { OK = -1, NO_MEMORY = -2 };

#endif
