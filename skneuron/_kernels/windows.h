/* Layers that share weights, for the float type T: neurons that see a window of a
picture, place by place. Pictures are by row, column and channel, so that of each row of
a window the numbers lie side by side. */

#define WINDOW_NUMBERS 16384 /* gathered at a time: they stay near until multiplied */

typedef struct {
    ptrdiff_t height, width, channels; /* of the picture below */
    ptrdiff_t rows, columns;           /* of the window; 0: a dense layer */
    ptrdiff_t pool, across, n_places;  /* places in a row of them, and all */
    ptrdiff_t high, wide;              /* the picture that comes out */
    ptrdiff_t n_in, n_out;             /* of W */
    ptrdiff_t at_a_time;               /* pictures */
} NAME(Windows);

static NAME(Windows) NAME(windows)(const Epoch *epoch, ptrdiff_t layer)
{
    const ptrdiff_t *said = epoch->windows ? epoch->windows + 6 * layer : NULL;
    NAME(Windows) of = {.n_in = epoch->sizes[layer], .n_out = epoch->sizes[layer + 1]};
    if (!said || !said[3])
        return of;
    of.height = said[0], of.width = said[1], of.channels = said[2];
    of.rows = said[3], of.columns = said[4], of.pool = said[5];
    of.across = of.width - of.columns + 1;
    of.high = (of.height - of.rows + 1) / of.pool, of.wide = of.across / of.pool;
    of.n_places = (of.height - of.rows + 1) * of.across;
    of.n_in = of.rows * of.columns * of.channels;
    of.n_out /= of.high * of.wide;
    of.at_a_time = WINDOW_NUMBERS / (of.n_places * (of.n_in + of.n_out)) + 1;
    return of;
}

/* Numbers of T that a thread works on. */
static size_t NAME(windows_room)(const NAME(Windows) *of)
{
    ptrdiff_t numbers = of->at_a_time * of->n_places + 1;
    return (size_t)(numbers * (of->n_in + of->n_out + 1) + of->n_in * of->n_out);
}

/* What is seen of a picture, (n_places, n_in). */
CLONES static void NAME(gather)(const NAME(Windows) *of, const T *restrict picture,
                                T *restrict seen)
{
    ptrdiff_t n = of->columns * of->channels, line = of->width * of->channels;
    for (ptrdiff_t down = 0; down < of->n_places / of->across; down++, picture += line)
        for (ptrdiff_t right = 0; right < of->across; right++) {
            const T *from = picture + right * of->channels;
            for (ptrdiff_t i = 0; i < of->rows; i++, from += line, seen += n)
                for (ptrdiff_t k = 0; k < n; k++)
                    seen[k] = from[k];
        }
}

/* Added to a picture: what each place has of it. */
CLONES static void NAME(scatter)(const NAME(Windows) *of, const T *restrict seen,
                                 T *restrict picture)
{
    ptrdiff_t n = of->columns * of->channels, line = of->width * of->channels;
    for (ptrdiff_t down = 0; down < of->n_places / of->across; down++, picture += line)
        for (ptrdiff_t right = 0; right < of->across; right++) {
            T *to = picture + right * of->channels;
            for (ptrdiff_t i = 0; i < of->rows; i++, to += line, seen += n)
                for (ptrdiff_t k = 0; k < n; k++)
                    to[k] += seen[k];
        }
}

