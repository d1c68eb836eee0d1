/* A pass over rows, for the float type T.

Runs of rows, `chunks`, are summed in groups, and these then in their order, whoever did
which. Within, blocks of rows stay in the nearest cache from the logits to the sums.
*/

/* The sums of each column of residuals, (width, b), which are an intercept's gradient. */
static void NAME(add_residuals)(ptrdiff_t m, ptrdiff_t width, const T *z, ptrdiff_t b,
                                double *sums)
{
    for (ptrdiff_t c = 0; c < width; c++) {
        T total = 0;
#pragma omp simd reduction(+ : total)
        for (ptrdiff_t i = 0; i < m; i++)
            total += z[c * b + i];
        sums[c] += total;
    }
}

/* What a block of dense rows gives to a member: of its parameters theta, the
log-likelihood, which is returned, and the gradient, which is added up. */
static double NAME(add_dense)(const NAME(Sums) *of, const NAME(Room) *room, ptrdiff_t m,
                              const T *x, ptrdiff_t lead, const T *theta,
                              double *gradient)
{
    const Pass *pass = of->pass;
    ptrdiff_t d = of->d, width = of->n_logits, b = of->rows;
    T *z = room->z;
    if (width == 1) {
        NAME(dots)(m, d, x, lead, theta, pass->intercept ? theta[d] : 0, z);
    } else {
        NAME(product)('T', 'T', width, m, d, theta, width, x, lead, 0, z, b);
        for (ptrdiff_t c = 0; pass->intercept && c < width; c++)
            for (ptrdiff_t i = 0; i < m; i++)
                z[c * b + i] += theta[d * width + c];
    }
    double value = NAME(likelihood)(&pass->y, m, z, b, room->codes, room->weights,
                                    pass->curvature ? room->kept : NULL);
    if (!pass->gradients)
        return value;
    /* Of few rows at a time, what they give together takes as long as they do. */
    int at_once = width == 1 && sizeof(T) == sizeof(double) && b < MOST_ROWS / 4;
    if (width == 1) {
        T *sums = at_once ? (T *)gradient : room->gradient;
        memset(room->gradient, 0, at_once ? 0 : sizeof(T) * (size_t)d);
        NAME(adds)(m, d, x, lead, z, sums);
    } else {
        NAME(product)
        ('T', 'T', d, width, m, x, lead, z, b, 0, room->gradient, width);
    }
    for (ptrdiff_t j = 0; j < d * width && !at_once; j++)
        gradient[j] += room->gradient[j];
    if (pass->intercept)
        NAME(add_residuals)(m, width, z, b, gradient + d * width);
    return value;
}

/* What a block of sparse rows gives to all members: what is stored is looked up once
for them. Parameters and gradients are (n_inputs, n_members, n_logits). */
static void NAME(add_sparse)(const NAME(Sums) *of, const NAME(Room) *room,
                             ptrdiff_t start, ptrdiff_t m, double *values,
                             double *gradient)
{
    const Pass *pass = of->pass;
    const T *theta = pass->theta;
    ptrdiff_t k = of->n_logits, width = k * pass->n_members, b = of->rows;
    const T *shifts = theta + of->d * width;
    T *by_row = room->z, *z = width == 1 ? by_row : by_row + b * width;
    if (pass->X.wide)
        NAME(sparse_logits_wide)(&pass->X, start, m, width, theta, by_row);
    else
        NAME(sparse_logits_narrow)(&pass->X, start, m, width, theta, by_row);
    for (ptrdiff_t member = 0, at = 0; member < pass->n_members; member++, at += k) {
        for (ptrdiff_t c = 0; c < k; c++)
            for (ptrdiff_t i = 0; i < m; i++)
                z[c * b + i] =
                    by_row[i * width + at + c] + (pass->intercept ? shifts[at + c] : 0);
        values[member] +=
            NAME(likelihood)(&pass->y, m, z, b, room->codes, room->weights,
                             pass->curvature ? room->kept : NULL);
        if (!pass->gradients)
            continue;
        for (ptrdiff_t i = 0; width > 1 && i < m; i++)
            for (ptrdiff_t c = 0; c < k; c++)
                by_row[i * width + at + c] = z[c * b + i];
        if (pass->intercept)
            NAME(add_residuals)(m, k, z, b, gradient + of->d * width + at);
    }
    if (!pass->gradients)
        return;
    if (pass->X.wide)
        NAME(sparse_adds_wide)(&pass->X, start, m, width, by_row, gradient);
    else
        NAME(sparse_adds_narrow)(&pass->X, start, m, width, by_row, gradient);
}

