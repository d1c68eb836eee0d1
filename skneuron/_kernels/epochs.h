/* Mini-batches, each a step of the parameters, for the float type T.

A batch is a few phases: the hidden layers forward, the last one and what is likely of
it, the layers backward, and the step, beside which the next batch is gathered. Tasks are
slices: of neurons (a neuron's column of weights, its values, its gradient), of the rows
of the last layer, of the parameters. Their borders follow from sizes alone.
*/

#define SLICE_ROWS 64
#define SLICE_NUMBERS 16384
#define MOST_SLICES 32

typedef struct {
    Epoch *epoch;
    int last, intercept; /* the last layer's number */
    ptrdiff_t n_batches, rows;
    long per_batch; /* phases */
    int steps;      /* tasks of a step */
    T **weights, **into; /* of each layer, intercepts behind */
    T **h, **d;          /* of each layer's input: values, and dLL/d(weighted sum) */
    T *X, *w, *row_w, *shift;
    int32_t *codes, *row_codes;
    T *gradient, *z;
    double *totals; /* of slices of rows */
    char *room;
} NAME(Run);

/* Twice as many as long as they are 128 neurons wide: BLAS rearranges all that a product
reads, however narrow its result. */
static int NAME(n_slices)(ptrdiff_t neurons)
{
    int n = neurons < 32 ? 1 : 2;
    while (n < MOST_SLICES && neurons >= 256 * n)
        n *= 2;
    return n;
}

static int NAME(row_slices)(ptrdiff_t rows)
{
    ptrdiff_t n = (rows + SLICE_ROWS - 1) / SLICE_ROWS;
    if (n < 2 && rows >= 16)
        n = 2;
    return n < 1 ? 1 : n > MOST_SLICES ? MOST_SLICES : (int)n;
}

static ptrdiff_t NAME(batch_rows)(const NAME(Run) *run, ptrdiff_t batch)
{
    const Epoch *epoch = run->epoch;
    ptrdiff_t left = epoch->n_rows - batch * epoch->batch;
    return left < epoch->batch ? left : epoch->batch;
}

/* --- gathering --------------------------------------------------------------------- */

static void NAME(gather)(const NAME(Run) *run, ptrdiff_t batch, int slice)
{
    const Epoch *epoch = run->epoch;
    ptrdiff_t m = NAME(batch_rows)(run, batch), n = NAME(row_slices)(m);
    ptrdiff_t from = m * slice / n, to = m * (slice + 1) / n, lead;
    ptrdiff_t at = batch * epoch->batch + from, d = epoch->sizes[0];
    const ptrdiff_t *order = epoch->order ? epoch->order + at : NULL;
    const ptrdiff_t *places = epoch->places ? epoch->places + at : NULL;
    at += epoch->first;
    NAME(load_targets)(&epoch->y, order, at, to - from, run->codes + from, run->w + from,
                       epoch->batch);
    if (!epoch->X.indptr) {
        const T *rows =
            NAME(load)(&epoch->X, places, at, to - from, 0, d, run->X + from * d, &lead);
        if (rows != run->X + from * d)
            for (ptrdiff_t i = 0; i < to - from; i++)
                memcpy(run->X + (from + i) * d, rows + i * lead, sizeof(T) * (size_t)d);
    }
}

/* --- the first layer of sparse features -------------------------------------------- */

