/* Mini-batches, each a step of the parameters, for the float type T.

A batch is two phases. In the first, tasks are slices of its rows: each is gathered, goes
forward through all layers, and back. In the second, they are slices of a layer's inputs:
each has the gradient of its weights summed over the rows, and takes their step while it
is in the cache. Of weights that are few, or shared, slices of rows sum the gradient of
all on the way back, and one task adds that up for the step. What two tasks write is
never nearer than a row of either. Borders follow from sizes alone.

Of few rows, the first layer's weights would take longer from one processor's cache to
another's than what is computed with them. So slices of its neurons stay where they are:
each takes a batch's step, and goes forward with the rows of the next, which slices of
rows gather beside the rest of theirs. For the time of a run, such a slice's parameters lie
next to each other.
*/

#define SLICE_ROWS 32
#define SLICE_NUMBERS 16384
#define MOST_ROW_SLICES 32
#define MOST_SLICES 256
#define SLICE_NEURONS (192 / (int)sizeof(T)) /* as wide as the widest tile */
#define FEW_ROWS 64
#define FEW_WEIGHTS 8192

typedef struct {
    Epoch *epoch;
    int last; /* the last layer's number */
    ptrdiff_t n_batches;
    int steps; /* tasks of a step */
    ptrdiff_t *offsets; /* of each layer's parameters */
    T **h, **d; /* of each layer's input: values, and dLL/d(weighted sum) */
    T *w, *row_w, *z;
    int32_t *codes, *row_codes;
    int32_t **kept; /* of pooled layers: which place each number is of */
    T **parts;      /* of each layer `by_rows`: the gradient of each slice of rows */
    T *rooms;       /* of such layers, for each thread */
    size_t room_size;
    T *shift;       /* of sparse features with a mean: each slice's part */
    T *gradients;   /* of a slice, for each thread */
    size_t largest; /* numbers in one */
    double *totals; /* of slices of rows */
    T *shrunk;
    int neurons;    /* slices of the first layer's neurons; 0: none */
    int n_arrays;
    T *arrays[4];   /* those like theta, which lie by such slices during the run; */
    T *spare;       /* and room for the first layer of each */
    char *room;
} NAME(Run);

/* The first of slice i of n, of so many: a tile's rows are not split. */
static ptrdiff_t NAME(border)(ptrdiff_t size, ptrdiff_t i, ptrdiff_t n)
{
    ptrdiff_t at = (size + 7) / 8 * i / n * 8;
    return at < size ? at : size;
}

static int NAME(row_slices)(ptrdiff_t rows)
{
    int n = rows < 16 ? 1 : 2;
    while (n < MOST_ROW_SLICES && rows >= 2 * n * SLICE_ROWS)
        n *= 2;
    return n;
}

/* Slices of a layer's inputs. */
static int NAME(slices)(const Epoch *epoch, int layer)
{
    ptrdiff_t n_in = epoch->sizes[layer], n_out = epoch->sizes[layer + 1];
    int n = 1;
    if (NAME(windows)(epoch, layer).rows)
        return n;
    while (n < MOST_SLICES && n_in * n_out >= SLICE_NUMBERS * n && n_in >= 16 * n)
        n *= 2;
    return n;
}

/* Whether slices of rows sum the gradient of all of a layer's weights: those that are
shared, and few ones, while what they come from is in the cache. */
static int NAME(by_rows)(const Epoch *epoch, int layer)
{
    return NAME(windows)(epoch, layer).rows
           || (epoch->sizes[layer] * epoch->sizes[layer + 1] <= FEW_WEIGHTS
               && (layer || !epoch->X.indptr));
}

/* Slices of the first layer's neurons, where that pays; the last may be half as large
again. */
static int NAME(neuron_slices)(const Epoch *epoch)
{
    ptrdiff_t n = epoch->sizes[1];
    if (epoch->rule >= SUM || epoch->batch > FEW_ROWS || epoch->n_layers == 1
        || n <= SLICE_NEURONS || n * epoch->sizes[0] < SLICE_NUMBERS
        || epoch->X.indptr || NAME(windows)(epoch, 0).rows)
        return 0;
    return (int)((n + SLICE_NEURONS / 2) / SLICE_NEURONS);
}

static ptrdiff_t NAME(batch_rows)(const NAME(Run) *run, ptrdiff_t batch)
{
    const Epoch *epoch = run->epoch;
    ptrdiff_t left = epoch->n_rows - batch * epoch->batch;
    return left < epoch->batch ? left : epoch->batch;
}