static void NAME(add_chunk)(const NAME(Sums) *of, ptrdiff_t chunk, double *values,
                            const NAME(Room) *room)
{
    const Pass *pass = of->pass;
    ptrdiff_t b = of->rows, size = of->n_inputs * of->n_logits;
    ptrdiff_t begin = pass->chunks[2 * chunk], stop = pass->chunks[2 * chunk + 1];
    double *gradients = values + pass->n_members;
    for (ptrdiff_t start = begin, m; start < stop; start += m) {
        m = stop - start < b ? stop - start : b;
        const T *x = NULL;
        ptrdiff_t lead = 0;
        NAME(load_targets)(&pass->y, NULL, start, m, room->codes, room->weights, b);
        if (of->sparse) {
            NAME(add_sparse)(of, room, start, m, values, gradients);
        } else {
            x = NAME(load)(&pass->X, NULL, start, m, 0, of->d, room->x, &lead);
            /* One after the other, so that each has the sums that it has alone. */
            for (ptrdiff_t member = 0; member < pass->n_members; member++)
                values[member] += NAME(add_dense)(
                    of, room, m, x, lead, (const T *)pass->theta + member * size,
                    gradients + member * size);
        }
        if (of->fused) {
            NAME(add_curvature)(of, room, start, m, x, lead, values + of->n_first);
        } else if (pass->curvature) {
            ptrdiff_t at = of->firsts[chunk] + start - begin;
            for (ptrdiff_t c = 0; c < of->n_logits; c++)
                memcpy(of->kept + c * of->n_kept + at, room->kept + c * b,
                       sizeof(T) * (size_t)m);
        }
    }
}

static void NAME(add_chunks)(const NAME(Sums) *of, int group, int rank)
{
    const Pass *pass = of->pass;
    NAME(Room) room = NAME(room)(of, rank);
    double *values = of->chunk_sums + group * of->n_sums;
    memset(values, 0, sizeof(double) * (size_t)of->n_sums);
    NAME(no_weights)(of->rows * pass->y.n_outputs, room.weights);
    for (ptrdiff_t chunk = (ptrdiff_t)group * pass->n_chunks / pass->n_partial;
         chunk < (group + (ptrdiff_t)1) * pass->n_chunks / pass->n_partial; chunk++)
        NAME(add_chunk)(of, chunk, values, &room);
}

/* --- the job ----------------------------------------------------------------------- */

/* The sums of groups of chunks, in their order: a part of them. */
static void NAME(join_chunks)(const NAME(Sums) *of, int part)
{
    const Pass *pass = of->pass;
    ptrdiff_t size = of->n_inputs * of->n_inputs;
#define OF_PART(j, n) ptrdiff_t j = (n) * part / JOINS; j < (n) * (part + 1) / JOINS; j++
    for (int group = 0; group < pass->n_partial; group++) {
        const double *some = of->chunk_sums + group * of->n_sums;
        for (OF_PART(j, of->n_first))
            pass->sums[j] += some[j];
        some += of->n_first;
        for (ptrdiff_t p = 0; of->fused && p < of->n_pairs; p++, some += size) {
            double *square = pass->sums + of->n_first + of->pairs[p].at * size;
            double sign = NAME(sign)(of->pairs + p);
            for (OF_PART(j, size))
                square[j] += sign * some[j];
        }
    }
#undef OF_PART
}

