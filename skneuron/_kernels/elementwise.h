/* Activations, and what is likely of logits, number by number in their place. */

CLONES static void NAME(activation)(int activation, ptrdiff_t n, T *restrict z)
{
    switch (activation) {
    case LOGISTIC:
#pragma omp simd
        for (ptrdiff_t i = 0; i < n; i++) {
            T e = NAME(exp)(z[i] > 0 ? -z[i] : z[i]), s = 1 / (1 + e);
            z[i] = z[i] >= 0 ? s : e * s;
        }
        break;
    case TANH: /* -expm1(-2 |z|) / (2 + expm1(-2 |z|)) */
#pragma omp simd
        for (ptrdiff_t i = 0; i < n; i++) {
            T power, of_r = NAME(expm1_parts)(z[i] > 0 ? -2 * z[i] : 2 * z[i], &power);
            T less = power * of_r + (power - 1), size = -less / (2 + less);
            z[i] = z[i] > 0 ? size : -size;
        }
        break;
    case RELU:
        for (ptrdiff_t i = 0; i < n; i++)
            z[i] = z[i] < 0 ? 0 : z[i];
        break;
    default: break;
    }
}

CLONES static void NAME(slope)(int activation, ptrdiff_t n, T *restrict d,
                               const T *restrict a)
{
    switch (activation) {
    case LOGISTIC:
        for (ptrdiff_t i = 0; i < n; i++)
            d[i] *= a[i] * (1 - a[i]);
        break;
    case TANH:
        for (ptrdiff_t i = 0; i < n; i++)
            d[i] *= 1 - a[i] * a[i];
        break;
    case RELU:
        for (ptrdiff_t i = 0; i < n; i++)
            d[i] = a[i] > 0 ? d[i] : 0;
        break;
    default: break;
    }
}

/* Numbers to a task: what a thread does while another is woken. */
#define NUMBERS 16384

typedef struct {
    int activation;
    ptrdiff_t n;
    T *z;
    const T *a;
} NAME(Numbers);

static int NAME(plan_numbers)(void *what, long phase)
{
    const NAME(Numbers) *of = what;
    return phase ? 0 : 1 + (int)MOST_TASKS((of->n - 1) / NUMBERS);
}

static void NAME(work_numbers)(void *what, long phase, int task, int rank)
{
    const NAME(Numbers) *of = what;
    (void)rank;
    ptrdiff_t tasks = NAME(plan_numbers)(what, phase);
    ptrdiff_t from = of->n * task / tasks, n = of->n * (task + 1) / tasks - from;
    if (of->a)
        NAME(slope)(of->activation, n, of->z + from, of->a + from);
    else
        NAME(activation)(of->activation, n, of->z + from);
}

int NAME(activate)(int activation, ptrdiff_t n, T *z, const T *a, int n_threads)
{
    NAME(Numbers) of = {activation, n, z, a};
    return team_do(n_threads, NAME(plan_numbers), NAME(work_numbers), &of);
}

/* --- logits by row ----------------------------------------------------------------- */

typedef struct {
    Outcome *outcome;
    double *totals;
    char *rooms;
    size_t room_size;
    ptrdiff_t rows, tasks;
} NAME(Logits);

static int NAME(plan_logits)(void *what, long phase)
{
    return phase ? 0 : (int)((const NAME(Logits) *)what)->tasks;
}

static void NAME(work_logits)(void *what, long phase, int task, int rank)
{
    const NAME(Logits) *of = what;
    const Targets *y = &of->outcome->y;
    (void)phase;
    ptrdiff_t k = y->n_logits, b = of->rows, n = of->outcome->n_rows;
    int labels = of->outcome->wanted != Y_HAT;
    T *z = (T *)(of->rooms + (size_t)rank * of->room_size), *weights = z + b * k;
    int32_t *codes = (int32_t *)(weights + b * y->n_outputs);
    ptrdiff_t start = n * task / of->tasks, stop = n * (task + 1) / of->tasks;
    double total = 0;
    NAME(no_weights)(b * y->n_outputs, weights);
    for (ptrdiff_t m; start < stop; start += m) {
        m = stop - start < b ? stop - start : b;
        T *rows = (T *)of->outcome->z + start * k;
        NAME(transpose)(m, k, rows, k, z, b);
        if (labels)
            NAME(load_targets)(y, NULL, start, m, codes, weights, b);
        total += NAME(likelihood)(y, m, z, b, labels ? codes : NULL,
                                  labels ? weights : NULL, NULL);
        if (of->outcome->wanted != LOG_LIKELIHOOD)
            NAME(transpose)(k, m, z, b, rows, k);
    }
    of->totals[task] = total;
}

int NAME(outcome)(Outcome *outcome)
{
    const Targets *y = &outcome->y;
    NAME(Logits) of = {.outcome = outcome};
    ptrdiff_t numbers = y->n_logits + 2 * y->n_outputs;
    of.rows = BLOCK_NUMBERS / numbers;
    of.rows = of.rows > MOST_ROWS ? MOST_ROWS : of.rows < 16 ? 16 : of.rows;
    of.tasks = 1 + MOST_TASKS((outcome->n_rows - 1) * y->n_logits / NUMBERS);
    of.room_size = ROUND_UP(sizeof(double) * (size_t)(of.rows * numbers));
    of.totals = malloc(sizeof(double) * (size_t)of.tasks);
    of.rooms = malloc(of.room_size * (size_t)outcome->n_threads);
    int failed = !of.totals || !of.rooms;
    if (!failed)
        failed = team_do(outcome->n_threads, NAME(plan_logits), NAME(work_logits), &of);
    outcome->log_likelihood = 0;
    for (ptrdiff_t i = 0; i < of.tasks && !failed; i++)
        outcome->log_likelihood += of.totals[i];
    free(of.totals);
    free(of.rooms);
    return failed ? -1 : 0;
}
#undef NUMBERS
