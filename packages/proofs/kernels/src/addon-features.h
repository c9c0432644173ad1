/*
 * What the processor has of the features that the kernels know, and a table of kernels for every set of them. A part
 * of addon.c.
 */
#ifndef HOLDFAST_ADDON_FEATURES_H
#define HOLDFAST_ADDON_FEATURES_H

enum { ADX = 1, SHA = 2, IFMA = 4, AVX512 = 8 };
static const struct { u32 bit; const char *name; } feature_names[] = {
    {ADX, "adx"}, {SHA, "sha"}, {IFMA, "ifma"}, {AVX512, "avx512"}};

#if defined(__x86_64__)
#include <cpuid.h>
static u32 find_features(void) {
  u32 a, b, c, d, one_c, found = 0;
  if (!__get_cpuid(1, &a, &b, &one_c, &d)) return 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  int bmi2 = b >> 8 & 1, adx = b >> 19 & 1, sha = b >> 29 & 1;
  int sse = (one_c >> 9 & 1) && (one_c >> 19 & 1);
  int avx2 = b >> 5 & 1;
  if (sha && sse) found |= SHA;
  if (one_c >> 27 & 1) { /* the system saves wide registers */
    u32 low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 6) == 6 && bmi2 && adx && avx2) found |= ADX;
    int f = b >> 16 & 1, dq = b >> 17 & 1, ifma = b >> 21 & 1, vl = b >> 31 & 1;
    int bw = b >> 30 & 1;
    if ((low & 0xe6) == 0xe6 && bmi2 && f && dq && bw && vl) found |= ifma ? AVX512 | IFMA : AVX512;
  }
  return found;
}
#else
static u32 find_features(void) { return 0; }
#endif

/* A table for every set of features, made when the library is loaded. */
static kernel_table tables[ADX + SHA + IFMA + AVX512 + 1];

__attribute__((constructor)) static void make_tables(void) {
  for (u32 features = 0; features < sizeof(tables) / sizeof(tables[0]); features++) {
    kernel_table *table = &tables[features];
    *table = kernels_base;
#if defined(__x86_64__)
    if (features & ADX) *table = kernels_adx;
    if (features & ADX && features & IFMA) {
      table->poseidon_row = poseidon_row_ifma;
      table->zigzag_poseidon = zigzag_poseidon_ifma;
      table->pedersen_tables = pedersen_tables_ifma;
      table->pedersen_row = pedersen_row_ifma;
      table->fft = fft_ifma;
      table->quotient = quotient_ifma;
      table->g1 = g1_ifma;
      table->g2 = g2_ifma;
      table->limits.madd52 = limit_madd52_ifma;
      table->limits.fp_multiply_lanes = limit_fp_multiply_lanes_ifma;
    }
    if (features & AVX512) {
      table->cess = cess_avx512;
      table->zigzag_blake2s = zigzag_blake2s_avx512;
      table->zigzag_era = zigzag_era_avx512;
      table->zigzag_parents = zigzag_parents_avx512;
      table->sdr_parents = sdr_parents_avx512;
      table->limits.blake2s_one_stream = limit_blake2s_one_stream_avx512;
      table->limits.blake2s_many_streams = limit_blake2s_many_streams_avx512;
    }
    if (features & SHA) {
      table->sdr_labels = sdr_labels_sha;
      table->sdr_pair = sdr_pair_sha;
      table->limits.sha256_one_stream = limit_sha256_one_stream_sha;
      table->limits.sha256_two_streams = limit_sha256_two_streams_sha;
      table->idle.labels = idle_labels_sha;
      table->idle.absorb = idle_absorb_sha;
    }
#endif
  }
}

#endif