/* Chunks; then their sums, and parts of the curvature; then the sums of those. */
static int NAME(plan_pass)(void *what, long phase)
{
    const NAME(Sums) *of = what;
    ptrdiff_t parts = of->n_sets * of->n_parts;
    if (phase == 0)
        return of->pass->n_partial;
    if (phase == 1)
        return JOINS + MOST_TASKS(parts * of->n_groups);
    return phase == 2 && of->parts ? MOST_TASKS(parts) : 0;
}

static void NAME(work_pass)(void *what, long phase, int task, int rank)
{
    const NAME(Sums) *of = what;
    if (phase == 0) {
        NAME(add_chunks)(of, task, rank);
    } else if (phase == 1 && task < JOINS) {
        NAME(join_chunks)(of, task);
    } else {
        ptrdiff_t items = of->n_sets * of->n_parts;
        if (phase == 1) {
            items *= of->n_groups;
            task -= JOINS;
        }
        ptrdiff_t tasks = MOST_TASKS(items);
        for (ptrdiff_t i = items * task / tasks; i < items * (task + 1) / tasks; i++)
            if (phase == 1)
                NAME(add_part)(of, i, rank);
            else
                NAME(join_parts)(of, i);
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
    of.n_sums = 1 + (pass->gradients ? of.n_inputs * of.n_logits : 0);
    of.n_sums *= pass->n_members;
    of.n_first = of.n_sums;
    ptrdiff_t n_matrices = 0, n_rows = 0;
    for (int chunk = 0; chunk < pass->n_chunks; chunk++)
        n_rows += pass->chunks[2 * chunk + 1] - pass->chunks[2 * chunk];
    if (pass->curvature) {
        for (ptrdiff_t o = 0; o < y->n_outputs; o++)
            n_matrices += y->widths[o] ? y->widths[o] * (y->widths[o] + 1) / 2 : 1;
        of.pairs = NAME(list_pairs)(y, &of.n_pairs);
        NAME(plan_curvature)(&of, n_rows);
    }
    ptrdiff_t numbers = 1 + of.d + 4 * of.n_logits;
    of.rows = BLOCK_NUMBERS / numbers;
    of.rows = of.rows > MOST_ROWS ? MOST_ROWS : of.rows < 16 ? 16 : of.rows;

    of.room_size = NAME(room_bytes)(&of);
    of.firsts = malloc(sizeof *of.firsts * (size_t)pass->n_chunks);
    of.chunk_sums = malloc(sizeof(double) * (size_t)(of.n_sums * pass->n_partial));
    of.rooms = malloc(of.room_size * (size_t)pass->n_threads);
    int failed = !of.firsts || !of.chunk_sums || !of.rooms;
    failed |= pass->curvature && !of.pairs;
    if (!failed && of.n_parts) {
        ptrdiff_t first = 0;
        for (int chunk = 0; chunk < pass->n_chunks; chunk++) {
            of.firsts[chunk] = first;
            first += pass->chunks[2 * chunk + 1] - pass->chunks[2 * chunk];
        }
        of.n_kept = n_rows;
        of.kept = malloc(sizeof(T) * (size_t)(n_rows * of.n_logits));
        failed = !of.kept;
        if (of.n_groups > 1) {
            ptrdiff_t items = of.n_sets * of.n_parts * of.n_groups;
            of.parts = malloc(sizeof(double) * (size_t)(items * of.part_size));
            failed |= !of.parts;
        }
    }
    ptrdiff_t n_sums = of.n_first + n_matrices * of.n_inputs * of.n_inputs;
    memset(pass->sums, 0, sizeof(double) * (size_t)n_sums);
    if (!failed)
        failed = team_do(pass->n_threads, NAME(plan_pass), NAME(work_pass), &of);
    if (!failed)
        NAME(complete)(&of, n_matrices);
    free(of.pairs);
    free(of.firsts);
    free(of.chunk_sums);
    free(of.rooms);
    free(of.kept);
    free(of.parts);
    return failed ? -1 : 0;
}
