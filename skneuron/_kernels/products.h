/* Products of rows with parameters, and of residuals with rows: dense, and CSR. */

/* Four lanes, or eight, of which pairs of rows are put together: sums across a vector
one by one take as long as the products. */
typedef T NAME(Lanes) __attribute__((vector_size(32), aligned(sizeof(T)), may_alias));
#define LANES (32 / (ptrdiff_t)sizeof(T))
#define SOME_ROWS __attribute__((always_inline)) static inline

/* So many rows at a time. Of more, more comes from memory at once, and theta, or the sums,
from their cache less often: of LONG rows eight are best. */
#define LONG 128

SOME_ROWS void NAME(some_dots)(const int rows, ptrdiff_t d, const T *x, ptrdiff_t lead,
                               const T *restrict theta, T intercept, T *restrict z)
{
    NAME(Lanes) sums[8] = {{0}};
    T rest[8] = {0};
    ptrdiff_t j = 0;
    for (; j + LANES <= d; j += LANES) {
        NAME(Lanes) by = *(const NAME(Lanes) *)(theta + j);
        for (int r = 0; r < rows; r++)
            sums[r] += *(const NAME(Lanes) *)(x + r * lead + j) * by;
    }
    for (; j < d; j++)
        for (int r = 0; r < rows; r++)
            rest[r] += x[r * lead + j] * theta[j];
    for (int r = 0; r < rows; r++) {
        for (int lane = 0; lane < LANES; lane++)
            rest[r] += sums[r][lane];
        z[r] = rest[r] + intercept;
    }
}

CLONES static void NAME(dots)(ptrdiff_t m, ptrdiff_t d, const T *x, ptrdiff_t lead,
                              const T *restrict theta, T intercept, T *restrict z)
{
    ptrdiff_t i = 0;
    for (; d >= LONG && i + 8 <= m; i += 8, x += 8 * lead)
        NAME(some_dots)(8, d, x, lead, theta, intercept, z + i);
    for (; i + 4 <= m; i += 4, x += 4 * lead)
        NAME(some_dots)(4, d, x, lead, theta, intercept, z + i);
    for (; i < m; i++, x += lead) {
        T total = 0;
#pragma omp simd reduction(+ : total)
        for (ptrdiff_t j = 0; j < d; j++)
            total += x[j] * theta[j];
        z[i] = total + intercept;
    }
}

SOME_ROWS void NAME(some_adds)(const int rows, ptrdiff_t d, const T *x, ptrdiff_t lead,
                               const T *restrict by, T *restrict sum)
{
    ptrdiff_t j = 0;
    for (; j + LANES <= d; j += LANES) {
        NAME(Lanes) total = *(NAME(Lanes) *)(sum + j);
        for (int r = 0; r < rows; r++)
            total += by[r] * *(const NAME(Lanes) *)(x + r * lead + j);
        *(NAME(Lanes) *)(sum + j) = total;
    }
    for (; j < d; j++)
        for (int r = 0; r < rows; r++)
            sum[j] += by[r] * x[r * lead + j];
}

/* sum += r^T x */
CLONES static void NAME(adds)(ptrdiff_t m, ptrdiff_t d, const T *x, ptrdiff_t lead,
                              const T *restrict r, T *restrict sum)
{
    ptrdiff_t i = 0;
    for (; d >= LONG && i + 8 <= m; i += 8, x += 8 * lead)
        NAME(some_adds)(8, d, x, lead, r + i, sum);
    for (; i + 4 <= m; i += 4, x += 4 * lead)
        NAME(some_adds)(4, d, x, lead, r + i, sum);
    for (; i < m; i++, x += lead)
        NAME(some_adds)(1, d, x, lead, r + i, sum);
}
#undef LANES
#undef SOME_ROWS
#undef LONG

/* --- CSR --------------------------------------------------------------------------- */