/* A layer's input. Slices of neurons have two batches at a time. */
static T *NAME(values)(const NAME(Run) *run, ptrdiff_t batch, int layer, ptrdiff_t top)
{
    int second = run->neurons && layer < 2 && batch % 2;
    return run->h[layer] + (top + second * run->epoch->batch) * run->epoch->sizes[layer];
}

/* Rows `top` to `end` of a batch, or where they lie if these are none. */
static const T *NAME(inputs)(const NAME(Run) *run, ptrdiff_t batch, ptrdiff_t top,
                             ptrdiff_t end, ptrdiff_t *lead)
{
    const Epoch *epoch = run->epoch;
    ptrdiff_t at = batch * epoch->batch + top, d = epoch->sizes[0];
    return NAME(load)(&epoch->X, epoch->places ? epoch->places + at : NULL,
                      epoch->first + at, end - top, 0, d,
                      NAME(values)(run, batch, 0, top), lead);
}

/* --- the first layer of sparse features -------------------------------------------- */

#define SPARSE(index, name)                                                            \
    /* Added to m weighted sums: what is of the rows from `at` of the epoch. */        \
    CLONES static void NAME(forward_##name)(const Epoch *epoch, ptrdiff_t at,          \
                                            ptrdiff_t m, const T *weights,             \
                                            ptrdiff_t width, T *z)                     \
    {                                                                                  \
        const index *indptr = epoch->X.indptr, *indices = epoch->X.indices;            \
        const T *values = epoch->X.data, *inverse = epoch->X.inverse;                  \
        for (ptrdiff_t i = 0; i < m; i++) {                                            \
            ptrdiff_t place = epoch->first + at + i;                                   \
            place = epoch->places ? epoch->places[at + i] : place;                     \
            T *restrict into = z + i * width;                                          \
            for (index k = indptr[place]; k < indptr[place + 1]; k++) {                \
                const T *restrict row = weights + (ptrdiff_t)indices[k] * width;       \
                T value = inverse ? values[k] * inverse[indices[k]] : values[k];       \
                for (ptrdiff_t c = 0; c < width; c++)                                  \
                    into[c] += value * row[c];                                         \
            }                                                                          \
        }                                                                              \
    }                                                                                  \
    /* Added to the gradient of the weights of columns `from` to `to`. */              \
    CLONES static void NAME(backward_##name)(const Epoch *epoch, ptrdiff_t at,         \
                                             ptrdiff_t m, ptrdiff_t from,              \
                                             ptrdiff_t to, const T *d,                 \
                                             ptrdiff_t width, T *gradient)             \
    {                                                                                  \
        const index *indptr = epoch->X.indptr, *indices = epoch->X.indices;            \
        const T *values = epoch->X.data, *inverse = epoch->X.inverse;                  \
        for (ptrdiff_t i = 0; i < m; i++) {                                            \
            ptrdiff_t place = epoch->first + at + i;                                   \
            place = epoch->places ? epoch->places[at + i] : place;                     \
            index k = indptr[place], end = indptr[place + 1], half;                    \
            for (index n = end - k; n && indices[k] < from;) { /* they are sorted */   \
                half = (n + 1) / 2;                                                    \
                int before = indices[k + half - 1] < from;                             \
                k += before ? half : 0;                                                \
                n = before ? n - half : half - 1;                                      \
            }                                                                          \
            for (; k < end && indices[k] < to; k++) {                                  \
                T *restrict row = gradient + ((ptrdiff_t)indices[k] - from) * width;   \
                T value = inverse ? values[k] * inverse[indices[k]] : values[k];       \
                for (ptrdiff_t c = 0; c < width; c++)                                  \
                    row[c] += value * d[i * width + c];                                \
            }                                                                          \
        }                                                                              \
    }

SPARSE(int32_t, narrow)
SPARSE(int64_t, wide)
#undef SPARSE

/* Of columns `from` to `to` of sparse features of which a mean is taken: what that takes
from each weighted sum, sum_j mean_j inverse_j w_j, and from the gradient of each weight. */
CLONES static void NAME(find_shift)(const Features *X, ptrdiff_t from, ptrdiff_t to,
                                    const T *weights, ptrdiff_t width, T *restrict shift)
{
    const T *mean = X->mean, *inverse = X->inverse;
    memset(shift, 0, sizeof(T) * (size_t)width);
    for (ptrdiff_t j = from; j < to; j++)
        for (ptrdiff_t c = 0; c < width; c++)
            shift[c] += mean[j] * inverse[j] * weights[j * width + c];
}

