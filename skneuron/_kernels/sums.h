/* What a pass sums, and the room that each of its threads works in. */

/* Two logits of an output, a < c, or the one of a Bernoulli output, a = c; and where
its matrix is in the result, and those of (a, a) and (c, c) are. */
typedef struct {
    ptrdiff_t output, a, c, at, at_a, at_c;
} NAME(Pair);

typedef struct {
    const Pass *pass;
    ptrdiff_t d, n_inputs, n_logits;
    ptrdiff_t rows; /* in a block */
    int sparse; /* a CSR matrix, and not of numbers that are centred as they are read */
    double *chunk_sums;
    ptrdiff_t n_sums, n_first; /* of a chunk; and without the curvature */
    /* the curvature: fused, in the sums of chunks; or else formed after them, */
    NAME(Pair) *pairs;
    ptrdiff_t n_pairs;
    int fused, scattered;
    T *kept;           /* of what was kept, (n_logits, rows of all chunks), */
    ptrdiff_t *firsts; /* rows in the chunks before each */
    ptrdiff_t n_kept;
    /* by sets of pairs, parts of their matrices, and groups of chunks */
    int multiplied; /* parts are strips; else tiles, and a set is a pair */
    ptrdiff_t n_sets, n_parts, n_groups, part_size, part_rows, tile;
    double *parts; /* NULL where there is one group */
    /* room of each thread */
    char *rooms;
    size_t room_size;
} NAME(Sums);

typedef struct {
    T *x, *z, *weights, *gradient, *kept, *scaled, *coupling, *sum;
    double *part;
    int32_t *codes;
    char *end;
} NAME(Room);

/* Inputs of a curvature that is formed as rows are read: in whole panels of registers. */
#define PANEL (64 / (ptrdiff_t)sizeof(T))
#define WHOLE(n) (((n) + PANEL - 1) / PANEL * PANEL)
#define LARGER(a, b) ((a) > (b) ? (a) : (b))
#define TAKE(name, size)                                                               \
    room.name = (void *)at;                                                            \
    at += ROUND_UP(sizeof *room.name * (size_t)(size))

static NAME(Room) NAME(room)(const NAME(Sums) *of, int rank)
{
    NAME(Room) room;
    char *at = of->rooms + (size_t)rank * of->room_size;
    ptrdiff_t n = of->n_inputs, outputs = of->pass->y.n_outputs;
    ptrdiff_t b = LARGER(of->rows, of->part_rows);
    ptrdiff_t most_pairs = of->n_sets ? (of->n_pairs - 1) / of->n_sets + 1 : 1;
    ptrdiff_t columns = of->multiplied ? LARGER(n, STRIP) : of->tile;
    TAKE(x, LARGER(of->rows * of->d, of->part_rows * (of->multiplied ? n : of->tile)));
    TAKE(z, LARGER(of->rows * of->n_logits * (1 + (of->sparse ? of->pass->n_members : 0)),
                   of->part_rows * of->tile));
    TAKE(weights, b * outputs);
    TAKE(gradient, n * of->n_logits);
    TAKE(kept, b * of->n_logits);
    TAKE(coupling, b * most_pairs);
    TAKE(codes, b * outputs);
    TAKE(scaled, LARGER(of->fused ? of->rows * WHOLE(n) : 0, of->part_rows * columns));
    TAKE(sum, LARGER(of->fused ? WHOLE(n) * WHOLE(n) : 0, of->part_size));
    TAKE(part, of->n_groups > 1 ? 0 : of->part_size);
    room.end = at;
    return room;
}

static size_t NAME(room_bytes)(const NAME(Sums) *of)
{
    NAME(Sums) nowhere = *of;
    nowhere.rooms = NULL;
    return (size_t)(uintptr_t)NAME(room)(&nowhere, 0).end;
}
#undef TAKE
#undef LARGER
