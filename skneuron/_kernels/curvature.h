/* The curvature of a pass: X1^T diag(by) X1 of pairs of logits, X1 being X and a column
of 1 with intercepts.

Of the classes of an output, only pairs of two are formed, by = w p_a p_c. As all p are
1 together, w p_a (1 - p_a) is the sum of those of a: its matrix is theirs, and no digit
is lost where p_a is nearly 1.

Few inputs, or few that are stored: as rows are read (`fused`). Else afterwards, of what
was kept, each matrix in parts:
- tiles, by a symmetric product of the inputs, scaled by the roots of `by`;
- strips, where pairs are many: of all of them at once by a product of their `by` with
  the products of two inputs, of which each is formed once, and none above the diagonal.
*/

/* Pairs that are many; and so many times as many have to be at least as many as inputs. */
#define MANY_PAIRS 6
#define PAIRS_TO_INPUTS 8
/* Pairs in a set, whose strips are formed together. */
#define SET_PAIRS 64

/* Lower triangle, and what is beside it: sum = scaled^T scaled, (n, n); scaled is
(m, n), with n of whole panels. */
static void NAME(squares)(ptrdiff_t m, ptrdiff_t n, const T *scaled, T *sum)
{
    for (ptrdiff_t a = 0; a < n; a += PANEL)
        NAME(tiled)
        ('T', 'N', PANEL, a + PANEL, m, scaled + a, n, scaled, n, sum + a * n, n);
}

CLONES static void NAME(scale)(ptrdiff_t m, ptrdiff_t d, const T *x, ptrdiff_t lead,
                               const T *restrict by, T *restrict scaled, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < m; i++)
        for (ptrdiff_t j = 0; j < d; j++)
            scaled[i * n + j] = by[i] * x[i * lead + j];
}

CLONES static void NAME(roots)(ptrdiff_t m, T *restrict by)
{
    for (ptrdiff_t i = 0; i < m; i++)
        by[i] = SQRT(by[i]);
}

CLONES static void NAME(times)(ptrdiff_t m, const T *w, const T *p, const T *q,
                               T *restrict by)
{
    for (ptrdiff_t i = 0; i < m; i++)
        by[i] = w[i] * p[i] * q[i];
}

/* How much a pair couples in each row: the size. Kept logits lie `lead` apart, and the
weights of outputs `stride`. */
static void NAME(couple)(const NAME(Pair) *pair, ptrdiff_t m, const T *kept,
                         ptrdiff_t lead, const T *w, ptrdiff_t stride, T *by)
{
    if (pair->a == pair->c)
        memcpy(by, kept + pair->a * lead, sizeof(T) * (size_t)m);
    else
        NAME(times)(m, w + pair->output * stride, kept + pair->a * lead,
                    kept + pair->c * lead, by);
}

/* ... and the sign. */
static double NAME(sign)(const NAME(Pair) *pair)
{
    return pair->a == pair->c ? 1 : -1;
}

/* The pairs to form; NULL without memory. */
static NAME(Pair) *NAME(list_pairs)(const Targets *y, ptrdiff_t *n_pairs)
{
    ptrdiff_t n = 0, first = 0, at = 0;
    for (ptrdiff_t o = 0; o < y->n_outputs; o++)
        n += y->widths[o] ? (ptrdiff_t)y->widths[o] * (y->widths[o] - 1) / 2 : 1;
    *n_pairs = n;
    NAME(Pair) *pairs = malloc(sizeof *pairs * (size_t)(n + 1)), *pair = pairs;
    for (ptrdiff_t o = 0; o < y->n_outputs && pairs; o++) {
        ptrdiff_t k = y->widths[o], start = at;
#define DIAGONAL(a) (start + (a) * k - (a) * ((a) - 1) / 2)
        if (!k)
            *pair++ = (NAME(Pair)){o, first, first, at, at, at};
        for (ptrdiff_t a = 0; a < k; a++)
            for (ptrdiff_t c = a + 1; c < k; c++)
                *pair++ = (NAME(Pair)){o, first + a, first + c, DIAGONAL(a) + c - a,
                                       DIAGONAL(a), DIAGONAL(c)};
        at += k ? k * (k + 1) / 2 : 1;
        first += k ? k : 1;
#undef DIAGONAL
    }
    return pairs;
}

/* --- as rows are read -------------------------------------------------------------- */