CLONES static void NAME(take_shift)(const Features *X, ptrdiff_t from, ptrdiff_t to,
                                    const T *restrict sums, ptrdiff_t width,
                                    T *restrict gradient)
{
    const T *mean = X->mean, *inverse = X->inverse;
    for (ptrdiff_t j = from; j < to; j++)
        for (ptrdiff_t c = 0; c < width; c++)
            gradient[(j - from) * width + c] -= mean[j] * inverse[j] * sums[c];
}

static void NAME(shift)(const NAME(Run) *run, int slice)
{
    const Epoch *epoch = run->epoch;
    ptrdiff_t d = epoch->sizes[0], n = NAME(slices)(epoch, 0), width = epoch->sizes[1];
    NAME(find_shift)(&epoch->X, NAME(border)(d, slice, n), NAME(border)(d, slice + 1, n),
                     epoch->theta, width, run->shift + slice * width);
}

CLONES static void NAME(column_sums)(ptrdiff_t m, ptrdiff_t n, const T *d,
                                     ptrdiff_t lead, T *restrict into)
{
    memset(into, 0, sizeof(T) * (size_t)n);
    for (ptrdiff_t i = 0; i < m; i++)
        for (ptrdiff_t c = 0; c < n; c++)
            into[c] += d[i * lead + c];
}

CLONES static void NAME(add_to_rows)(ptrdiff_t m, ptrdiff_t n, const T *restrict what,
                                     T *restrict z)
{
    for (ptrdiff_t i = 0; i < m; i++)
        for (ptrdiff_t c = 0; c < n; c++)
            z[i * n + c] += what[c];
}

/* --- rows -------------------------------------------------------------------------- */

static T *NAME(thread_room)(const NAME(Run) *run, int rank)
{
    return run->rooms + (size_t)rank * run->room_size;
}

/* Weighted sums of rows `top` to `end` of a batch, of all neurons of a layer. */
static void NAME(weigh)(const NAME(Run) *run, ptrdiff_t batch, int layer, ptrdiff_t top,
                        ptrdiff_t end, T *z, int rank)
{
    const Epoch *epoch = run->epoch;
    NAME(Windows) of = NAME(windows)(epoch, layer);
    ptrdiff_t n_in = epoch->sizes[layer], n_out = epoch->sizes[layer + 1], lead = n_in;
    const T *weights = (T *)epoch->theta + run->offsets[layer];
    const T *intercepts = weights + of.n_in * of.n_out;
    const T *h = NAME(values)(run, batch, layer, top);
    if (layer == 0 && epoch->X.indptr && !of.rows) {
        ptrdiff_t parts = run->shift ? NAME(slices)(epoch, 0) : 0;
        memset(z, 0, sizeof(T) * (size_t)n_out);
        for (ptrdiff_t s = 0; s < parts; s++)
            for (ptrdiff_t c = 0; c < n_out; c++)
                z[c] -= run->shift[s * n_out + c];
        for (ptrdiff_t i = 1; i < end - top; i++)
            memcpy(z + i * n_out, z, sizeof(T) * (size_t)n_out);
        (epoch->X.wide ? NAME(forward_wide) : NAME(forward_narrow))(
            epoch, batch * epoch->batch + top, end - top, weights, n_out, z);
    } else {
        if (layer == 0)
            h = NAME(inputs)(run, batch, top, end, &lead);
        if (of.rows)
            NAME(slide)(&of, end - top, h, lead, weights, z,
                        run->kept[layer] + top * n_out, NAME(thread_room)(run, rank));
        else
            NAME(tiled)('N', 'N', end - top, n_out, n_in, h, lead, weights, n_out, z,
                        n_out);
    }
    if (epoch->intercept)
        NAME(add_to_rows)((end - top) * (n_out / of.n_out), of.n_out, intercepts, z);
}