#define SPARSE(index, name)                                                            \
    /* Logits of m rows, (m, width). */                                                \
    static void NAME(sparse_logits_##name)(const Features *X, ptrdiff_t start,         \
                                           ptrdiff_t m, ptrdiff_t width,               \
                                           const T *restrict theta, T *restrict z)     \
    {                                                                                  \
        const index *indptr = X->indptr, *indices = X->indices;                        \
        const T *values = X->data;                                                     \
        for (ptrdiff_t i = 0; i < m; i++) {                                            \
            index from = indptr[start + i], to = indptr[start + i + 1];                \
            if (width == 1) {                                                          \
                T total = 0;                                                           \
                for (index k = from; k < to; k++)                                      \
                    total += values[k] * theta[indices[k]];                            \
                z[i] = total;                                                          \
                continue;                                                              \
            }                                                                          \
            T *restrict into = z + i * width;                                          \
            memset(into, 0, sizeof(T) * (size_t)width);                                \
            for (index k = from; k < to; k++) {                                        \
                const T *restrict row = theta + (ptrdiff_t)indices[k] * width;         \
                T value = values[k];                                                   \
                for (ptrdiff_t c = 0; c < width; c++)                                  \
                    into[c] += value * row[c];                                         \
            }                                                                          \
        }                                                                              \
    }                                                                                  \
    /* sums += X^T r of m rows; r is (m, width). */                                    \
    static void NAME(sparse_adds_##name)(const Features *X, ptrdiff_t start,           \
                                         ptrdiff_t m, ptrdiff_t width,                 \
                                         const T *restrict r, double *restrict sums)   \
    {                                                                                  \
        const index *indptr = X->indptr, *indices = X->indices;                        \
        const T *values = X->data;                                                     \
        for (ptrdiff_t i = 0; i < m; i++) {                                            \
            index from = indptr[start + i], to = indptr[start + i + 1];                \
            for (index k = from; width == 1 && k < to; k++)                            \
                sums[indices[k]] += values[k] * r[i];                                  \
            for (index k = from; width > 1 && k < to; k++) {                           \
                double *restrict row = sums + (ptrdiff_t)indices[k] * width;           \
                T value = values[k];                                                   \
                for (ptrdiff_t c = 0; c < width; c++)                                  \
                    row[c] += value * r[i * width + c];                                \
            }                                                                          \
        }                                                                              \
    }                                                                                  \
    /* Lower triangle: sums += X1^T diag(by) X1, (n, n). Two inputs at a time, or what \
    is stored would be read twice as often. */                                         \
    static void NAME(sparse_squares_##name)(const Features *X, ptrdiff_t start,        \
                                            ptrdiff_t m, int intercept, const T *by,   \
                                            ptrdiff_t n, double *sums)                 \
    {                                                                                  \
        const index *indptr = X->indptr, *indices = X->indices;                        \
        const T *values = X->data;                                                     \
        double *last = sums + (n - 1) * n;                                             \
        for (ptrdiff_t i = 0; i < m; i++) {                                            \
            ptrdiff_t k = indptr[start + i], from = k, to = indptr[start + i + 1];     \
            double weight = by[i];                                                     \
            for (; k + 2 <= to; k += 2) {                                              \
                ptrdiff_t at_a = indices[k], at_b = indices[k + 1];                    \
                double a = weight * values[k], b = weight * values[k + 1];             \
                double *of_a = sums + at_a * n, *of_b = sums + at_b * n;               \
                for (ptrdiff_t l = from; l <= k; l++) {                                \
                    ptrdiff_t at = indices[l];                                         \
                    double value = values[l];                                          \
                    of_a[at] += a * value;                                             \
                    of_b[at] += b * value;                                             \
                }                                                                      \
                of_b[at_b] += b * values[k + 1];                                       \
                if (intercept) {                                                       \
                    last[at_a] += a;                                                   \
                    last[at_b] += b;                                                   \
                }                                                                      \
            }                                                                          \
            for (ptrdiff_t l = from; k < to && l <= k; l++)                            \
                sums[indices[k] * n + indices[l]] += weight * values[k] * values[l];   \
            if (intercept && k < to)                                                   \
                last[indices[k]] += weight * values[k];                                \
            if (intercept)                                                             \
                last[n - 1] += weight;                                                 \
        }                                                                              \
    }

SPARSE(int32_t, narrow)
SPARSE(int64_t, wide)
#undef SPARSE