/* Of sums, (n_places, n_out), the largest of each square, (high wide, n_out), and at
which place it is: the first of several. */
CLONES static void NAME(pool)(const NAME(Windows) *of, const T *restrict sums,
                              T *restrict z, int32_t *restrict kept)
{
    ptrdiff_t n = of->n_out, pool = of->pool;
    for (ptrdiff_t down = 0; down < of->high; down++)
        for (ptrdiff_t right = 0; right < of->wide; right++, z += n, kept += n) {
            ptrdiff_t corner = (down * of->across + right) * pool;
            memcpy(z, sums + corner * n, sizeof(T) * (size_t)n);
            for (ptrdiff_t c = 0; c < n; c++)
                kept[c] = (int32_t)corner;
            for (ptrdiff_t i = 0; i < pool; i++)
                for (ptrdiff_t j = !i; j < pool; j++) {
                    ptrdiff_t place = corner + i * of->across + j;
                    const T *from = sums + place * n;
                    for (ptrdiff_t c = 0; c < n; c++) {
                        int more = from[c] > z[c];
                        z[c] = more ? from[c] : z[c];
                        kept[c] = more ? (int32_t)place : kept[c];
                    }
                }
        }
}

/* Sums of m pictures that are `lead` apart; `room` is a thread's. */
static void NAME(slide)(const NAME(Windows) *of, ptrdiff_t m, const T *h, ptrdiff_t lead,
                        const T *weights, T *z, int32_t *kept, T *room)
{
    ptrdiff_t n_kept = of->high * of->wide * of->n_out, size = of->n_places * of->n_in;
    T *sums = room + of->at_a_time * size;
    for (ptrdiff_t at = 0, some; at < m; at += some) {
        some = m - at < of->at_a_time ? m - at : of->at_a_time;
        for (ptrdiff_t i = 0; i < some; i++)
            NAME(gather)(of, h + (at + i) * lead, room + i * size);
        NAME(tiled)('N', 'N', some * of->n_places, of->n_out, of->n_in, room, of->n_in,
                    weights, of->n_out, of->pool > 1 ? sums : z + at * n_kept,
                    of->n_out);
        for (ptrdiff_t i = 0; of->pool > 1 && i < some; i++)
            NAME(pool)(of, sums + i * of->n_places * of->n_out, z + (at + i) * n_kept,
                       kept + (at + i) * n_kept);
    }
}

/* The way back: from dLL/dz of what was kept to the gradient of weights and intercepts,
(n_in + 1, n_out), and to dLL/dh below, if that is asked for. */
static void NAME(slide_back)(const NAME(Windows) *of, ptrdiff_t m, const T *h,
                             ptrdiff_t lead, const T *weights, const T *d,
                             const int32_t *kept, T *gradient, T *below, T *room)
{
    ptrdiff_t cells = of->high * of->wide, n = of->n_out, n_kept = cells * n;
    ptrdiff_t size = of->n_places * of->n_in, under = of->height * of->width;
    T *sums = room + of->at_a_time * size;
    T *part = sums + of->at_a_time * of->n_places * n;
    memset(gradient, 0, sizeof(T) * (size_t)(of->n_in * n));
    for (ptrdiff_t at = 0, some; at < m; at += some, d += some * n_kept) {
        some = m - at < of->at_a_time ? m - at : of->at_a_time;
        const T *shares = d;
        if (of->pool > 1) {
            memset(sums, 0, sizeof(T) * (size_t)(some * of->n_places * n));
            for (ptrdiff_t i = 0; i < some * cells; i++, kept += n)
                for (ptrdiff_t c = 0; c < n; c++)
                    sums[(i / cells * of->n_places + kept[c]) * n + c] = d[i * n + c];
            shares = sums;
        }
        for (ptrdiff_t i = 0; i < some; i++)
            NAME(gather)(of, h + (at + i) * lead, room + i * size);
        NAME(tiled)('T', 'N', of->n_in, n, some * of->n_places, room, of->n_in, shares, n,
                    part, n);
        for (ptrdiff_t j = 0; j < of->n_in * n; j++)
            gradient[j] += part[j];
        if (!below)
            continue;
        NAME(tiled)('N', 'T', some * of->n_places, of->n_in, n, shares, n, weights, n,
                    room, of->n_in);
        memset(below, 0, sizeof(T) * (size_t)(some * under * of->channels));
        for (ptrdiff_t i = 0; i < some; i++, below += under * of->channels)
            NAME(scatter)(of, room + i * size, below);
    }
}
#undef WINDOW_NUMBERS