/* Logits of rows `top` to `end` become their residuals over the divisor. */
static double NAME(residuals)(const NAME(Run) *run, ptrdiff_t batch, ptrdiff_t top,
                              ptrdiff_t end)
{
    const Epoch *epoch = run->epoch;
    ptrdiff_t m = NAME(batch_rows)(run, batch), k = epoch->y.n_logits;
    ptrdiff_t first = batch * epoch->batch + top;
    NAME(load_targets)(&epoch->y, epoch->order ? epoch->order + first : NULL,
                       epoch->first + first, end - top, run->codes + top, run->w + top,
                       epoch->batch);
    T *d = run->d[run->last + 1], scale;
    scale = (T)(1 / (epoch->divisor + epoch->divisor_by_row * (double)m));
    double total = 0;
    for (ptrdiff_t at = top, some; at < end; at += some) {
        some = end - at < MOST_ROWS ? end - at : MOST_ROWS;
        T *z = run->z + at * k; /* (k, some) */
        NAME(transpose)(some, k, d + at * k, k, z, some);
        for (ptrdiff_t o = 0; o < epoch->y.n_outputs; o++) { /* next to each other */
            ptrdiff_t place = at * epoch->y.n_outputs + o * some;
            memcpy(run->row_codes + place, run->codes + o * epoch->batch + at,
                   sizeof(int32_t) * (size_t)some);
            memcpy(run->row_w + place, run->w + o * epoch->batch + at,
                   sizeof(T) * (size_t)some);
        }
        total += NAME(likelihood)(&epoch->y, some, z, some,
                                  run->row_codes + at * epoch->y.n_outputs,
                                  run->row_w + at * epoch->y.n_outputs, NULL);
        for (ptrdiff_t i = 0; i < some * k; i++)
            z[i] *= scale;
        NAME(transpose)(k, some, z, some, d + at * k, k);
    }
    return total;
}

/* A slice of n of the rows, for all slices of neurons. */
static void NAME(gather_slice)(const NAME(Run) *run, ptrdiff_t batch, int slice, int n)
{
    ptrdiff_t m = NAME(batch_rows)(run, batch), lead;
    NAME(inputs)(run, batch, NAME(border)(m, slice, n), NAME(border)(m, slice + 1, n),
                 &lead);
}

/* A slice of rows, forward and back. */
static void NAME(rows)(const NAME(Run) *run, ptrdiff_t batch, int slice, int rank)
{
    const Epoch *epoch = run->epoch;
    ptrdiff_t m = NAME(batch_rows)(run, batch), n = NAME(row_slices)(m);
    ptrdiff_t top = NAME(border)(m, slice, n), end = NAME(border)(m, slice + 1, n);
    for (int layer = run->neurons ? 1 : 0; layer < run->last; layer++) {
        ptrdiff_t width = epoch->sizes[layer + 1];
        T *z = NAME(values)(run, batch, layer + 1, top);
        NAME(weigh)(run, batch, layer, top, end, z, rank);
        NAME(activation)(epoch->activation, (end - top) * width, z);
    }
    NAME(weigh)(run, batch, run->last, top, end,
                run->d[run->last + 1] + top * epoch->y.n_logits, rank);
    run->totals[slice] += NAME(residuals)(run, batch, top, end);
    if (epoch->rule == NOTHING)
        return;
    for (int layer = run->last; layer >= 0; layer--) {
        NAME(Windows) of = NAME(windows)(epoch, layer);
        ptrdiff_t n_in = epoch->sizes[layer], n_out = epoch->sizes[layer + 1];
        ptrdiff_t lead = n_in;
        const T *weights = (T *)epoch->theta + run->offsets[layer];
        const T *d = run->d[layer + 1] + top * n_out;
        const T *h = NAME(values)(run, batch, layer, top);
        T *below = layer ? run->d[layer] + top * n_in : NULL;
        T *part = run->parts[layer] + slice * (of.n_in + 1) * of.n_out;
        if (layer == 0 && NAME(by_rows)(epoch, 0))
            h = NAME(inputs)(run, batch, top, top, &lead);
        if (of.rows)
            NAME(slide_back)(&of, end - top, h, lead, weights, d,
                             run->kept[layer] + top * n_out, part, below,
                             NAME(thread_room)(run, rank));
        else if (layer)
            NAME(tiled)('N', 'T', end - top, n_in, n_out, d, n_out, weights, n_out, below,
                        n_in);
        if (NAME(by_rows)(epoch, layer)) {
            if (!of.rows)
                NAME(tiled)('T', 'N', n_in, n_out, end - top, h, lead, d, n_out, part,
                            n_out);
            NAME(column_sums)((end - top) * (n_out / of.n_out), of.n_out, d, of.n_out,
                              part + of.n_in * of.n_out);
        }
        if (layer)
            NAME(slope)(epoch->activation, (end - top) * n_in, below, h);
    }
    if (run->neurons && batch + 1 < run->n_batches)
        NAME(gather_slice)(run, batch + 1, slice, n);
}

