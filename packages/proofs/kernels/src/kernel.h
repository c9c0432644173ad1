/*
 * What every part of the kernels stands on: integer types, and memory from an arena that the host resets between
 * calls. Freestanding C: no libc, no globals but the arena. For WebAssembly numbers are signed: a field element is a
 * run of limbs in balanced form (each in [-2^(w-1), 2^(w-1))), so that sums and differences need no multiple of the
 * modulus, and column sums of products fit into 64 bits. For 64-bit processors (WORDS64) it is whole words.
 */
#ifndef HOLDFAST_KERNEL_H
#define HOLDFAST_KERNEL_H

typedef signed int i32;
typedef unsigned int u32;
typedef signed long long i64;
typedef unsigned long long u64;
typedef signed short i16;
typedef unsigned char u8;
typedef unsigned short u16;
typedef __SIZE_TYPE__ usize;

#define INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 64")
#endif
/* A host reaches the kernels by name in WebAssembly, by a table of functions (kernels.c) in a native build. */
#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(#name))) name
#define ENTRY
#else
#define EXPORT(name) name
#define ENTRY static
#if defined(__SIZEOF_INT128__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define WORDS64
#endif
#endif

/* Functions with vectors of 16 bytes: WebAssembly has them only where it is said. */
#ifdef __wasm__
#define VECTORS __attribute__((target("simd128")))
#else
#define VECTORS
#endif

/* 16-byte aligned memory until the next reset; 0 if the host has no more. */
void *kernel_alloc(usize bytes);

/* A word of an array that another thread, or the kernel itself by another argument, may change: no second read. */
INLINE u32 read_once(const u32 *at) { return *(const volatile u32 *)at; }

/* Products wrap modulo 2^64 by definition; the bounds in the field files say why the results do not. */
INLINE i64 mul64(i64 a, i64 b) { return (i64)((u64)a * (u64)b); }
INLINE i64 add64(i64 a, i64 b) { return (i64)((u64)a + (u64)b); }
INLINE i64 sub64(i64 a, i64 b) { return (i64)((u64)a - (u64)b); }

/* Status of exported functions. */
enum { OK = -1, NO_MEMORY = -2 };

#endif
