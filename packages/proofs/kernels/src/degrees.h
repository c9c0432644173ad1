/* How many parents nodes have: what labels, keys and graphs agree on. */
#ifndef HOLDFAST_DEGREES_H
#define HOLDFAST_DEGREES_H
#define ZIGZAG_DEGREE 13 /* at most */
#define SDR_DEGREE 14
#define SDR_BASE 6 /* of them in the same layer */
#endif