#define SPARSE(index, name)                                                            \
    static void NAME(forward_##name)(const Epoch *epoch, ptrdiff_t batch, ptrdiff_t m, \
                                     ptrdiff_t from, ptrdiff_t to, const T *weights,   \
                                     ptrdiff_t width, const T *restrict shift, T *z)   \
    {                                                                                  \
        const index *indptr = epoch->X.indptr, *indices = epoch->X.indices;            \
        const T *values = epoch->X.data, *inverse = epoch->X.inverse;                  \
        for (ptrdiff_t i = 0; i < m; i++) {                                            \
            ptrdiff_t at = batch * epoch->batch + i;                                   \
            at = epoch->places ? epoch->places[at] : epoch->first + at;                \
            T *restrict into = z + i * width;                                          \
            for (ptrdiff_t c = from; c < to; c++)                                      \
                into[c] = -shift[c];                                                   \
            for (index k = indptr[at]; k < indptr[at + 1]; k++) {                      \
                const T *restrict row = weights + (ptrdiff_t)indices[k] * width;       \
                T value = inverse ? values[k] * inverse[indices[k]] : values[k];       \
                for (ptrdiff_t c = from; c < to; c++)                                  \
                    into[c] += value * row[c];                                         \
            }                                                                          \
        }                                                                              \
    }                                                                                  \
    static void NAME(backward_##name)(const Epoch *epoch, ptrdiff_t batch,             \
                                      ptrdiff_t m, ptrdiff_t from, ptrdiff_t to,       \
                                      const T *d, ptrdiff_t width, T *gradient)        \
    {                                                                                  \
        const index *indptr = epoch->X.indptr, *indices = epoch->X.indices;            \
        const T *values = epoch->X.data, *inverse = epoch->X.inverse;                  \
        for (ptrdiff_t j = 0; j < epoch->sizes[0]; j++)                                \
            memset(gradient + j * width + from, 0, sizeof(T) * (size_t)(to - from));   \
        for (ptrdiff_t i = 0; i < m; i++) {                                            \
            ptrdiff_t at = batch * epoch->batch + i;                                   \
            at = epoch->places ? epoch->places[at] : epoch->first + at;                \
            for (index k = indptr[at]; k < indptr[at + 1]; k++) {                      \
                T *restrict row = gradient + (ptrdiff_t)indices[k] * width;            \
                T value = inverse ? values[k] * inverse[indices[k]] : values[k];       \
                for (ptrdiff_t c = from; c < to; c++)                                  \
                    row[c] += value * d[i * width + c];                                \
            }                                                                          \
        }                                                                              \
    }

SPARSE(int32_t, narrow)
SPARSE(int64_t, wide)
#undef SPARSE

/* Sparse features of which a mean is taken: what that takes from each weighted sum,
sum_j mean_j inverse_j w_j, and from the gradient of each weight. */
CLONES static void NAME(find_shift)(const Features *X, ptrdiff_t from, ptrdiff_t to,
                                    const T *weights, ptrdiff_t width, T *shift)
{
    const T *mean = X->mean, *inverse = X->inverse;
    memset(shift + from, 0, sizeof(T) * (size_t)(to - from));
    for (ptrdiff_t j = 0; mean && j < X->n_columns; j++)
        for (ptrdiff_t c = from; c < to; c++)
            shift[c] += mean[j] * inverse[j] * weights[j * width + c];
}

CLONES static void NAME(take_shift)(const Features *X, ptrdiff_t from, ptrdiff_t to,
                                    const T *sums, ptrdiff_t width, T *gradient)
{
    const T *mean = X->mean, *inverse = X->inverse;
    for (ptrdiff_t j = 0; j < X->n_columns; j++)
        for (ptrdiff_t c = from; c < to; c++)
            gradient[j * width + c] -= mean[j] * inverse[j] * sums[c];
}

/* Weighted sums of rows `top` to `end`, of neurons `from` to `to` of a layer. */
static void NAME(weigh)(const NAME(Run) *run, ptrdiff_t batch, int layer, ptrdiff_t top,
                        ptrdiff_t end, ptrdiff_t from, ptrdiff_t to, T *z)
{
    const Epoch *epoch = run->epoch;
    ptrdiff_t n_in = epoch->sizes[layer], n_out = epoch->sizes[layer + 1];
    const T *weights = run->weights[layer], *intercepts = weights + n_in * n_out;
    if (layer == 0 && epoch->X.indptr) {
        T *shift = run->shift;
        NAME(find_shift)(&epoch->X, from, to, weights, n_out, shift);
        if (epoch->X.wide)
            NAME(forward_wide)(epoch, batch, end, from, to, weights, n_out, shift, z);
        else
            NAME(forward_narrow)(epoch, batch, end, from, to, weights, n_out, shift, z);
    } else {
        NAME(product)('N', 'N', end - top, to - from, n_in, run->h[layer] + top * n_in,
                      n_in, weights + from, n_out, 0, z + top * n_out + from, n_out);
    }
    if (epoch->intercept)
        for (ptrdiff_t i = top; i < end; i++)
            for (ptrdiff_t c = from; c < to; c++)
                z[i * n_out + c] += intercepts[c];
}