/* --- steps ------------------------------------------------------------------------- */

CLONES static void NAME(adam)(ptrdiff_t n, T *restrict theta, const T *restrict g,
                              T *restrict m, T *restrict v, T rate, T beta_1, T beta_2,
                              T eps)
{
#pragma omp simd
    for (ptrdiff_t i = 0; i < n; i++) {
        m[i] += (1 - beta_1) * (g[i] - m[i]);
        v[i] += (1 - beta_2) * (g[i] * g[i] - v[i]);
        theta[i] += rate * m[i] / (SQRT(v[i]) + eps);
    }
}

CLONES static void NAME(momentum)(ptrdiff_t n, T *restrict theta, const T *restrict g,
                                  T *restrict velocity, T momentum, T rate)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        velocity[i] = momentum * velocity[i] + g[i];
        theta[i] += rate * velocity[i];
    }
}

CLONES static void NAME(shrink)(ptrdiff_t n, T *restrict g, const T *restrict theta,
                                const T *restrict shrunk, T strength)
{
    for (ptrdiff_t i = 0; i < n; i++)
        g[i] -= strength * shrunk[i] * theta[i];
}

CLONES static void NAME(gradient_step)(ptrdiff_t n, T *restrict theta,
                                       const T *restrict g, T rate)
{
    for (ptrdiff_t i = 0; i < n; i++)
        theta[i] += rate * g[i];
}

CLONES static void NAME(add)(ptrdiff_t n, double *restrict sum, const T *restrict g)
{
    for (ptrdiff_t i = 0; i < n; i++)
        sum[i] += g[i];
}

/* The step of n parameters, from one of them on, that have the gradient g. */
static void NAME(move)(const NAME(Run) *run, ptrdiff_t batch, ptrdiff_t from, ptrdiff_t n,
                       T *g)
{
    const Epoch *epoch = run->epoch;
    T *theta = (T *)epoch->theta + from;
    if (epoch->rule == SUM) {
        NAME(add)(n, epoch->sum + from, g);
        return;
    }
    T *first = epoch->first_moment, *second = epoch->second_moment;
    double rate = epoch->rates[batch], rows = (double)NAME(batch_rows)(run, batch);
    if (run->shrunk) {
        double strength = (epoch->l2 + epoch->l2_by_row * rows)
                          / (epoch->divisor + epoch->divisor_by_row * rows);
        NAME(shrink)(n, g, theta, run->shrunk + from, (T)strength);
    }
    if (epoch->rule == ADAM) { /* both corrections in one factor */
        double t = (double)(epoch->t + batch + 1);
        rate *= sqrt(1 - pow(epoch->beta_2, t)) / (1 - pow(epoch->beta_1, t));
        NAME(adam)(n, theta, g, first + from, second + from, (T)rate, (T)epoch->beta_1,
                   (T)epoch->beta_2, (T)epoch->eps);
    } else if (epoch->rule == MOMENTUM) {
        NAME(momentum)(n, theta, g, first + from, (T)epoch->momentum, (T)rate);
    } else {
        NAME(gradient_step)(n, theta, g, (T)rate);
    }
}

/* A layer's weights and intercepts: the sum of what slices of rows have, and their step. */
static void NAME(step_shared)(const NAME(Run) *run, ptrdiff_t batch, int layer, T *g)
{
    NAME(Windows) of = NAME(windows)(run->epoch, layer);
    ptrdiff_t size = (of.n_in + 1) * of.n_out;
    const T *parts = run->parts[layer];
    int n = NAME(row_slices)(NAME(batch_rows)(run, batch));
    memcpy(g, parts, sizeof(T) * (size_t)size);
    for (int slice = 1; slice < n; slice++)
        for (ptrdiff_t j = 0; j < size; j++)
            g[j] += parts[slice * size + j];
    NAME(move)(run, batch, run->offsets[layer],
               size - (run->epoch->intercept ? 0 : of.n_out), g);
}

