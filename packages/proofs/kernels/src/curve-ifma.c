/*
 * Sums of points in both groups with eight additions side by side, for processors with AVX-512 and IFMA (fp52.h).
 */
#define FP_LANES
#include "table.h"
#include "groups.h"

const group_table g1_ifma = {g1_msm, g1_fixed_base, g1_scale, g1_lagrange, g1_first_bad};
const group_table g2_ifma = {g2_msm, g2_fixed_base, g2_scale, g2_lagrange, g2_first_bad};
