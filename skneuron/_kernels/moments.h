/* Moments of columns. */

typedef struct {
    const Pass *pass;
    ptrdiff_t rows;
    double *chunk_sums;
    char *rooms;
    size_t room_size;
} NAME(Moments);

/* sums[j] += w x_j and sums[d + j] += w x_j^2 */
CLONES static void NAME(add_squares)(ptrdiff_t m, ptrdiff_t d, const T *x, ptrdiff_t lead,
                                     const T *restrict w, double *restrict sums)
{
    double *restrict squares = sums + d;
    ptrdiff_t i = 0;
    /* Sums of many columns are too many for the nearest cache. */
    for (; d >= 1024 && i + 4 <= m; i += 4, x += 4 * lead) {
        const T *p = x + lead, *q = x + 2 * lead, *r = x + 3 * lead;
#pragma omp simd
        for (ptrdiff_t j = 0; j < d; j++) {
            double a = x[j], b = p[j], c = q[j], e = r[j];
            double wa = w[i] * a, wb = w[i + 1] * b, wc = w[i + 2] * c, we = w[i + 3] * e;
            sums[j] += wa + wb + wc + we;
            squares[j] += wa * a + wb * b + wc * c + we * e;
        }
    }
    for (; i < m; i++, x += lead)
#pragma omp simd
        for (ptrdiff_t j = 0; j < d; j++) {
            double value = x[j], weighted = w[i] * value;
            sums[j] += weighted;
            squares[j] += weighted * value;
        }
}

#define SPARSE(index)                                                                  \
    for (ptrdiff_t i = 0; i < m; i++) {                                                \
        const index *ends = (const index *)X->indptr + start + i;                      \
        const index *indices = X->indices;                                             \
        for (index k = ends[0]; k < ends[1]; k++) {                                    \
            double value = ((const T *)X->data)[k], weighted = weights[i] * value;     \
            sums[indices[k]] += weighted;                                              \
            sums[d + indices[k]] += weighted * value;                                  \
        }                                                                              \
    }

static void NAME(add_moments)(const NAME(Moments) *of, int chunk, int rank)
{
    const Features *X = &of->pass->X;
    ptrdiff_t d = X->n_columns, b = of->rows, lead;
    ptrdiff_t stop = of->pass->chunks[2 * chunk + 1];
    double *sums = of->chunk_sums + chunk * 2 * d;
    T *weights = (T *)(of->rooms + (size_t)rank * of->room_size), *room = weights + b;
    memset(sums, 0, sizeof(double) * (size_t)(2 * d));
    NAME(no_weights)(b, weights);
    for (ptrdiff_t start = of->pass->chunks[2 * chunk], m; start < stop; start += m) {
        m = stop - start < b ? stop - start : b;
        NAME(load_targets)(&of->pass->y, NULL, start, m, NULL, weights, b);
        if (X->indptr && X->wide) {
            SPARSE(int64_t)
        } else if (X->indptr) {
            SPARSE(int32_t)
        } else {
            const T *x = NAME(load)(X, NULL, start, m, 0, d, room, &lead);
            NAME(add_squares)(m, d, x, lead, weights, sums);
        }
    }
}
#undef SPARSE

static int NAME(plan_moments)(void *what, long phase)
{
    return phase ? 0 : ((const NAME(Moments) *)what)->pass->n_chunks;
}

static void NAME(work_moments)(void *what, long phase, int task, int rank)
{
    (void)phase;
    NAME(add_moments)(what, task, rank);
}

int NAME(moments)(const Pass *pass)
{
    NAME(Moments) of = {.pass = pass};
    ptrdiff_t d = pass->X.n_columns;
    of.rows = BLOCK_NUMBERS / (d + 1);
    of.rows = of.rows > MOST_ROWS ? MOST_ROWS : of.rows < 16 ? 16 : of.rows;
    ptrdiff_t numbers = of.rows + of.rows * (pass->X.indptr ? 0 : d);
    of.room_size = ROUND_UP(sizeof(T) * (size_t)numbers);
    of.chunk_sums = malloc(sizeof(double) * (size_t)(2 * d * pass->n_chunks));
    of.rooms = malloc(of.room_size * (size_t)pass->n_threads);
    int failed = !of.chunk_sums || !of.rooms;
    if (!failed)
        failed = team_do(pass->n_threads, NAME(plan_moments), NAME(work_moments), &of);
    for (ptrdiff_t j = 0; j < 2 * d && !failed; j++) {
        pass->sums[j] = 0;
        for (int chunk = 0; chunk < pass->n_chunks; chunk++)
            pass->sums[j] += of.chunk_sums[chunk * 2 * d + j];
    }
    free(of.chunk_sums);
    free(of.rooms);
    return failed ? -1 : 0;
}