static void NAME(add_curvature)(const NAME(Sums) *of, const NAME(Room) *room,
                                ptrdiff_t start, ptrdiff_t m, const T *x, ptrdiff_t lead,
                                double *sums)
{
    const Pass *pass = of->pass;
    ptrdiff_t n = of->n_inputs, whole = WHOLE(n), d = of->d, b = of->rows;
    T *by = room->coupling;
    for (ptrdiff_t p = 0; p < of->n_pairs; p++, sums += n * n) {
        NAME(couple)(of->pairs + p, m, room->kept, b, room->weights, b, by);
        if (of->scattered && pass->X.wide) {
            NAME(sparse_squares_wide)(&pass->X, start, m, pass->intercept, by, n, sums);
        } else if (of->scattered) {
            NAME(sparse_squares_narrow)(&pass->X, start, m, pass->intercept, by, n, sums);
        } else {
            NAME(roots)(m, by);
            NAME(scale)(m, d, x, lead, by, room->scaled, whole);
            for (ptrdiff_t i = 0; i < m; i++)
                for (ptrdiff_t j = d; j < whole; j++)
                    room->scaled[i * whole + j] = j < n ? by[i] : 0;
            NAME(squares)(m, whole, room->scaled, room->sum);
            for (ptrdiff_t a = 0; a < n; a++)
                for (ptrdiff_t c = 0; c <= a; c++)
                    sums[a * n + c] += room->sum[a * whole + c];
        }
    }
}

/* --- tiles ------------------------------------------------------------------------- */

typedef struct {
    ptrdiff_t rows_at, columns_at, rows, columns;
} NAME(Tile);

static NAME(Tile) NAME(tile)(const NAME(Sums) *of, ptrdiff_t number)
{
    ptrdiff_t n = of->n_inputs, across = 0;
    while ((across + 1) * (across + 2) / 2 <= number)
        across++;
    ptrdiff_t down = number - across * (across + 1) / 2; /* down <= across */
    NAME(Tile) tile = {.rows_at = across * of->tile, .columns_at = down * of->tile};
    tile.rows = n - tile.rows_at < of->tile ? n - tile.rows_at : of->tile;
    tile.columns = across == down ? tile.rows : of->tile;
    return tile;
}

/* Columns `first` to `last` of X1, times `by`. */
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

static void NAME(add_tile)(const NAME(Sums) *of, const NAME(Room) *room, NAME(Tile) tile,
                           ptrdiff_t start, ptrdiff_t m)
{
    T *by = room->coupling, *other = room->z, one = 1;
    int n = (int)tile.rows, columns = (int)tile.columns, k = (int)m;
    NAME(roots)(m, by);
    NAME(scaled_columns)
    (of, start, m, tile.rows_at, tile.rows_at + n, by, room->x, room->scaled);
    if (tile.rows_at == tile.columns_at) { /* lower by rows is upper by columns */
        SYRK("U", "N", &n, &k, &one, room->scaled, &n, &one, room->sum, &n);
        return;
    }
    NAME(scaled_columns)
    (of, start, m, tile.columns_at, tile.columns_at + columns, by, room->x, other);
    GEMM("N", "T", &columns, &n, &k, &one, other, &columns, room->scaled, &n, &one,
         room->sum, &columns);
}

/* --- strips ------------------------------------------------------------------------ */

/* Rows `from` to `to` of the lower triangle of n: a strip. Returns the numbers in it. */
static ptrdiff_t NAME(strip)(ptrdiff_t n, ptrdiff_t number, ptrdiff_t *from, ptrdiff_t *to)
{
    ptrdiff_t size = 0;
    *from = *to = 0;
    for (ptrdiff_t i = 0; i <= number && *to < n; i++) {
        *from = *to;
        for (size = 0; *to < n && (!size || size + *to + 1 <= STRIP);)
            size += ++*to;
    }
    return size;
}

/* Products of inputs a and b <= a of m rows, for a of a strip. */
CLONES static void NAME(multiply)(ptrdiff_t m, ptrdiff_t d, const T *x, ptrdiff_t lead,
                                  ptrdiff_t from, ptrdiff_t to, T *restrict products)
{
    for (ptrdiff_t i = 0; i < m; i++, x += lead)
        for (ptrdiff_t a = from; a < to; products += ++a) {
            T value = a < d ? x[a] : 1;
            for (ptrdiff_t b = 0; b <= a && b < d; b++)
                products[b] = value * x[b];
            if (a == d)
                products[d] = 1;
        }
}

