/* A pass over rows, for the float type T.

Runs of rows, `chunks`, are summed each by itself and then in their order, whoever did
which. Within, blocks of rows stay in the nearest cache from the logits to the sums.
*/

/* Curvatures of so many inputs are formed as rows are read; larger ones by BLAS. */
#define FEW_INPUTS 64

typedef struct {
    const Pass *pass;
    ptrdiff_t d, n_inputs, n_logits, width; /* width: logits of all members */
    ptrdiff_t rows, tile_rows;              /* in a block, of chunks and of tiles */
    ptrdiff_t n_sums, n_pairs, n_pair_sums;
    int sparse; /* a CSR matrix, and not of numbers that are centred as they are read */
    int fused, scattered;
    double *chunk_sums;
    ptrdiff_t *firsts; /* rows in the chunks before each */
    T *kept;           /* what the curvature needs, (rows of all chunks, n_logits) */
    ptrdiff_t n_kept;
    /* tiles of large curvatures */
    ptrdiff_t tile, n_across, n_tiles;
    int n_groups; /* of chunks, each with tiles of its own */
    T *tiles;
    /* room of each thread */
    char *rooms;
    size_t room_size;
} NAME(Sums);

typedef struct {
    T *x, *z, *weights, *member_weights, *gradient, *kept, *scaled, *curvature, *coupling;
    int32_t *codes;
} NAME(Room);

