/* Products of a mini-batch, for the float type T.

BLAS copies both matrices before it multiplies them, which is made for large ones: of
some rows, or summed over some, that takes as long as the product. Tiles read what they
are made of where it lies. BLAS is what there is on processors without AVX2. */

#ifdef HAS
#define TILE_VECTORS 3
#define TARGET __attribute__((target("arch=x86-64-v3")))
#define TILE_ROWS 4 /* of 16 registers */
#define LEVEL half_v3
#define BYTES 16
#include "tile.h"
#undef LEVEL
#undef BYTES
#define HALF half_v3
#define LEVEL v3
#define BYTES 32
#include "tile.h"
#include "tiles.h"

#define TARGET __attribute__((target("arch=x86-64-v4")))
#define TILE_ROWS 8 /* of 32 */
#define LEVEL half_v4
#define BYTES 32
#include "tile.h"
#undef LEVEL
#undef BYTES
#define HALF half_v4
#define LEVEL v4
#define BYTES 64
#include "tile.h"
#include "tiles.h"
#undef TILE_VECTORS
#endif

/* C = A B, as `product` has it. Fewer rows than tiles have are BLAS's. */
static void NAME(tiled)(char of_a, char of_b, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,
                           const T *A, ptrdiff_t lda, const T *B, ptrdiff_t ldb, T *C,
                           ptrdiff_t ldc)
{
#ifdef HAS
    ptrdiff_t row = of_a == 'N' ? lda : 1, step = of_a == 'N' ? 1 : lda;
    if (m >= 4 && HAS("x86-64-v4")) {
        NAME(tiles_v4)(m, n, k, A, row, step, of_b, B, ldb, C, ldc);
        return;
    }
    if (m >= 4 && HAS("x86-64-v3")) {
        NAME(tiles_v3)(m, n, k, A, row, step, of_b, B, ldb, C, ldc);
        return;
    }
#endif
    NAME(product)(of_a, of_b, m, n, k, A, lda, B, ldb, 0, C, ldc);
}
