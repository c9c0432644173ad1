/* Written by ../build.ts from the TypeScript reference: do not edit. The primes of BLS12-381 in limbs. */
#ifndef HOLDFAST_CONSTANTS_H
#define HOLDFAST_CONSTANTS_H
#include "kernel.h"
#define FR_MODULUS_BYTES {1, 0, 0, 0, 255, 255, 255, 255, 254, 91, 254, 255, 2, 164, 189, 83, 5, 216, 161, 9, 8, 216, 57, 51, 72, 125, 157, 41, 83, 167, 237, 115}
#define FR_MODULUS_WORDS32 {1u, 4294967295u, 4294859774u, 1404937218u, 161601541u, 859428872u, 698187080u, 1944954707u}
#define FR_MODULUS_MINUS_2_BYTES {115, 237, 167, 83, 41, 157, 125, 72, 51, 57, 216, 8, 9, 161, 216, 5, 83, 189, 164, 2, 255, 254, 91, 254, 255, 255, 255, 254, 255, 255, 255, 255}
#define FP_MODULUS_BYTES {26, 1, 17, 234, 57, 127, 230, 154, 75, 27, 167, 182, 67, 75, 172, 215, 100, 119, 75, 132, 243, 133, 18, 191, 103, 48, 210, 160, 246, 176, 246, 36, 30, 171, 255, 254, 177, 83, 255, 255, 185, 254, 255, 255, 255, 255, 170, 171}
#define FP_MODULUS_MINUS_2_BYTES {26, 1, 17, 234, 57, 127, 230, 154, 75, 27, 167, 182, 67, 75, 172, 215, 100, 119, 75, 132, 243, 133, 18, 191, 103, 48, 210, 160, 246, 176, 246, 36, 30, 171, 255, 254, 177, 83, 255, 255, 185, 254, 255, 255, 255, 255, 170, 169}
#ifdef WORDS64
#define FR_MODULUS_WORDS {0xffffffff00000001ull, 0x53bda402fffe5bfeull, 0x3339d80809a1d805ull, 0x73eda753299d7d48ull}
#define FR_INVERSE_WORD 0xfffffffeffffffffull
#define FR_MODULUS_LIMBS52 {0xfffff00000001ull, 0x2fffe5bfefffull, 0x9a1d80553bda4ull, 0x7d483339d8080ull, 0x73eda753299dull}
#define FR_R2_LIMBS52 {0x99103f29c6cf0ull, 0x57927663d999eull, 0xa1c0ed631138bull, 0x3c829f7715f1bull, 0x9ff646cc027ull}
#define FR_ONE_LIMBS52 {0x22ffffffddull, 0x9700396c23000ull, 0xedf77458d1293ull, 0xdf20ff1776e6aull, 0x26821fa14f77ull}
#define FR_FOLD_LIMBS52 {0xfdfff1a402001ull, 0x2d083dd6c33ffull, 0x44cd43798bcceull, 0x436f80f0223a9ull, 0x73eda0144f28ull}
#define PEDERSEN_SHIFT_LIMBS52 {0x5b635ee8d3c84ull, 0x897996372f1b8ull, 0xd17cceff018aaull, 0xb04767a9ff022ull, 0xfa3d9b9f69bull}
#define FR_INVERSE_LIMB52 0xffffeffffffffull
#define FP_MODULUS_WORDS {0xb9feffffffffaaabull, 0x1eabfffeb153ffffull, 0x6730d2a0f6b0f624ull, 0x64774b84f38512bfull, 0x4b1ba7b6434bacd7ull, 0x1a0111ea397fe69aull}
#define FP_INVERSE_WORD 0x89f3fffcfffcfffdull
#define FR_R2 {0xc999e990f3f29c6dull, 0x2b6cedcb87925c23ull, 0x5d314967254398full, 0x748d9d99f59ff11ull}
#define PEDERSEN_SHIFT {0x31b85b629ee8d3c9ull, 0xfdcfc5aad7982872ull, 0x9ce601f62a0aded2ull, 0x57ec7b19fe9fd8faull}
#define FR_ONE {0x1fffffffeull, 0x5884b7fa00034802ull, 0x998c4fefecbc4ff5ull, 0x1824b159acc5056full}
#ifdef FP_LANES
#define FP_INVERSION {0xf9ea88c5d24834b0ull, 0x9a6624d5359b14b0ull, 0xb3203bbb99c8a469ull, 0xf932a92b246b7ab4ull, 0x8302bcfcd2a29d12ull, 0x127a0433fdf679d8ull}
#define FP_WORDS_TO_LIMBS {0x0ull, 0x0ull, 0x0ull, 0x0ull, 0x0ull, 0x100000000ull}
#define FP_MULTIPLES_LIMBS52 {{0x0ull, 0xeffffffffaaabull, 0xdffffffff5556ull, 0xcffffffff0001ull, 0xbfffffffeaaacull, 0xafffffffe5557ull, 0x9fffffffe0002ull, 0x8fffffffdaaadull}, {0x0ull, 0xfeb153ffffb9full, 0xfd62a7ffff73full, 0xfc13fbffff2dfull, 0xfac54ffffee7full, 0xf976a3fffea1full, 0xf827f7fffe5bfull, 0xf6d94bfffe15full}, {0x0ull, 0x6b0f6241eabffull, 0xd61ec483d57ffull, 0x412e26c5c03ffull, 0xac3d8907aafffull, 0x174ceb4995bffull, 0x825c4d8b807ffull, 0xed6bafcd6b3ffull}, {0x0ull, 0x12bf6730d2a0full, 0x257ece61a541eull, 0x383e359277e2eull, 0x4afd9cc34a83dull, 0x5dbd03f41d24dull, 0x707c6b24efc5cull, 0x833bd255c266bull}, {0x0ull, 0x764774b84f385ull, 0xec8ee9709e70aull, 0x62d65e28eda8full, 0xd91dd2e13ce14ull, 0x4f6547998c199ull, 0xc5acbc51db51eull, 0x3bf4310a2a8a3ull}, {0x0ull, 0x1ba7b6434bacdull, 0x374f6c869759aull, 0x52f722c9e3068ull, 0x6e9ed90d2eb35ull, 0x8a468f507a603ull, 0xa5ee4593c60d0ull, 0xc195fbd711b9eull}, {0x0ull, 0x1ea397fe69a4bull, 0x3d472ffcd3496ull, 0x5beac7fb3cee1ull, 0x7a8e5ff9a692cull, 0x9931f7f810377ull, 0xb7d58ff679dc2ull, 0xd67927f4e380dull}, {0x0ull, 0x1a011ull, 0x34022ull, 0x4e033ull, 0x68044ull, 0x82055ull, 0x9c066ull, 0xb6077ull}}
#define FP_TOP_RECIPROCAL 0x9d8307de6ull
#define FP_MODULUS_LIMBS52 {0xeffffffffaaabull, 0xfeb153ffffb9full, 0x6b0f6241eabffull, 0x12bf6730d2a0full, 0x764774b84f385ull, 0x1ba7b6434bacdull, 0x1ea397fe69a4bull, 0x1a011ull}
#define FP_INVERSE_LIMB52 0x3fffcfffcfffdull
#define FP_R2 {0xa5bf4cb89af51ull, 0x3afbba7ca31a2ull, 0x2646160ec71f1ull, 0xa84d710465903ull, 0x3480a4a188311ull, 0x98e5907ad91f5ull, 0x2075d74507266ull, 0x8746ull}
#define FP_ONE {0x6480ea8e9b9afull, 0x65766c8fe444full, 0x8b540fea96f7dull, 0x3b2ee82efd422ull, 0xa6723e5f0ade5ull, 0xff6eb6fdd4230ull, 0xe06ef23c24a25ull, 0x14c8eull}
#define FP_FOUR {0xc203aa3a7e6bbull, 0x99c5b63f91e5dull, 0xec2218e49b9f5ull, 0xb47d6b297d25bull, 0x36f29b533dd05ull, 0xaac3b92d6d85aull, 0x25d100f5559b6ull, 0x5208ull}
#define FP_BETA {0xd75aaff33455full, 0xd095356b7cbb6ull, 0x953a2f6fa079full, 0x1080cf0a3d697ull, 0x3f7de3465fe7cull, 0x1f71fd6896ecull, 0xd9dd9cc172747ull, 0x7d91ull}
#define FP_PSI_X0 {0x0ull, 0x0ull, 0x0ull, 0x0ull, 0x0ull, 0x0ull, 0x0ull, 0x0ull}
#define FP_PSI_X1 {0x18a5500cc654cull, 0x2e1c1e9482fe9ull, 0xd5d532d24a460ull, 0x23e982695377ull, 0x36c99171ef509ull, 0x19b0966cc23e1ull, 0x44c5fb3cf7304ull, 0x1227full}
#define FP_PSI_Y0 {0x9c1a677c96161ull, 0xf16c8708fcef3ull, 0x94977d28093e6ull, 0xa06b71c927307ull, 0xb4fa740f70cc7ull, 0x844ca7b844683ull, 0x3f2d89b2709bbull, 0x917dull}
#define FP_PSI_Y1 {0x53e598836494aull, 0xd44ccf702cacull, 0xd677e519e1819ull, 0x7253f567ab707ull, 0xc14d00a8de6bdull, 0x975b0e8b07449ull, 0xdf760e4bf908full, 0x10e93ull}
#else
#define FP_INVERSION {0xed48ac6bd94ca1e0ull, 0x315f831e03a7adf8ull, 0x9a53352a615e29ddull, 0x34c04e5e921e1761ull, 0x2512d43565724728ull, 0xaa6346091755d4dull}
#define FP_R2 {0xf4df1f341c341746ull, 0xa76e6a609d104f1ull, 0x8de5476c4c95b6d5ull, 0x67eb88a9939d83c0ull, 0x9a793e85b519952dull, 0x11988fe592cae3aaull}
#define FP_ONE {0x760900000002fffdull, 0xebf4000bc40c0002ull, 0x5f48985753c758baull, 0x77ce585370525745ull, 0x5c071a97a256ec6dull, 0x15f65ec3fa80e493ull}
#define FP_FOUR {0xaa270000000cfff3ull, 0x53cc0032fc34000aull, 0x478fe97a6b0a807full, 0xb1d37ebee6ba24d7ull, 0x8ec9733bbf78ab2full, 0x9d645513d83de7eull}
#define FP_BETA {0x30f1361b798a64e8ull, 0xf3b8ddab7ece5a2aull, 0x16a8ca3ac61577f7ull, 0xc26a2ff874fd029bull, 0x3636b76660701c6eull, 0x51ba4ab241b6160ull}
#define FP_PSI_X0 {0x0ull, 0x0ull, 0x0ull, 0x0ull, 0x0ull, 0x0ull}
#define FP_PSI_X1 {0x890dc9e4867545c3ull, 0x2af322533285a5d5ull, 0x50880866309b7e2cull, 0xa20d1b8c7e881024ull, 0x14e4f04fe2db9068ull, 0x14e56d3f1564853aull}
#define FP_PSI_Y0 {0x3e2f585da55c9ad1ull, 0x4294213d86c18183ull, 0x382844c88b623732ull, 0x92ad2afd19103e18ull, 0x1d794e4fac7cf0b9ull, 0xbd592fc7d825ec8ull}
#define FP_PSI_Y1 {0x7bcfa7a25aa30fdaull, 0xdc17dec12a927e7cull, 0x2f088dd86b4ebef1ull, 0xd1ca2087da74d4a7ull, 0x2da2596696cebc1dull, 0xe2b7eedbbfd87d2ull}
#endif
#else
static const i64 fr_modulus[9] = {1, -8, -6881344, -79165952, -41921220, 201589969, -182399769, 174404528, 7597479};
#define FR_MODULUS(i) fr_modulus[i]
#define FR_TOP_RECIPROCAL 144720ll
static const i64 fp_modulus[13] = {-21845, -402915328, 356515836, -352321620, -252304353, 55215067, 288093811, 316751073, -321428361, 517541167, -375082566, -91332614, 1704210};
#define FP_MODULUS(i) fp_modulus[i]
#define FP_INVERSE 1073545213u
#define FP_LOW_RECIPROCAL 196611u
#define FP_TOP_RECIPROCAL 645173ll
#define FR_R2 {175223744, -47046530, -161228390, -61162348, 62229573, 199455800, 136968049, -161475682, 2620818}
#define PEDERSEN_SHIFT {-48596728, -128228513, 186357646, 44705254, -107086333, -16634600, 37436752, 243115756, 2049971}
#define FR_ONE {-70, 560, -55176832, 172907521, 250130850, -152654113, -116918084, 139714040, 5047359}
#define FP_R2 {84936463, -82245875, 20063291, -375672600, -184045713, -75371400, -508475920, 172522421, -150322876, 98350284, 415856896, -132992156, 1010031}
#define FP_ONE {13762350, 433586176, -192935228, -301937177, 37952645, -425753694, -36732706, 162803105, -437337492, 366579475, 78814996, -442511456, 89578}
#define FP_FOUR {55049400, -413138944, 302000914, -134006885, 151810579, 444468872, -146930826, -422529404, 398133681, 392576074, 315259985, 377437824, 358310}
#define FP_BETA {-493012484, 291904378, -93804296, 165329881, 309611390, -490956844, -61027009, 486044993, 26731764, -197930516, 220235296, -208325022, 973908}
#define FP_PSI_X0 {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
#define FP_PSI_X1 {492990639, 378922118, 450320131, -517651501, 511826081, -527569914, 349120821, -169293920, -348160125, -358270141, 478423963, 116992407, 730302}
#define FP_PSI_Y0 {389045985, -406037083, 499518840, -485236250, 32143660, -447243366, 107345305, 206416767, 436095431, 286654118, -389168359, -440973659, 214456}
#define FP_PSI_Y1 {-389067830, 3121755, -143003004, 132914630, -284448013, 502458433, 180748506, 110334306, 316218032, 230887048, 14085793, 349641045, 1489754}
#endif
#endif