CLONES static void NAME(dots)(ptrdiff_t m, ptrdiff_t d, const T *x, ptrdiff_t lead,
                              const T *restrict theta, T intercept, T *restrict z)
{
    for (ptrdiff_t i = 0; i < m; i++, x += lead) {
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

/* Lower triangle: sum += sign scaled^T scaled, (n, n); scaled is (m, n). */
CLONES static void NAME(squares)(ptrdiff_t m, ptrdiff_t n, const T *restrict scaled,
                                 T sign, T *restrict sum)
{
    ptrdiff_t i = 0;
    for (; i + 8 <= m; i += 8) {
        const T *t = scaled + i * n;
        for (ptrdiff_t a = 0; a < n; a++) {
            T s0 = sign * t[a], s1 = sign * t[a + n], s2 = sign * t[a + 2 * n];
            T s3 = sign * t[a + 3 * n], s4 = sign * t[a + 4 * n];
            T s5 = sign * t[a + 5 * n], s6 = sign * t[a + 6 * n];
            T s7 = sign * t[a + 7 * n];
            T *restrict row = sum + a * n;
#pragma omp simd
            for (ptrdiff_t b = 0; b <= a; b++)
                row[b] += s0 * t[b] + s1 * t[b + n] + s2 * t[b + 2 * n]
                          + s3 * t[b + 3 * n] + s4 * t[b + 4 * n] + s5 * t[b + 5 * n]
                          + s6 * t[b + 6 * n] + s7 * t[b + 7 * n];
        }
    }
    for (; i < m; i++)
        for (ptrdiff_t a = 0; a < n; a++)
            for (ptrdiff_t b = 0; b <= a; b++)
                sum[a * n + b] += sign * scaled[i * n + a] * scaled[i * n + b];
}

CLONES static void NAME(scale)(ptrdiff_t m, ptrdiff_t d, const T *x, ptrdiff_t lead,
                               const T *restrict by, T *restrict scaled, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < m; i++)
        for (ptrdiff_t j = 0; j < d; j++)
            scaled[i * n + j] = by[i] * x[i * lead + j];
}

/* The weight of a pair of logits, a <= c, in each row: of the size, and its sign. */
CLONES static T NAME(couple)(int width, ptrdiff_t m, const T *kept, ptrdiff_t stride,
                      const T *w, ptrdiff_t a, ptrdiff_t c, T *by)
{
    const T *p = kept + a * stride, *q = kept + c * stride;
    if (!width) { /* Bernoulli: it is what was kept */
        memcpy(by, p, sizeof(T) * (size_t)m);
        return 1;
    }
    for (ptrdiff_t i = 0; i < m; i++)
        by[i] = w[i] * p[i] * (a == c ? 1 - p[i] : q[i]);
    return a == c ? 1 : -1;
}

CLONES static void NAME(roots)(ptrdiff_t m, T *restrict by)
{
    for (ptrdiff_t i = 0; i < m; i++)
        by[i] = SQRT(by[i]);
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
    /* Lower triangle: sums += X1^T diag(by) X1, (n, n). */                            \
    static void NAME(sparse_squares_##name)(const Features *X, ptrdiff_t start,        \
                                            ptrdiff_t m, int intercept, const T *by,   \
                                            T sign, ptrdiff_t n,                       \
                                            double *restrict sums)                     \
    {                                                                                  \
        const index *indptr = X->indptr, *indices = X->indices;                        \
        const T *values = X->data;                                                     \
        double *last = sums + (n - 1) * n;                                             \
        for (ptrdiff_t i = 0; i < m; i++) {                                            \
            double weight = sign * by[i];                                              \
            index from = indptr[start + i], to = indptr[start + i + 1];                \
            for (index k = from; k < to; k++) {                                        \
                double value = weight * values[k];                                     \
                double *restrict row = sums + (ptrdiff_t)indices[k] * n;               \
                for (index l = from; l <= k; l++)                                      \
                    row[indices[l]] += value * values[l];                              \
                if (intercept)                                                         \
                    last[indices[k]] += value;                                         \
            }                                                                          \
            if (intercept)                                                             \
                last[n - 1] += weight;                                                 \
        }                                                                              \
    }

SPARSE(int32_t, narrow)
SPARSE(int64_t, wide)
#undef SPARSE

/* --- a chunk ----------------------------------------------------------------------- */

static NAME(Room) NAME(room)(const NAME(Sums) *of, int rank)
{
    NAME(Room) room;
    char *at = of->rooms + (size_t)rank * of->room_size;
    ptrdiff_t n = of->n_inputs, outputs = of->pass->y.n_outputs, t = of->tile;
    ptrdiff_t b = of->rows > of->tile_rows ? of->rows : of->tile_rows;
#define LARGER(a, b) ((a) > (b) ? (a) : (b))
#define TAKE(name, size)                                                               \
    room.name = (void *)at;                                                            \
    at += ROUND_UP(sizeof *room.name * (size_t)(size))
    TAKE(x, LARGER(of->rows * of->d, of->tile_rows * t));
    TAKE(z, LARGER(2 * of->rows * of->width, of->tile_rows * t));
    TAKE(weights, b * outputs);
    TAKE(member_weights, b * outputs);
    TAKE(gradient, n * of->width);
    TAKE(kept, b * of->n_logits);
    TAKE(coupling, b);
    TAKE(codes, b * outputs);
    TAKE(scaled, LARGER(of->fused ? of->rows * n : 0, of->tile_rows * t));
    TAKE(curvature, LARGER(of->fused ? n * n : 0, t * t));
    return room;
}

static size_t NAME(room_bytes)(const NAME(Sums) *of)
{
    NAME(Sums) nowhere = *of;
    nowhere.rooms = NULL;
    nowhere.room_size = 0;
    NAME(Room) room = NAME(room)(&nowhere, 0);
    ptrdiff_t last = LARGER(of->fused ? of->n_inputs : 0, of->tile);
    return (size_t)(uintptr_t)room.curvature
           + ROUND_UP(sizeof(T) * (size_t)(last * last));
}
#undef TAKE
#undef LARGER

static void NAME(add_curvature)(const NAME(Sums) *of, const NAME(Room) *room,
                                ptrdiff_t start, ptrdiff_t m, const T *x, ptrdiff_t lead,
                                const T *kept, double *sums)
{
    const Pass *pass = of->pass;
    ptrdiff_t n = of->n_inputs, d = of->d, b = of->rows;
    for (ptrdiff_t o = 0; o < pass->y.n_outputs; o++) {
        ptrdiff_t k = pass->y.widths[o] ? pass->y.widths[o] : 1;
        for (ptrdiff_t a = 0; a < k; a++)
            for (ptrdiff_t c = a; c < k; c++, sums += n * n) {
                T *by = room->coupling;
                T sign = NAME(couple)(pass->y.widths[o], m, kept, b,
                                      room->weights + o * b, a, c, by);
                if (of->scattered) {
                    if (pass->X.wide)
                        NAME(sparse_squares_wide)
                        (&pass->X, start, m, pass->intercept, by, sign, n, sums);
                    else
                        NAME(sparse_squares_narrow)
                        (&pass->X, start, m, pass->intercept, by, sign, n, sums);
                    continue;
                }
                NAME(roots)(m, by);
                NAME(scale)(m, d, x, lead, by, room->scaled, n);
                if (pass->intercept)
                    for (ptrdiff_t i = 0; i < m; i++)
                        room->scaled[i * n + d] = by[i];
                memset(room->curvature, 0, sizeof(T) * (size_t)(n * n));
                NAME(squares)(m, n, room->scaled, sign, room->curvature);
                for (ptrdiff_t j = 0; j < n * n; j++)
                    sums[j] += room->curvature[j];
            }
        kept += k * b;
    }
}

/* The weights of rows to a member, by output. */
static const T *NAME(weights_to)(const Pass *pass, const NAME(Room) *room,
                                 ptrdiff_t member, ptrdiff_t start, ptrdiff_t m,
                                 ptrdiff_t b)
{
    if (!pass->tables && !pass->counts)
        return room->weights;
    for (ptrdiff_t o = 0; o < pass->y.n_outputs; o++)
        for (ptrdiff_t i = 0; i < m; i++) {
            double w = room->weights[o * b + i];
            if (pass->tables)
                w *= pass->tables[room->codes[i] * pass->n_members + member];
            if (pass->counts)
                w *= pass->counts[(start + i) * pass->n_members + member];
            room->member_weights[o * b + i] = (T)w;
        }
    return room->member_weights;
}

static void NAME(add_chunk)(const NAME(Sums) *of, int chunk, int rank)
{
    const Pass *pass = of->pass;
    const T *theta = pass->theta;
    NAME(Room) room = NAME(room)(of, rank);
    ptrdiff_t d = of->d, width = of->width, b = of->rows;
    ptrdiff_t stop = pass->chunks[2 * chunk + 1];
    double *values = of->chunk_sums + chunk * of->n_sums;
    double *gradient = values + pass->n_members;
    double *curvature = gradient + (pass->gradients ? of->n_inputs * width : 0);
    memset(values, 0, sizeof(double) * (size_t)of->n_sums);
    NAME(no_weights)(b * pass->y.n_outputs, room.weights);
    for (ptrdiff_t start = pass->chunks[2 * chunk], m; start < stop; start += m) {
        m = stop - start < b ? stop - start : b;
        const T *x = NULL;
        ptrdiff_t lead = 0;
        T *z = room.z;
        NAME(load_targets)(&pass->y, NULL, start, m, room.codes, room.weights, b);
        if (of->sparse) {
            T *by_row = width == 1 ? z : z + b * width;
            if (pass->X.wide)
                NAME(sparse_logits_wide)(&pass->X, start, m, width, theta, by_row);
            else
                NAME(sparse_logits_narrow)(&pass->X, start, m, width, theta, by_row);
            if (width > 1)
                NAME(transpose)(m, width, by_row, width, z, b);
        } else {
            x = NAME(load)(&pass->X, NULL, start, m, 0, d, room.x, &lead);
            if (width == 1)
                NAME(dots)(m, d, x, lead, theta, pass->intercept ? theta[d] : 0, z);
            else
                NAME(product)('T', 'T', width, m, d, theta, width, x, lead, 0, z, b);
        }
        if (pass->intercept && (width > 1 || of->sparse))
            for (ptrdiff_t c = 0; c < width; c++)
                for (ptrdiff_t i = 0; i < m; i++)
                    z[c * b + i] += theta[d * width + c];
        for (ptrdiff_t member = 0; member < pass->n_members; member++)
            values[member] += NAME(likelihood)(
                &pass->y, m, z + member * of->n_logits * b, b, room.codes,
                NAME(weights_to)(pass, &room, member, start, m, b),
                pass->curvature ? room.kept : NULL);
        if (pass->gradients && of->sparse) {
            T *by_row = z;
            if (width > 1) {
                by_row = z + b * width;
                for (ptrdiff_t i = 0; i < m; i++)
                    for (ptrdiff_t c = 0; c < width; c++)
                        by_row[i * width + c] = z[c * b + i];
            }
            if (pass->X.wide)
                NAME(sparse_adds_wide)(&pass->X, start, m, width, by_row, gradient);
            else
                NAME(sparse_adds_narrow)(&pass->X, start, m, width, by_row, gradient);
        } else if (pass->gradients) {
            if (width == 1) {
                memset(room.gradient, 0, sizeof(T) * (size_t)d);
                NAME(adds)(m, d, x, lead, z, room.gradient);
            } else {
                NAME(product)('T', 'T', d, width, m, x, lead, z, b, 0, room.gradient,
                              width);
            }
            for (ptrdiff_t j = 0; j < d * width; j++)
                gradient[j] += room.gradient[j];
        }
        if (pass->gradients && pass->intercept)
            for (ptrdiff_t c = 0; c < width; c++) {
                T total = 0;
#pragma omp simd reduction(+ : total)
                for (ptrdiff_t i = 0; i < m; i++)
                    total += z[c * b + i];
                gradient[d * width + c] += total;
            }
        if (of->fused) {
            NAME(add_curvature)(of, &room, start, m, x, lead, room.kept, curvature);
        } else if (pass->curvature) {
            ptrdiff_t at = of->firsts[chunk] + start - pass->chunks[2 * chunk];
            for (ptrdiff_t c = 0; c < of->n_logits; c++)
                memcpy(of->kept + c * of->n_kept + at, room.kept + c * b,
                       sizeof(T) * (size_t)m);
        }
    }
}

/* --- large curvatures: tile by tile ------------------------------------------------ */

/* Columns `first` to `last` of X1: X, and a 1 with intercepts. */
static void NAME(scaled_columns)(const NAME(Sums) *of, ptrdiff_t start, ptrdiff_t m,
                                 ptrdiff_t first, ptrdiff_t last, const T *by, T *room,
                                 T *scaled)
{
    ptrdiff_t n = last - first, end = last < of->d ? last : of->d, lead;
    if (end > first) {
        const T *x =
            NAME(load)(&of->pass->X, NULL, start, m, first, end, room, &lead);
        NAME(scale)(m, end - first, x, lead, by, scaled, n);
    }
    if (last > of->d)
        for (ptrdiff_t i = 0; i < m; i++)
            scaled[i * n + n - 1] = by[i];
}

/* Where a tile lies in the matrix of a pair, and where its sums are put. */
typedef struct {
    ptrdiff_t rows_at, columns_at, rows, columns;
    double *into;
} NAME(Tile);

static NAME(Tile) NAME(tile)(const NAME(Sums) *of, ptrdiff_t pair, ptrdiff_t number)
{
    const Pass *pass = of->pass;
    ptrdiff_t n = of->n_inputs, across = 0;
    while ((across + 1) * (across + 2) / 2 <= number)
        across++;
    ptrdiff_t down = number - across * (across + 1) / 2; /* down <= across */
    NAME(Tile) tile = {.rows_at = across * of->tile, .columns_at = down * of->tile};
    tile.rows = n - tile.rows_at < of->tile ? n - tile.rows_at : of->tile;
    tile.columns = across == down ? tile.rows : of->tile;
    tile.into = pass->sums + pass->n_members + (pass->gradients ? n * of->width : 0)
                + pair * n * n;
    return tile;
}

/* An item is a pair of logits, a tile of its matrix, and a group of chunks. */
static void NAME(add_tile)(const NAME(Sums) *of, ptrdiff_t item, int rank)
{
    const Pass *pass = of->pass;
    NAME(Room) room = NAME(room)(of, rank);
    ptrdiff_t b = of->tile_rows, group = item % of->n_groups;
    ptrdiff_t tile = item / of->n_groups % of->n_tiles;
    ptrdiff_t pair = item / of->n_groups / of->n_tiles;
    ptrdiff_t o = 0, a = 0, c = 0, first = 0; /* which logits */
    for (ptrdiff_t left = pair;; o++) {
        ptrdiff_t k = pass->y.widths[o] ? pass->y.widths[o] : 1;
        if (left >= k * (k + 1) / 2) {
            left -= k * (k + 1) / 2;
            first += k;
            continue;
        }
        for (a = 0; left >= k - a; a++)
            left -= k - a;
        c = a + left;
        break;
    }
    NAME(Tile) at = NAME(tile)(of, pair, tile);
    ptrdiff_t rows_at = at.rows_at, columns_at = at.columns_at;
    ptrdiff_t rows = at.rows, columns = at.columns;
    T *sum = of->n_groups > 1 ? of->tiles + item * of->tile * of->tile : room.curvature;
    memset(sum, 0, sizeof(T) * (size_t)(rows * columns));
    NAME(no_weights)(b * pass->y.n_outputs, room.weights);
    T *other = room.z;
    int from = (int)(group * pass->n_chunks / of->n_groups);
    int to = (int)((group + 1) * pass->n_chunks / of->n_groups);
    for (int chunk = from; chunk < to; chunk++) {
        ptrdiff_t stop = pass->chunks[2 * chunk + 1], begin = pass->chunks[2 * chunk];
        for (ptrdiff_t start = begin, m; start < stop; start += m) {
            m = stop - start < b ? stop - start : b;
            NAME(load_targets)(&pass->y, NULL, start, m, room.codes, room.weights, b);
            T *by = room.coupling;
            const T *kept = of->kept + first * of->n_kept + of->firsts[chunk]
                            + (start - begin);
            T sign = NAME(couple)(pass->y.widths[o], m, kept, of->n_kept,
                                  room.weights + o * b, a, c, by);
            NAME(roots)(m, by);
            NAME(scaled_columns)
            (of, start, m, rows_at, rows_at + rows, by, room.x, room.scaled);
            T one = 1;
            int n_ = (int)rows, m_ = (int)m, columns_ = (int)columns;
            if (rows_at == columns_at) { /* lower by rows is upper by columns */
                SYRK("U", "N", &n_, &m_, &sign, room.scaled, &n_, &one, sum, &n_);
            } else {
                NAME(scaled_columns)
                (of, start, m, columns_at, columns_at + columns, by, room.x, other);
                GEMM("N", "T", &columns_, &n_, &m_, &sign, other, &columns_, room.scaled,
                     &n_, &one, sum, &columns_);
            }
        }
    }
    if (of->n_groups > 1)
        return;
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t j = 0; j < columns && columns_at + j <= rows_at + i; j++)
            at.into[(rows_at + i) * of->n_inputs + columns_at + j] = sum[i * columns + j];
}

/* The tiles of all groups of chunks, put together. */
static void NAME(join_tiles)(const NAME(Sums) *of, ptrdiff_t which)
{
    NAME(Tile) at = NAME(tile)(of, which / of->n_tiles, which % of->n_tiles);
    const T *tiles = of->tiles + which * of->n_groups * of->tile * of->tile;
    for (ptrdiff_t i = 0; i < at.rows; i++)
        for (ptrdiff_t j = 0; j < at.columns && at.columns_at + j <= at.rows_at + i; j++) {
            double total = 0;
            for (int g = 0; g < of->n_groups; g++)
                total += tiles[g * of->tile * of->tile + i * at.columns + j];
            at.into[(at.rows_at + i) * of->n_inputs + at.columns_at + j] = total;
        }
}

/* --- the job ----------------------------------------------------------------------- */

/* Chunks; then their sums, and tiles; then the sums of tiles. */
static int NAME(plan_pass)(void *what, long phase)
{
    const NAME(Sums) *of = what;
    ptrdiff_t items = of->n_pairs * of->n_tiles;
    if (phase == 0)
        return of->pass->n_chunks;
    if (phase == 1)
        return 1 + MOST_TASKS(items * of->n_groups);
    return phase == 2 && of->n_groups > 1 && items ? MOST_TASKS(items) : 0;
}

static void NAME(work_pass)(void *what, long phase, int task, int rank)
{
    const NAME(Sums) *of = what;
    const Pass *pass = of->pass;
    if (phase == 0) {
        NAME(add_chunk)(of, task, rank);
    } else if (phase == 1 && task == 0) {
        memset(pass->sums, 0, sizeof(double) * (size_t)of->n_sums);
        for (int chunk = 0; chunk < pass->n_chunks; chunk++) {
            const double *some = of->chunk_sums + chunk * of->n_sums;
            for (ptrdiff_t j = 0; j < of->n_sums; j++)
                pass->sums[j] += some[j];
        }
    } else {
        ptrdiff_t items = of->n_pairs * of->n_tiles;
        if (phase == 1) {
            items *= of->n_groups;
            task--;
        }
        ptrdiff_t tasks = MOST_TASKS(items);
        for (ptrdiff_t i = items * task / tasks; i < items * (task + 1) / tasks; i++)
            if (phase == 1)
                NAME(add_tile)(of, i, rank);
            else
                NAME(join_tiles)(of, i);
    }
}

int NAME(pass)(const Pass *pass)
{
    NAME(Sums) of = {.pass = pass};
    const Targets *y = &pass->y;
    of.d = pass->X.n_columns;
    of.sparse = pass->X.indptr && !pass->X.mean;
    of.n_inputs = of.d + !!pass->intercept;
    of.n_logits = y->n_logits;
    of.width = of.n_logits * pass->n_members;
    of.n_sums = pass->n_members + (pass->gradients ? of.n_inputs * of.width : 0);
    ptrdiff_t n = of.n_inputs, n_rows = 0, n_pairs = 0;
    of.tile = 0;
    if (pass->curvature) {
        for (ptrdiff_t o = 0; o < y->n_outputs; o++)
            of.n_pairs += y->widths[o] ? y->widths[o] * (y->widths[o] + 1) / 2 : 1;
        double dense = 1; /* what the matrix of a row costs, by what CSR stores of it */
        if (of.sparse) {
            const void *ends = pass->X.indptr;
            ptrdiff_t last = pass->X.n_rows;
            dense = pass->X.wide ? (double)((const int64_t *)ends)[last]
                                 : (double)((const int32_t *)ends)[last];
            dense /= (double)last * (double)of.d;
        }
        of.scattered = dense < 0.25;
        n_pairs = of.n_pairs;
        of.fused = of.scattered || (!of.sparse && n <= FEW_INPUTS);
        if (of.fused && of.n_pairs * n * n * pass->n_chunks > 1 << 22)
            of.fused = of.scattered = 0;
        if (of.fused) {
            of.n_sums += of.n_pairs * n * n;
            of.n_pairs = 0;
        } else {
            of.n_across = (n + 127) / 128;
            of.tile = (n + of.n_across - 1) / of.n_across;
            of.n_across = (n + of.tile - 1) / of.tile;
            of.n_tiles = of.n_across * (of.n_across + 1) / 2;
            of.tile_rows = MOST_ROWS;
        }
    }
    of.n_groups = 1;
    if (of.n_tiles) {
        ptrdiff_t groups = 16 / (of.n_pairs * of.n_tiles);
        of.n_groups = (int)(groups < 1 ? 1 : groups);
        of.n_groups = of.n_groups < pass->n_chunks ? of.n_groups : pass->n_chunks;
    }
    ptrdiff_t numbers = 1 + of.d + 2 * of.width + 2 * of.n_logits;
    of.rows = BLOCK_NUMBERS / numbers;
    of.rows = of.rows > MOST_ROWS ? MOST_ROWS : of.rows < 16 ? 16 : of.rows;

    of.room_size = NAME(room_bytes)(&of);
    of.firsts = malloc(sizeof *of.firsts * (size_t)pass->n_chunks);
    of.chunk_sums = malloc(sizeof(double) * (size_t)(of.n_sums * pass->n_chunks));
    of.rooms = malloc(of.room_size * (size_t)pass->n_threads);
    int failed = !of.firsts || !of.chunk_sums || !of.rooms;
    if (!failed && of.n_tiles) {
        for (int chunk = 0; chunk < pass->n_chunks; chunk++) {
            of.firsts[chunk] = n_rows;
            n_rows += pass->chunks[2 * chunk + 1] - pass->chunks[2 * chunk];
        }
        of.n_kept = n_rows;
        of.kept = malloc(sizeof(T) * (size_t)(n_rows * of.n_logits));
        failed = !of.kept;
        if (of.n_groups > 1) {
            ptrdiff_t items = of.n_pairs * of.n_tiles * of.n_groups;
            of.tiles = malloc(sizeof(T) * (size_t)(items * of.tile * of.tile));
            failed |= !of.tiles;
        }
    }
    if (!failed)
        failed = team_do(pass->n_threads, NAME(plan_pass), NAME(work_pass), &of);
    if (pass->curvature && !failed) {
        double *square = pass->sums + pass->n_members
                         + (pass->gradients ? n * of.width : 0);
        for (ptrdiff_t pair = 0; pair < n_pairs; pair++, square += n * n)
            for (ptrdiff_t i = 1; i < n; i++)
                for (ptrdiff_t j = 0; j < i; j++)
                    square[j * n + i] = square[i * n + j];
    }
    free(of.firsts);
    free(of.chunk_sums);
    free(of.rooms);
    free(of.kept);
    free(of.tiles);
    return failed ? -1 : 0;
}
#undef FEW_INPUTS

/* --- moments of columns ------------------------------------------------------------ */

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
    for (ptrdiff_t i = 0; i < m; i++, x += lead)
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