static void NAME(add_strip)(const NAME(Sums) *of, const NAME(Room) *room,
                            ptrdiff_t number, ptrdiff_t n_pairs, ptrdiff_t start,
                            ptrdiff_t m)
{
    ptrdiff_t from, to, lead;
    ptrdiff_t size = NAME(strip)(of->n_inputs, number, &from, &to);
    ptrdiff_t end = to < of->d ? to : of->d;
    const T *x = NAME(load)(&of->pass->X, NULL, start, m, 0, end, room->x, &lead);
    NAME(multiply)(m, of->d, x, lead, from, to, room->scaled);
    int numbers = (int)size, pairs = (int)n_pairs, k = (int)m, b = (int)of->part_rows;
    T one = 1;
    GEMM("N", "N", &numbers, &pairs, &k, &one, room->scaled, &numbers, room->coupling,
         &b, &one, room->sum, &numbers);
}

/* --- parts of both kinds ----------------------------------------------------------- */

static ptrdiff_t NAME(first_of_set)(const NAME(Sums) *of, ptrdiff_t set)
{
    return of->n_pairs * set / of->n_sets;
}

/* A part's sums, put where they belong. */
static void NAME(place)(const NAME(Sums) *of, ptrdiff_t which, const double *part)
{
    ptrdiff_t n = of->n_inputs, set = which / of->n_parts, number = which % of->n_parts;
    double *squares = of->pass->sums + of->n_first;
    ptrdiff_t from = 0, to = 0;
    NAME(Tile) tile = {0};
    if (of->multiplied) {
        NAME(strip)(n, number, &from, &to);
    } else {
        tile = NAME(tile)(of, number);
        from = tile.rows_at, to = from + tile.rows;
    }
    for (ptrdiff_t p = NAME(first_of_set)(of, set); p < NAME(first_of_set)(of, set + 1);
         p++) {
        double *square = squares + of->pairs[p].at * n * n, sign = NAME(sign)(of->pairs + p);
        for (ptrdiff_t a = from; a < to; a++) {
            double *row = square + a * n + tile.columns_at;
            ptrdiff_t columns = a + 1 - tile.columns_at, there = columns;
            if (!of->multiplied) {
                columns = columns < tile.columns ? columns : tile.columns;
                there = tile.columns;
            }
            for (ptrdiff_t b = 0; b < columns; b++)
                row[b] = sign * part[b];
            part += there;
        }
    }
}

static void NAME(add_part)(const NAME(Sums) *of, ptrdiff_t item, int rank)
{
    const Pass *pass = of->pass;
    NAME(Room) room = NAME(room)(of, rank);
    ptrdiff_t b = of->part_rows, group = item % of->n_groups, which = item / of->n_groups;
    ptrdiff_t set = which / of->n_parts, number = which % of->n_parts;
    ptrdiff_t first = NAME(first_of_set)(of, set);
    ptrdiff_t n_pairs = NAME(first_of_set)(of, set + 1) - first;
    double *part = of->parts ? of->parts + item * of->part_size : room.part;
    memset(part, 0, sizeof(double) * (size_t)of->part_size);
    memset(room.sum, 0, sizeof(T) * (size_t)of->part_size);
    NAME(no_weights)(b * pass->y.n_outputs, room.weights);
    ptrdiff_t from = group * pass->n_chunks / of->n_groups;
    ptrdiff_t to = (group + 1) * pass->n_chunks / of->n_groups;
    for (ptrdiff_t chunk = from; chunk < to; chunk++) {
        ptrdiff_t stop = pass->chunks[2 * chunk + 1], begin = pass->chunks[2 * chunk];
        ptrdiff_t blocks = (stop - begin + b - 1) / b; /* of about the same length */
        for (ptrdiff_t start = begin, m; start < stop; start += m, blocks--) {
            m = (stop - start) / blocks;
            NAME(load_targets)(&pass->y, NULL, start, m, room.codes, room.weights, b);
            const T *kept = of->kept + of->firsts[chunk] + (start - begin);
            for (ptrdiff_t p = 0; p < n_pairs; p++)
                NAME(couple)(of->pairs + first + p, m, kept, of->n_kept, room.weights, b,
                             room.coupling + p * b);
            if (of->multiplied)
                NAME(add_strip)(of, &room, number, n_pairs, start, m);
            else
                NAME(add_tile)(of, &room, NAME(tile)(of, number), start, m);
        }
        /* A tile is too large to be added for each chunk. */
        if (!of->multiplied && chunk + 1 < to)
            continue;
        for (ptrdiff_t j = 0; j < of->part_size; j++)
            part[j] += room.sum[j];
        memset(room.sum, 0, sizeof(T) * (size_t)of->part_size);
    }
    if (!of->parts)
        NAME(place)(of, which, part);
}