/* Inputs `from` to `to` of n neurons, from the first: the gradient of their weights, h^T d,
and their step. With the last come the intercepts, sum d. Parameters of these neurons
lie from `at`. */
static void NAME(step_of)(const NAME(Run) *run, ptrdiff_t batch, int layer, ptrdiff_t from,
                          ptrdiff_t to, ptrdiff_t first, ptrdiff_t n, ptrdiff_t at,
                          int rank)
{
    const Epoch *epoch = run->epoch;
    ptrdiff_t m = NAME(batch_rows)(run, batch), n_in = epoch->sizes[layer], lead = n_in;
    ptrdiff_t n_out = epoch->sizes[layer + 1];
    const T *d = run->d[layer + 1] + first, *h = NAME(values)(run, batch, layer, 0);
    T *g = run->gradients + (size_t)rank * run->largest, *sums = g + (to - from) * n;
    int sparse = layer == 0 && epoch->X.indptr, shifted = layer == 0 && run->shift;
    if ((epoch->intercept && to == n_in) || shifted)
        NAME(column_sums)(m, n, d, n_out, sums);
    if (sparse) {
        memset(g, 0, sizeof(T) * (size_t)((to - from) * n));
        (epoch->X.wide ? NAME(backward_wide) : NAME(backward_narrow))(
            epoch, batch * epoch->batch, m, from, to, d, n, g);
        if (shifted)
            NAME(take_shift)(&epoch->X, from, to, sums, n, g);
    } else {
        if (layer == 0)
            h = NAME(inputs)(run, batch, 0, 0, &lead);
        NAME(tiled)('T', 'N', to - from, n, m, h + from, lead, d, n_out, g, n);
    }
    ptrdiff_t rows = to - from + (epoch->intercept && to == n_in);
    NAME(move)(run, batch, at + from * n, rows * n, g);
}

/* A slice of a layer's inputs, and all of its neurons. */
static void NAME(step)(const NAME(Run) *run, ptrdiff_t batch, int slice, int rank)
{
    const Epoch *epoch = run->epoch;
    int layer = run->neurons ? 1 : 0, n;
    for (; slice >= (n = NAME(slices)(epoch, layer)); layer++)
        slice -= n;
    ptrdiff_t n_in = epoch->sizes[layer];
    if (NAME(by_rows)(epoch, layer))
        NAME(step_shared)(run, batch, layer,
                          run->gradients + (size_t)rank * run->largest);
    else
        NAME(step_of)(run, batch, layer, NAME(border)(n_in, slice, n),
                      NAME(border)(n_in, slice + 1, n), 0, epoch->sizes[layer + 1],
                      run->offsets[layer], rank);
    if (layer == 0 && run->shift)
        NAME(shift)(run, slice);
}

/* --- the first layer in slices of neurons ------------------------------------------ */

/* What a slice has of an array, some neurons next to each other, begins at. */
static ptrdiff_t NAME(neurons_of)(const NAME(Run) *run, int slice, ptrdiff_t *first)
{
    *first = slice * SLICE_NEURONS;
    return slice + 1 < run->neurons ? SLICE_NEURONS : run->epoch->sizes[1] - *first;
}

/* The first layer of an array like theta, slice after slice, or as it was. */
static void NAME(reorder)(const NAME(Run) *run, int array, int back)
{
    ptrdiff_t n_out = run->epoch->sizes[1], n_in = run->epoch->sizes[0], first;
    ptrdiff_t rows = n_in + (run->epoch->intercept ? 1 : 0), size = rows * n_out;
    T *values = run->arrays[array], *before = run->spare + array * size;
    memcpy(before, values, sizeof(T) * (size_t)size);
    for (int slice = 0; slice < run->neurons; slice++) {
        ptrdiff_t n = NAME(neurons_of)(run, slice, &first);
        for (ptrdiff_t i = 0; i < rows; i++) {
            ptrdiff_t sliced = first * rows + i * n, plain = i * n_out + first;
            memcpy(values + (back ? plain : sliced), before + (back ? sliced : plain),
                   sizeof(T) * (size_t)n);
        }
    }
}

/* A slice's step of the batch before, and its values for the rows of this one. */
static void NAME(neurons)(const NAME(Run) *run, ptrdiff_t batch, int slice, int rank)
{
    const Epoch *epoch = run->epoch;
    ptrdiff_t n_in = epoch->sizes[0], first, lead;
    ptrdiff_t n = NAME(neurons_of)(run, slice, &first);
    ptrdiff_t at = first * (n_in + (epoch->intercept ? 1 : 0));
    if (batch > 0)
        NAME(step_of)(run, batch - 1, 0, 0, n_in, first, n, at, rank);
    if (batch == run->n_batches)
        return;
    ptrdiff_t m = NAME(batch_rows)(run, batch);
    const T *weights = (T *)epoch->theta + at, *h = NAME(inputs)(run, batch, 0, 0, &lead);
    T *z = run->gradients + (size_t)rank * run->largest;
    NAME(tiled)('N', 'N', m, n, n_in, h, lead, weights, n, z, n);
    if (epoch->intercept)
        NAME(add_to_rows)(m, n, weights + n_in * n, z);
    NAME(activation)(epoch->activation, m * n, z);
    for (ptrdiff_t i = 0; i < m; i++)
        memcpy(NAME(values)(run, batch, 1, i) + first, z + i * n, sizeof(T) * (size_t)n);
}