CLONES static void NAME(column_sums)(ptrdiff_t m, ptrdiff_t n, const T *d, ptrdiff_t lead,
                                     T *restrict into)
{
    memset(into, 0, sizeof(T) * (size_t)n);
    for (ptrdiff_t i = 0; i < m; i++)
        for (ptrdiff_t c = 0; c < n; c++)
            into[c] += d[i * lead + c];
}

/* The gradient of a layer's weights to neurons `from` to `to`: h^T D, sum D. */
static void NAME(gradient)(const NAME(Run) *run, ptrdiff_t batch, ptrdiff_t m, int layer,
                           ptrdiff_t from, ptrdiff_t to)
{
    const Epoch *epoch = run->epoch;
    ptrdiff_t n_in = epoch->sizes[layer], n_out = epoch->sizes[layer + 1];
    T *into = run->into[layer];
    const T *d = run->d[layer + 1];
    if (layer == 0 && epoch->X.indptr) {
        if (epoch->X.wide)
            NAME(backward_wide)(epoch, batch, m, from, to, d, n_out, into);
        else
            NAME(backward_narrow)(epoch, batch, m, from, to, d, n_out, into);
        if (epoch->X.mean) {
            NAME(column_sums)(m, to - from, d + from, n_out, run->shift + from);
            NAME(take_shift)(&epoch->X, from, to, run->shift, n_out, into);
        }
    } else {
        NAME(product)('T', 'N', n_in, to - from, m, run->h[layer], n_in, d + from, n_out,
                      0, into + from, n_out);
    }
    if (epoch->intercept)
        NAME(column_sums)(m, to - from, d + from, n_out, into + n_in * n_out + from);
}

/* --- phases of a batch ------------------------------------------------------------- */

static void NAME(forward)(const NAME(Run) *run, ptrdiff_t batch, int layer, int slice)
{
    const Epoch *epoch = run->epoch;
    ptrdiff_t m = NAME(batch_rows)(run, batch), width = epoch->sizes[layer + 1];
    int n = NAME(n_slices)(width);
    ptrdiff_t from = width * slice / n, to = width * (slice + 1) / n;
    T *z = run->h[layer + 1];
    NAME(weigh)(run, batch, layer, 0, m, from, to, z);
    if (n == 1)
        NAME(activation)(epoch->activation, m * width, z);
    else
        for (ptrdiff_t i = 0; i < m; i++)
            NAME(activation)(epoch->activation, to - from, z + i * width + from);
}

/* Logits of a slice of rows, and their residuals over the divisor. */
static void NAME(outcomes)(const NAME(Run) *run, ptrdiff_t batch, int slice)
{
    const Epoch *epoch = run->epoch;
    ptrdiff_t m = NAME(batch_rows)(run, batch), k = epoch->y.n_logits;
    int n = NAME(row_slices)(m);
    if (epoch->X.indptr && !run->last) /* sparse rows are taken from the first on */
        n = 1;
    ptrdiff_t top = m * slice / n, end = m * (slice + 1) / n;
    T *d = run->d[run->last + 1];
    NAME(weigh)(run, batch, run->last, top, end, 0, k, d);
    T scale = (T)(1 / (epoch->divisor + epoch->divisor_by_row * (double)m));
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
        run->totals[slice] += NAME(likelihood)(
            &epoch->y, some, z, some, run->row_codes + at * epoch->y.n_outputs,
            run->row_w + at * epoch->y.n_outputs, NULL);
        for (ptrdiff_t i = 0; i < some * k; i++)
            z[i] *= scale;
        NAME(transpose)(k, some, z, some, d + at * k, k);
    }
}

