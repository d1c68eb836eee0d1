/* Products in tiles, for the float type T and the processors of LEVEL. */

#define OF_LEVEL(a) NAME(JOIN(a, LEVEL))
#define OF_HALF(a) NAME(JOIN(a, HALF))
#define LANES (BYTES / (int)sizeof(T))
#define DEPTH 256 /* summed over at once: of B, a tile's width of that stays near */

/* C = A B: A (i, p) lies `row` and `step` apart, B as it is or transposed. */
TARGET static void OF_LEVEL(tiles)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const T *A,
                                   ptrdiff_t row, ptrdiff_t step, char of_b, const T *B,
                                   ptrdiff_t ldb, T *C, ptrdiff_t ldc)
{
    _Alignas(64) T copy[DEPTH * TILE_VECTORS * LANES];
    ptrdiff_t right = of_b == 'N' ? 1 : ldb, down = of_b == 'N' ? ldb : 1;
    for (ptrdiff_t p = 0, depth; p < k; p += depth) {
        depth = k - p < DEPTH ? k - p : DEPTH;
        for (ptrdiff_t c = 0, columns; c < n; c += columns) {
            int vectors = n - c >= TILE_VECTORS * LANES ? TILE_VECTORS : 1;
            int half = n - c <= LANES / 2; /* the last ones */
            ptrdiff_t width = half ? LANES / 2 : vectors * LANES, lead = ldb;
            columns = n - c < width ? n - c : width;
            const T *a = A + p * step, *b = B + p * down + c * right;
            if (of_b == 'T' || columns < width) { /* there is no reading beyond the end */
                memset(copy, 0, sizeof(T) * (size_t)(depth * width));
                for (ptrdiff_t j = 0; j < columns; j++)
                    for (ptrdiff_t q = 0; q < depth; q++)
                        copy[q * width + j] = b[q * down + j * right];
                b = copy;
                lead = width;
            }
#define ACROSS(strip, vectors, columns)                                                 \
    strip(vectors, m, depth, a, row, step, b, lead, p > 0, C + c, ldc, columns)
            if (vectors > 1)
                ACROSS(OF_LEVEL(strip), TILE_VECTORS, LANES);
            else if (half)
                ACROSS(OF_HALF(strip), 1, columns);
            else if (columns == LANES)
                ACROSS(OF_LEVEL(strip), 1, LANES);
            else
                ACROSS(OF_LEVEL(strip), 1, columns);
#undef ACROSS
        }
    }
}
#undef OF_LEVEL
#undef OF_HALF
#undef LANES
#undef DEPTH
#undef TARGET
#undef LEVEL
#undef HALF
#undef BYTES
#undef TILE_ROWS