/* --- the job ----------------------------------------------------------------------- */

/* What is done in a phase, and with which batch: with slices of neurons, its rows forward
through these, and the step of the batch before. */
static enum phase NAME(place_of)(const NAME(Run) *run, long phase, ptrdiff_t *batch)
{
    if (run->neurons) {
        *batch = (phase - 1) / 2;
        if (phase == 0 || *batch > run->n_batches)
            return phase ? THE_END : BEGIN;
        return phase % 2 ? NEURONS : *batch < run->n_batches ? ROWS : END;
    }
    if (run->shift && phase-- == 0)
        return SHIFTS;
    *batch = run->steps ? phase / 2 : phase;
    if (*batch == run->n_batches)
        return THE_END;
    return run->steps && phase % 2 ? STEPS : ROWS;
}

static int NAME(plan_epoch)(void *what, long phase)
{
    const NAME(Run) *run = what;
    ptrdiff_t batch;
    switch (NAME(place_of)(run, phase, &batch)) {
    case SHIFTS: return NAME(slices)(run->epoch, 0);
    case BEGIN: return run->n_arrays + NAME(row_slices)(NAME(batch_rows)(run, 0));
    case NEURONS: return run->neurons + (batch ? run->steps : 0);
    case ROWS: return NAME(row_slices)(NAME(batch_rows)(run, batch));
    case STEPS: return run->steps;
    case END: return run->n_arrays;
    default: return 0;
    }
}

static void NAME(work_epoch)(void *what, long phase, int task, int rank)
{
    const NAME(Run) *run = what;
    ptrdiff_t batch;
    switch (NAME(place_of)(run, phase, &batch)) {
    case SHIFTS: NAME(shift)(run, task); break;
    case BEGIN:
        if (task < run->n_arrays)
            NAME(reorder)(run, task, 0);
        else
            NAME(gather_slice)(run, 0, task - run->n_arrays,
                               NAME(row_slices)(NAME(batch_rows)(run, 0)));
        break;
    case NEURONS:
        if (batch && task < run->steps)
            NAME(step)(run, batch - 1, task, rank);
        else
            NAME(neurons)(run, batch, batch ? task - run->steps : task, rank);
        break;
    case ROWS: NAME(rows)(run, batch, task, rank); break;
    case STEPS: NAME(step)(run, batch, task, rank); break;
    default: NAME(reorder)(run, task, 1);
    }
}