/* A slice of the inputs of a layer: what they did to it, and what was done to them. */
static void NAME(backward)(const NAME(Run) *run, ptrdiff_t batch, int layer, int slice)
{
    const Epoch *epoch = run->epoch;
    ptrdiff_t m = NAME(batch_rows)(run, batch);
    ptrdiff_t n_in = epoch->sizes[layer], n_out = epoch->sizes[layer + 1];
    int n = NAME(n_slices)(n_in);
    if (layer == 0 && epoch->X.indptr) {
        NAME(gradient)(run, batch, m, 0, 0, n_out);
        return;
    }
    ptrdiff_t from = n_in * slice / n, to = n_in * (slice + 1) / n;
    const T *d = run->d[layer + 1], *weights = run->weights[layer];
    if (layer == run->last) {
        T *into = run->into[layer];
        NAME(product)('T', 'N', to - from, n_out, m, run->h[layer] + from, n_in, d, n_out,
                      0, into + from * n_out, n_out);
        if (epoch->intercept && slice == 0)
            NAME(column_sums)(m, n_out, d, n_out, into + n_in * n_out);
    }
    if (layer == 0)
        return;
    T *below = run->d[layer];
    const T *h = run->h[layer];
    NAME(product)('N', 'T', m, to - from, n_out, d, n_out, weights + from * n_out, n_out,
                  0, below + from, n_in);
    for (ptrdiff_t i = 0; i < m; i++)
        NAME(slope)(epoch->activation, to - from, below + i * n_in + from,
                    h + i * n_in + from);
    NAME(gradient)(run, batch, m, layer - 1, from, to);
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

static int NAME(step_slices)(ptrdiff_t n)
{
    ptrdiff_t slices = (n + SLICE_NUMBERS - 1) / SLICE_NUMBERS;
    return (int)(slices > MOST_SLICES ? MOST_SLICES : slices);
}

static void NAME(step)(const NAME(Run) *run, ptrdiff_t batch, int slice)
{
    const Epoch *epoch = run->epoch;
    ptrdiff_t m = NAME(batch_rows)(run, batch), n = NAME(step_slices)(epoch->n_parameters);
    ptrdiff_t from = epoch->n_parameters * slice / n;
    n = epoch->n_parameters * (slice + 1) / n - from;
    T *theta = (T *)epoch->theta + from, *g = run->gradient + from;
    if (epoch->rule == SUM) {
        NAME(add)(n, epoch->sum + from, g);
        return;
    }
    T *first = epoch->first_moment, *second = epoch->second_moment;
    double rate = epoch->rates[batch], rows = (double)m;
    if (epoch->shrunk) {
        double strength = (epoch->l2 + epoch->l2_by_row * rows)
                          / (epoch->divisor + epoch->divisor_by_row * rows);
        NAME(shrink)(n, g, theta, (const T *)epoch->shrunk + from, (T)strength);
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

/* --- the job ----------------------------------------------------------------------- */

/* Phase 0 gathers the first batch; then each has its phases. */
static int NAME(plan_epoch)(void *what, long phase)
{
    const NAME(Run) *run = what;
    const Epoch *epoch = run->epoch;
    if (phase == 0)
        return NAME(row_slices)(NAME(batch_rows)(run, 0));
    ptrdiff_t batch = (phase - 1) / run->per_batch;
    long stage = (phase - 1) % run->per_batch;
    if (batch == run->n_batches)
        return 0;
    if (stage < run->last)
        return NAME(n_slices)(epoch->sizes[stage + 1]);
    if (stage == run->last)
        return epoch->X.indptr && !run->last
                   ? 1
                   : NAME(row_slices)(NAME(batch_rows)(run, batch));
    if (stage < run->per_batch - 1) { /* none of them where there are no gradients */
        long layer = run->last - (stage - run->last - 1);
        return layer == 0 && epoch->X.indptr ? 1 : NAME(n_slices)(epoch->sizes[layer]);
    }
    int more = 0;
    if (batch + 1 < run->n_batches)
        more = NAME(row_slices)(NAME(batch_rows)(run, batch + 1));
    return run->steps + more;
}

static void NAME(work_epoch)(void *what, long phase, int task, int rank)
{
    const NAME(Run) *run = what;
    (void)rank;
    if (phase == 0) {
        NAME(gather)(run, 0, task);
        return;
    }
    ptrdiff_t batch = (phase - 1) / run->per_batch;
    long stage = (phase - 1) % run->per_batch;
    if (stage < run->last)
        NAME(forward)(run, batch, (int)stage, task);
    else if (stage == run->last)
        NAME(outcomes)(run, batch, task);
    else if (stage < run->per_batch - 1)
        NAME(backward)(run, batch, run->last - (int)(stage - run->last - 1), task);
    else if (task < run->steps)
        NAME(step)(run, batch, task);
    else
        NAME(gather)(run, batch + 1, task - run->steps);
}

/* Lay out what a run needs, from `at`; the end. */
static char *NAME(lay_out)(NAME(Run) *run, char *at)
{
    const Epoch *epoch = run->epoch;
    ptrdiff_t b = epoch->batch, outputs = epoch->y.n_outputs, L = epoch->n_layers;
#define TAKE(into, type, size)                                                         \
    into = (type *)at;                                                                 \
    at += ROUND_UP(sizeof(type) * (size_t)(size))
    TAKE(run->weights, T *, L);
    TAKE(run->into, T *, L);
    TAKE(run->h, T *, L + 1);
    TAKE(run->d, T *, L + 1);
    TAKE(run->totals, double, MOST_SLICES);
    TAKE(run->codes, int32_t, b * outputs);
    TAKE(run->row_codes, int32_t, b * outputs);
    TAKE(run->w, T, b * outputs);
    TAKE(run->row_w, T, b * outputs);
    TAKE(run->z, T, b * epoch->y.n_logits);
    TAKE(run->gradient, T, epoch->n_parameters);
    TAKE(run->shift, T, epoch->sizes[1]);
    TAKE(run->X, T, epoch->X.indptr ? 0 : b * epoch->sizes[0]);
    T *theta = epoch->theta, *gradient = run->gradient;
    for (ptrdiff_t l = 0; l <= L; l++) {
        ptrdiff_t size = l ? b * epoch->sizes[l] : 0;
        T *values, *below;
        TAKE(values, T, l < L ? size : 0);
        TAKE(below, T, size);
        if (!run->room)
            continue; /* only its size was asked for */
        run->h[l] = l ? values : run->X;
        run->d[l] = below;
        if (l == L)
            continue;
        run->weights[l] = theta;
        run->into[l] = gradient;
        ptrdiff_t n_out = epoch->sizes[l + 1];
        ptrdiff_t n = (epoch->sizes[l] + (epoch->intercept ? 1 : 0)) * n_out;
        theta += n;
        gradient += n;
    }
#undef TAKE
    return at;
}

int NAME(epoch)(Epoch *epoch)
{
    NAME(Run) run = {.epoch = epoch, .last = (int)epoch->n_layers - 1};
    epoch->log_likelihood = 0;
    run.n_batches = (epoch->n_rows + epoch->batch - 1) / epoch->batch;
    /* forward, outcomes, backward (of one layer also where none is hidden), step */
    run.per_batch = run.last + 1 + (run.last ? run.last : 1) + 1;
    run.steps = NAME(step_slices)(epoch->n_parameters);
    if (epoch->rule == NOTHING) {
        run.per_batch = run.last + 2;
        run.steps = 0;
    }
    size_t size = (size_t)(uintptr_t)NAME(lay_out)(&run, NULL);
    char *room = malloc(size + 64);
    if (!room)
        return -1;
    run.room = (char *)ROUND_UP((uintptr_t)room);
    NAME(lay_out)(&run, run.room);
    memset(run.totals, 0, sizeof(double) * MOST_SLICES);
    NAME(no_weights)(epoch->batch * epoch->y.n_outputs, run.w);
    int failed = team_do(epoch->n_threads, NAME(plan_epoch), NAME(work_epoch), &run);
    for (int i = 0; i < MOST_SLICES; i++)
        epoch->log_likelihood += run.totals[i];
    free(room);
    return failed;
}
#undef SLICE_ROWS
#undef SLICE_NUMBERS
#undef MOST_SLICES