/* A part of all groups of chunks, put together. */
static void NAME(join_parts)(const NAME(Sums) *of, ptrdiff_t which)
{
    double *parts = of->parts + which * of->n_groups * of->part_size;
    for (ptrdiff_t g = 1; g < of->n_groups; g++)
        for (ptrdiff_t j = 0; j < of->part_size; j++)
            parts[j] += parts[g * of->part_size + j];
    NAME(place)(of, which, parts);
}

/* --- before and after -------------------------------------------------------------- */

/* How the curvature is formed: decided by sizes alone. */
static void NAME(plan_curvature)(NAME(Sums) *of, ptrdiff_t n_rows)
{
    const Pass *pass = of->pass;
    ptrdiff_t n = of->n_inputs, pairs = of->n_pairs, from, to = 0;
    double dense = 1; /* what the matrix of a row costs, by what CSR stores of it */
    if (of->sparse) {
        ptrdiff_t last = pass->X.n_rows;
        dense = pass->X.wide ? (double)((const int64_t *)pass->X.indptr)[last]
                             : (double)((const int32_t *)pass->X.indptr)[last];
        dense /= (double)last * (double)of->d;
    }
    of->scattered = dense < 0.25;
    of->multiplied = pairs >= MANY_PAIRS && PAIRS_TO_INPUTS * pairs >= n;
    of->fused = of->scattered || (!of->sparse && n <= FEW_INPUTS && !of->multiplied);
    if (of->fused && pairs * n * n * pass->n_partial > 1 << 22)
        of->fused = of->scattered = 0;
    of->fused |= !pairs;
    if (of->fused) {
        of->multiplied = 0;
        of->n_sums += pairs * n * n;
        return;
    }
    if (of->multiplied) {
        of->n_sets = (pairs - 1) / SET_PAIRS + 1;
        of->part_size = ((pairs - 1) / of->n_sets + 1) * (n > STRIP ? n : STRIP);
        of->part_rows = MOST_ROWS / 2; /* with a strip in the second-level cache */
        while (to < n)
            NAME(strip)(n, of->n_parts++, &from, &to);
    } else {
        ptrdiff_t across = (n - 1) / MOST_TILE + 1;
        of->tile = (n - 1) / across + 1;
        across = (n - 1) / of->tile + 1;
        of->n_sets = pairs;
        of->part_size = of->tile * of->tile;
        of->part_rows = 2 * MOST_ROWS;
        of->n_parts = across * (across + 1) / 2;
    }
    ptrdiff_t items = of->n_sets * of->n_parts;
    of->n_groups = items < 16 ? 16 / items : 1;
    double inputs = (double)n_rows * (double)n * sizeof(T) / sizeof(double);
    double most = inputs / MOST_SHARE / (double)(items * of->part_size);
    of->n_groups = most < of->n_groups ? (ptrdiff_t)most + (most < 1) : of->n_groups;
    of->n_groups = of->n_groups < pass->n_chunks ? of->n_groups : pass->n_chunks;
}

/* The matrices (a, a) of classes, and upper triangles. */
static void NAME(complete)(const NAME(Sums) *of, ptrdiff_t n_matrices)
{
    ptrdiff_t n = of->n_inputs;
    double *squares = of->pass->sums + of->n_first;
    for (const NAME(Pair) *pair = of->pairs; pair < of->pairs + of->n_pairs; pair++) {
        const double *square = squares + pair->at * n * n;
        double *of_a = squares + pair->at_a * n * n, *of_c = squares + pair->at_c * n * n;
        for (ptrdiff_t i = 0; i < n * n && pair->a != pair->c; i++) {
            of_a[i] -= square[i];
            of_c[i] -= square[i];
        }
    }
    for (ptrdiff_t matrix = 0; matrix < n_matrices; matrix++, squares += n * n)
        for (ptrdiff_t i = 1; i < n; i++)
            for (ptrdiff_t j = 0; j < i; j++)
                squares[j * n + i] = squares[i * n + j];
}
#undef MANY_PAIRS
#undef PAIRS_TO_INPUTS
#undef SET_PAIRS
#undef PANEL
#undef WHOLE