/* Lay out what a run needs, from `at`; the end. */
static char *NAME(lay_out)(NAME(Run) *run, char *at)
{
    const Epoch *epoch = run->epoch;
    ptrdiff_t b = epoch->batch, outputs = epoch->y.n_outputs, L = epoch->n_layers;
    int sparse = epoch->X.indptr && !NAME(windows)(epoch, 0).rows;
    int shifted = sparse && epoch->X.mean;
#define TAKE(into, type, size)                                                         \
    into = (type *)at;                                                                 \
    at += ROUND_UP(sizeof(type) * (size_t)(size))
    TAKE(run->offsets, ptrdiff_t, L);
    TAKE(run->h, T *, L);
    TAKE(run->d, T *, L + 1);
    TAKE(run->kept, int32_t *, L);
    TAKE(run->parts, T *, L);
    TAKE(run->rooms, T, run->room_size * (size_t)epoch->n_threads);
    TAKE(run->totals, double, MOST_ROW_SLICES);
    TAKE(run->codes, int32_t, b * outputs);
    TAKE(run->row_codes, int32_t, b * outputs);
    TAKE(run->w, T, b * outputs);
    TAKE(run->row_w, T, b * outputs);
    TAKE(run->z, T, b * epoch->y.n_logits);
    TAKE(run->shift, T, shifted ? NAME(slices)(epoch, 0) * epoch->sizes[1] : 0);
    if (!shifted)
        run->shift = NULL;
    TAKE(run->gradients, T, run->largest * (size_t)epoch->n_threads);
    TAKE(run->spare, T, run->n_arrays * (epoch->sizes[0] + 1) * epoch->sizes[1]);
    TAKE(run->shrunk, T, run->neurons && epoch->shrunk ? epoch->n_parameters : 0);
    ptrdiff_t offset = 0;
    for (ptrdiff_t l = 0; l <= L; l++) {
        ptrdiff_t size = b * epoch->sizes[l];
        NAME(Windows) of = {0};
        if (l < L)
            of = NAME(windows)(epoch, l);
        T *values, *below, *parts;
        int32_t *kept;
        int batches = l == L || (l == 0 && sparse) ? 0 : l < 2 && run->neurons ? 2 : 1;
        TAKE(values, T, batches * size);
        TAKE(below, T, l && (l == L || run->steps) ? size : 0);
        TAKE(kept, int32_t, of.pool > 1 ? b * epoch->sizes[l + 1] : 0);
        int by_rows = l < L && NAME(by_rows)(epoch, (int)l);
        TAKE(parts, T, by_rows ? MOST_ROW_SLICES * (of.n_in + 1) * of.n_out : 0);
        if (!run->room)
            continue; /* only its size was asked for */
        run->d[l] = below;
        if (l == L)
            continue;
        run->h[l] = values;
        run->kept[l] = kept;
        run->parts[l] = parts;
        run->offsets[l] = offset;
        offset += (of.n_in + (epoch->intercept ? 1 : 0)) * of.n_out;
    }
#undef TAKE
    return at;
}

int NAME(epoch)(Epoch *epoch)
{
    NAME(Run) run = {.epoch = epoch, .last = (int)epoch->n_layers - 1};
    epoch->log_likelihood = 0;
    run.n_batches = (epoch->n_rows + epoch->batch - 1) / epoch->batch;
    run.neurons = NAME(neuron_slices)(epoch);
    if (run.neurons) {
        T *like_theta[] = {epoch->theta, epoch->first_moment, epoch->second_moment};
        for (int i = 0; i < 3; i++)
            if (like_theta[i])
                run.arrays[run.n_arrays++] = like_theta[i];
        run.n_arrays += epoch->shrunk ? 1 : 0;
        ptrdiff_t rows = epoch->batch + epoch->sizes[0] + 1;
        run.largest = (size_t)(2 * SLICE_NEURONS * rows);
    }
    for (int l = 0; l <= run.last; l++) {
        NAME(Windows) of = NAME(windows)(epoch, l);
        size_t room = of.rows ? ROUND_UP(NAME(windows_room)(&of)) : 0;
        run.room_size = room > run.room_size ? room : run.room_size;
        if (epoch->rule == NOTHING || (l == 0 && run.neurons))
            continue;
        ptrdiff_t n = NAME(slices)(epoch, l);
        size_t size = (size_t)(((of.n_in + 7) / 8 / n * 8 + 9) * of.n_out);
        size = ROUND_UP(size * sizeof(T)) / sizeof(T);
        run.largest = size > run.largest ? size : run.largest;
        run.steps += (int)n;
    }
    size_t size = (size_t)(uintptr_t)NAME(lay_out)(&run, NULL);
    char *room = malloc(size + 64);
    if (!room)
        return -1;
    run.room = (char *)ROUND_UP((uintptr_t)room);
    NAME(lay_out)(&run, run.room);
    if (run.neurons && epoch->shrunk)
        run.arrays[run.n_arrays - 1] = memcpy(
            run.shrunk, epoch->shrunk, sizeof(T) * (size_t)epoch->n_parameters);
    else
        run.shrunk = (T *)epoch->shrunk;
    memset(run.totals, 0, sizeof(double) * MOST_ROW_SLICES);
    NAME(no_weights)(epoch->batch * epoch->y.n_outputs, run.w);
    int failed = team_do(epoch->n_threads, NAME(plan_epoch), NAME(work_epoch), &run);
    for (int i = 0; i < MOST_ROW_SLICES; i++)
        epoch->log_likelihood += run.totals[i];
    free(room);
    return failed;
}
#undef SLICE_ROWS
#undef SLICE_NUMBERS
#undef MOST_ROW_SLICES
#undef MOST_SLICES
#undef SLICE_NEURONS
#undef FEW_ROWS
#undef FEW_WEIGHTS
