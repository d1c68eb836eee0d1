/* Products of rows with parameters, and of residuals with rows: dense, and CSR. */

/* Four lanes, or eight, of which pairs of rows are put together: sums across a vector
one by one take as long as the products. */
typedef T NAME(Lanes) __attribute__((vector_size(32), aligned(sizeof(T)), may_alias));

CLONES static void NAME(dots)(ptrdiff_t m, ptrdiff_t d, const T *x, ptrdiff_t lead,
                              const T *restrict theta, T intercept, T *restrict z)
{
    enum { LANES = 32 / sizeof(T) };
    ptrdiff_t i = 0, whole = d - d % LANES;
    for (; i + 4 <= m; i += 4, x += 4 * lead) {
        NAME(Lanes) sums[4] = {{0}};
        for (ptrdiff_t j = 0; j < whole; j += LANES) {
            NAME(Lanes) by = *(const NAME(Lanes) *)(theta + j);
            for (int r = 0; r < 4; r++)
                sums[r] += *(const NAME(Lanes) *)(x + r * lead + j) * by;
        }
        T rest[4] = {0};
        for (ptrdiff_t j = whole; j < d; j++)
            for (int r = 0; r < 4; r++)
                rest[r] += x[r * lead + j] * theta[j];
        for (int r = 0; r < 4; r++) {
            T total = rest[r];
            for (int lane = 0; lane < LANES; lane++)
                total += sums[r][lane];
            z[i + r] = total + intercept;
        }
    }
    for (; i < m; i++, x += lead) {
        T total = 0;
#pragma omp simd reduction(+ : total)
        for (ptrdiff_t j = 0; j < d; j++)
            total += x[j] * theta[j];
        z[i] = total + intercept;
    }
}

/* sum += r^T x */
CLONES static void NAME(adds)(ptrdiff_t m, ptrdiff_t d, const T *x, ptrdiff_t lead,
                              const T *restrict r, T *restrict sum)
{
    ptrdiff_t i = 0;
    for (; i + 4 <= m; i += 4, x += 4 * lead) {
        const T *a = x, *b = x + lead, *c = x + 2 * lead, *e = x + 3 * lead;
#pragma omp simd
        for (ptrdiff_t j = 0; j < d; j++)
            sum[j] += r[i] * a[j] + r[i + 1] * b[j] + r[i + 2] * c[j] + r[i + 3] * e[j];
    }
    for (; i < m; i++, x += lead)
        for (ptrdiff_t j = 0; j < d; j++)
            sum[j] += r[i] * x[j];
}

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
