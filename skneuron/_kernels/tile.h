/* A tile of a product, kept in registers, for the float type T, TARGET's instructions,
vectors of so many BYTES and TILE_ROWS rows. */

#define IN_TILE TARGET __attribute__((always_inline)) static inline
#define LANES (BYTES / (int)sizeof(T))
#define OF_LEVEL(a) NAME(JOIN(a, LEVEL))
#define AHEAD 16 /* steps: rows are far apart, and processors guess no next ones */
#define UNROLL _Pragma("GCC unroll 8")

typedef T OF_LEVEL(vector)
    __attribute__((vector_size(BYTES), aligned(sizeof(T)), may_alias));

/* C (+)= A B, of so many rows and vectors; of a vector, the first `columns` count. */
IN_TILE void OF_LEVEL(micro)(const int rows, const int vectors, ptrdiff_t k, const T *A,
                             ptrdiff_t row, ptrdiff_t step, const T *B, ptrdiff_t ldb,
                             int more, T *C, ptrdiff_t ldc, ptrdiff_t columns)
{
    OF_LEVEL(vector) sum[8][TILE_VECTORS], b[TILE_VECTORS];
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < vectors; j++)
            sum[i][j] = (OF_LEVEL(vector)){0};
    for (ptrdiff_t p = 0; p < k; p++) {
        __builtin_prefetch(A + (p + AHEAD) * step);
        UNROLL for (int j = 0; j < vectors; j++)
            __builtin_prefetch(B + (p + AHEAD) * ldb + j * LANES);
        UNROLL for (int j = 0; j < vectors; j++)
            b[j] = *(const OF_LEVEL(vector) *)(B + p * ldb + j * LANES);
        UNROLL for (int i = 0; i < rows; i++)
            UNROLL for (int j = 0; j < vectors; j++)
                sum[i][j] += A[i * row + p * step] * b[j];
    }
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < vectors; j++) {
            T *to = C + i * ldc + j * LANES;
            if (columns < LANES) {
                for (ptrdiff_t c = 0; c < columns; c++)
                    to[c] = sum[i][j][c] + (more ? to[c] : 0);
                continue;
            }
            if (more)
                sum[i][j] += *(OF_LEVEL(vector) *)to;
            *(OF_LEVEL(vector) *)to = sum[i][j];
        }
}

/* All m rows of C. One vector alone takes 8 rows, or each sum would wait for itself. */
IN_TILE void OF_LEVEL(strip)(const int vectors, ptrdiff_t m, ptrdiff_t k, const T *A,
                             ptrdiff_t row, ptrdiff_t step, const T *B, ptrdiff_t ldb,
                             int more, T *C, ptrdiff_t ldc, ptrdiff_t columns)
{
#define ROWS(n)                                                                        \
    for (; m >= n; m -= n, A += n * row, C += n * ldc)                                 \
    OF_LEVEL(micro)(n, vectors, k, A, row, step, B, ldb, more, C, ldc, columns)
    if (vectors == 1 || TILE_ROWS == 8)
        ROWS(8);
    ROWS(4);
    ROWS(1);
#undef ROWS
}
#undef IN_TILE
#undef LANES
#undef OF_LEVEL
#undef AHEAD
#undef UNROLL
