/* Small pieces that every kernel is made of, for the float type T. */

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME(a) JOIN(a, T)

/* Sigmoids are 2e-16 from exact: exp(x) = 2^n exp(r), |r| <= log(2) / 2, exp(r) a
polynomial (Taylor's). Written so that compilers make vectors of it: no calls, no
branches. Not for -ffast-math, which would undo the rounding to n. */
#ifdef DOUBLE
typedef uint64_t NAME(bits);
#define SHIFTER 0x1.8p52
#define MANTISSA 52
#define LEAST_EXPONENT -708.0
#define LN2_HIGH 0x1.62e42feep-1 /* times n it is exact, also where nothing is fused */
#define LN2_LOW 0x1.a39ef35793c76p-33
#define GEMM blas.dgemm
#define SYRK blas.dsyrk
#define SQRT sqrt
#else
typedef uint32_t NAME(bits);
#define SHIFTER 0x1.8p23f
#define MANTISSA 23
#define LEAST_EXPONENT -87.0f
#define LN2_HIGH 0.693359375f
#define LN2_LOW -2.12194440e-4f
#define GEMM blas.sgemm
#define SYRK blas.ssyrk
#define SQRT sqrtf
#endif

/* exp(x) - 1 of r, and 2^n, for x <= 0. */
static inline T NAME(expm1_parts)(T x, T *power)
{
    union { T f; NAME(bits) i; } shifted, scale;
    x = x < (T)LEAST_EXPONENT ? (T)LEAST_EXPONENT : x;
    shifted.f = x * (T)1.4426950408889634 + (T)SHIFTER;
    T n = shifted.f - (T)SHIFTER;
    T r = x - n * (T)LN2_HIGH - n * (T)LN2_LOW;
#ifdef DOUBLE
    T p = 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
#else
    T p = 1.0f / 5040;
#endif
    p = p * r + (T)(1.0 / 720);
    p = p * r + (T)(1.0 / 120);
    p = p * r + (T)(1.0 / 24);
    p = p * r + (T)(1.0 / 6);
    p = p * r + (T)0.5;
    p = p * r + (T)1;
    scale.f = 1;
    scale.i += shifted.i << MANTISSA;
    *power = scale.f;
    return p * r;
}

/* exp(x), x <= 0. */
static inline T NAME(exp)(T x)
{
    T power, of_r = NAME(expm1_parts)(x, &power);
    return x < (T)LEAST_EXPONENT ? (T)0 : power + power * of_r;
}

/* log(1 + e), 0 <= e <= 1: 2 atanh(s), s = e / (2 + e) <= 1/3. */
static inline T NAME(log1p)(T e)
{
    T s = e / (2 + e), q = s * s;
#ifdef DOUBLE
    T p = 1.0 / 33;
    p = p * q + 1.0 / 31;
    p = p * q + 1.0 / 29;
    p = p * q + 1.0 / 27;
    p = p * q + 1.0 / 25;
    p = p * q + 1.0 / 23;
    p = p * q + 1.0 / 21;
    p = p * q + 1.0 / 19;
    p = p * q + 1.0 / 17;
    p = p * q + 1.0 / 15;
#else
    T p = 1.0f / 15;
#endif
    p = p * q + (T)(1.0 / 13);
    p = p * q + (T)(1.0 / 11);
    p = p * q + (T)(1.0 / 9);
    p = p * q + (T)(1.0 / 7);
    p = p * q + (T)(1.0 / 5);
    p = p * q + (T)(1.0 / 3);
    p = p * q + (T)1;
    return 2 * s * p;
}

/* log(x), x >= 1 and finite: x = 2^n (1 + e), 0 <= e < 1. */
static inline T NAME(log)(T x)
{
    union { T f; NAME(bits) i; } whole, part, shifted;
    whole.f = x;
    NAME(bits) one = (NAME(bits))1 << MANTISSA;
    part.f = 1;
    part.i |= whole.i & (one - 1);
    /* The exponent as a float: put below the point of a number that has room. */
    shifted.f = (T)SHIFTER;
    shifted.i += whole.i >> MANTISSA;
    T n = shifted.f - (T)SHIFTER - (sizeof(T) == 8 ? 1023 : 127);
    return n * (T)LN2_LOW + NAME(log1p)(part.f - 1) + n * (T)LN2_HIGH;
}

/* C = A B + beta C, by rows as C has it: A or A^T (m, k), B or B^T (k, n). */
static inline void NAME(product)(char of_a, char of_b, ptrdiff_t m, ptrdiff_t n,
                                 ptrdiff_t k, const T *A, ptrdiff_t lda, const T *B,
                                 ptrdiff_t ldb, T beta, T *C, ptrdiff_t ldc)
{
    int m_ = (int)m, n_ = (int)n, k_ = (int)k;
    int lda_ = (int)lda, ldb_ = (int)ldb, ldc_ = (int)ldc;
    T one = 1;
    if (m && n)
        GEMM(&of_b, &of_a, &n_, &m_, &k_, &one, (T *)B, &ldb_, (T *)A, &lda_, &beta, C,
             &ldc_);
}

/* --- reading ----------------------------------------------------------------------- */

#define READ(number)                                                                   \
    {                                                                                  \
        if (column == (ptrdiff_t)sizeof(number)) {                                     \
            const number *given = (const number *)from;                                \
            for (ptrdiff_t j = 0; j < n; j++)                                          \
                to[j * step] = (T)given[j];                                            \
        } else {                                                                       \
            for (ptrdiff_t j = 0; j < n; j++)                                          \
                to[j * step] = (T) * (const number *)(from + j * column);              \
        }                                                                              \
        break;                                                                         \
    }

/* n numbers of any type, `column` bytes apart, put `step` apart. */
CLONES static void NAME(read)(int type, const char *from, ptrdiff_t column, ptrdiff_t n, T *to,
                       ptrdiff_t step)
{
    switch (type) {
    case INT8: READ(int8_t)
    case INT16: READ(int16_t)
    case INT32: READ(int32_t)
    case INT64: READ(int64_t)
    case UINT8: READ(uint8_t)
    case UINT16: READ(uint16_t)
    case UINT32: READ(uint32_t)
    case UINT64: READ(uint64_t)
    case FLOAT32: READ(float)
    default: READ(double)
    }
}

#undef READ

/* Whether rows are T without gaps, and need not be copied to be read. */
static int NAME(lies_ready)(const Features *X)
{
    return !X->indptr && !X->mean && X->type == (sizeof(T) == 8 ? FLOAT64 : FLOAT32)
           && (X->column == (ptrdiff_t)sizeof(T) || X->n_columns == 1)
           && X->row % (ptrdiff_t)sizeof(T) == 0
           && X->row >= (ptrdiff_t)sizeof(T) * X->n_columns
           && X->row / (ptrdiff_t)sizeof(T) < INT32_MAX;
}

#define SPARSE_ROW(index)                                                              \
    {                                                                                  \
        const index *indptr = X->indptr, *indices = X->indices;                        \
        for (index k = indptr[row]; k < indptr[row + 1]; k++)                          \
            if (indices[k] >= first && indices[k] < last)                              \
                to[indices[k] - first] = values[k];                                    \
    }

/* The rows at `at`, or m from `start`: columns `first` to `last`, in `room` unless they
lie ready; `lead` is the distance between rows. */
static const T *NAME(load)(const Features *X, const ptrdiff_t *at, ptrdiff_t start,
                           ptrdiff_t m, ptrdiff_t first, ptrdiff_t last, T *room,
                           ptrdiff_t *lead)
{
    ptrdiff_t width = last - first;
    const T *values = X->data, *mean = X->mean, *inverse = X->inverse;
    if (!at && NAME(lies_ready)(X)) {
        *lead = X->row / (ptrdiff_t)sizeof(T);
        return values + start * *lead + first;
    }
    *lead = width;
    if (!at && !X->indptr && X->row == X->column * width) { /* rows without gaps */
        NAME(read)(X->type, (const char *)X->data + start * X->row + first * X->column,
                   X->column, m * width, room, 1);
    } else if (!at && !X->indptr && llabs(X->row) < llabs(X->column)) { /* by columns */
        for (ptrdiff_t j = 0; j < width; j++)
            NAME(read)(X->type,
                       (const char *)X->data + start * X->row + (first + j) * X->column,
                       X->row, m, room + j, width);
    } else {
        for (ptrdiff_t i = 0; i < m; i++) {
            ptrdiff_t row = at ? at[i] : start + i;
            T *to = room + i * width;
            if (!X->indptr) {
                NAME(read)(X->type,
                           (const char *)X->data + row * X->row + first * X->column,
                           X->column, width, to, 1);
                continue;
            }
            memset(to, 0, sizeof(T) * (size_t)width);
            if (X->wide)
                SPARSE_ROW(int64_t)
            else
                SPARSE_ROW(int32_t)
        }
    }
    if (mean)
        for (ptrdiff_t i = 0; i < m; i++)
            for (ptrdiff_t j = 0; j < width; j++)
                room[i * width + j] =
                    (room[i * width + j] - mean[first + j]) * inverse[first + j];
    return room;
}

#undef SPARSE_ROW

#define READ_CODES(integer)                                                             \
    for (ptrdiff_t i = 0; i < m; i++)                                                  \
        codes[o * stride + i] =                                                        \
            (int32_t)((const integer *)y->codes)[(at ? at[i] : start + i) * k + o];    \
    break;

#define READ_WEIGHTS(floating)                                                         \
    for (ptrdiff_t i = 0; i < m; i++) {                                                \
        ptrdiff_t row = at ? at[i] : start + i;                                        \
        weights[o * stride + i] = (T)((const floating *)y->weights)[row * columns + by]; \
    }

/* Codes and weights of the rows at `at`, or m from `start`: by output, `stride` apart.
Weights that are all 1 are left as `no_weights` has made them. */
static void NAME(load_targets)(const Targets *y, const ptrdiff_t *at, ptrdiff_t start,
                               ptrdiff_t m, int32_t *codes, T *weights,
                               ptrdiff_t stride)
{
    ptrdiff_t k = y->n_outputs, columns = y->weights_by_output ? k : 1;
    for (ptrdiff_t o = 0; o < k; o++) {
        ptrdiff_t by = y->weights_by_output ? o : 0;
        switch (y->codes ? y->code_type : -1) {
        case INT8: READ_CODES(int8_t)
        case INT16: READ_CODES(int16_t)
        case INT32: READ_CODES(int32_t)
        case INT64: READ_CODES(int64_t)
        default: break;
        }
        if (y->weights && y->weight_type == FLOAT64)
            READ_WEIGHTS(double)
        else if (y->weights)
            READ_WEIGHTS(float)
    }
}
#undef READ_CODES
#undef READ_WEIGHTS

/* Weights of 1, which stay so where there are none to be read. */
static void NAME(no_weights)(ptrdiff_t n, T *weights)
{
    for (ptrdiff_t i = 0; i < n; i++)
        weights[i] = 1;
}

/* --- likelihood --------------------------------------------------------------------
Logits z become residuals w (y - y_hat); the return is sum w log P(y | z). Logits lie
before rows: those of a logit next to each other. `keep`, if any, is what the curvature
needs: w y_hat (1 - y_hat) of Bernoulli, y_hat of Categorical outputs. 1 - y_hat is never
a difference, of which nothing would be left where y_hat is nearly 1: it is the other
label's probability, or that of all other classes. */

/* The residual of a label, of z, e = exp(-|z|) and s = 1 / (1 + e). */
static inline T NAME(residual)(int32_t code, T z, T e, T s)
{
    T missed = (z >= 0) == (code > 0) ? e * s : s;
    return code > 0 ? missed : -missed;
}

/* z = y_hat in place of the residual where `w` is NULL. */
CLONES static double NAME(bernoulli)(ptrdiff_t m, T *restrict z,
                                     const int32_t *restrict codes,
                                     const T *restrict w, T *restrict keep)
{
    double total = 0;
    if (!w) {
#pragma omp simd
        for (ptrdiff_t i = 0; i < m; i++) {
            T e = NAME(exp)(z[i] > 0 ? -z[i] : z[i]), s = 1 / (1 + e);
            z[i] = z[i] >= 0 ? s : e * s;
        }
    } else if (keep) {
#pragma omp simd reduction(+ : total)
        for (ptrdiff_t i = 0; i < m; i++) {
            T y = (T)codes[i], e = NAME(exp)(z[i] > 0 ? -z[i] : z[i]), s = 1 / (1 + e);
            T positive = z[i] > 0 ? z[i] : 0;
            total += (double)w[i] * (y * z[i] - positive - NAME(log1p)(e));
            z[i] = w[i] * NAME(residual)(codes[i], z[i], e, s);
            keep[i] = w[i] * e * s * s;
        }
    } else {
#pragma omp simd reduction(+ : total)
        for (ptrdiff_t i = 0; i < m; i++) {
            T y = (T)codes[i], e = NAME(exp)(z[i] > 0 ? -z[i] : z[i]), s = 1 / (1 + e);
            T positive = z[i] > 0 ? z[i] : 0;
            total += (double)w[i] * (y * z[i] - positive - NAME(log1p)(e));
            z[i] = w[i] * NAME(residual)(codes[i], z[i], e, s);
        }
    }
    return total;
}

CLONES static double NAME(categorical)(ptrdiff_t m, ptrdiff_t k, T *restrict z,
                                       ptrdiff_t stride, const int32_t *restrict codes,
                                       const T *restrict w, T *restrict keep)
{
    T largest[MOST_ROWS], sum[MOST_ROWS], observed[MOST_ROWS], missed[MOST_ROWS];
    double total = 0;
    memcpy(largest, z, sizeof(T) * (size_t)m);
    for (ptrdiff_t c = 1; c < k; c++)
        for (ptrdiff_t i = 0; i < m; i++)
            largest[i] = z[c * stride + i] > largest[i] ? z[c * stride + i] : largest[i];
    if (w)
        for (ptrdiff_t i = 0; i < m; i++)
            observed[i] = z[codes[i] * stride + i] - largest[i];
    memset(sum, 0, sizeof(T) * (size_t)m);
    memset(missed, 0, sizeof(T) * (size_t)m);
    for (ptrdiff_t c = 0; c < k; c++) {
        T *restrict of = z + c * stride;
#pragma omp simd
        for (ptrdiff_t i = 0; i < m; i++) {
            of[i] = NAME(exp)(of[i] - largest[i]);
            sum[i] += of[i];
        }
        if (w)
            for (ptrdiff_t i = 0; i < m; i++)
                missed[i] += codes[i] == c ? 0 : of[i];
    }
    if (w)
#pragma omp simd reduction(+ : total)
        for (ptrdiff_t i = 0; i < m; i++) {
            /* Of a label that is nearly certain, with what 1 has rounded off. */
            T lost = observed[i] < 0 ? 0 : (missed[i] - (sum[i] - 1)) / sum[i];
            total += (double)w[i] * (observed[i] - NAME(log)(sum[i]) - lost);
        }
    for (ptrdiff_t i = 0; i < m; i++)
        sum[i] = 1 / sum[i];
    for (ptrdiff_t c = 0; c < k; c++) {
        T *restrict of = z + c * stride;
        for (ptrdiff_t i = 0; i < m; i++)
            of[i] *= sum[i];
        if (keep)
            memcpy(keep + c * stride, of, sizeof(T) * (size_t)m);
        if (w)
            for (ptrdiff_t i = 0; i < m; i++)
                of[i] *= -w[i];
    }
    if (w)
        for (ptrdiff_t i = 0; i < m; i++)
            z[codes[i] * stride + i] = w[i] * (missed[i] * sum[i]);
    return total;
}

/* All outputs of m rows; weights are by output, `stride` apart as codes are. */
static double NAME(likelihood)(const Targets *y, ptrdiff_t m, T *z, ptrdiff_t stride,
                               const int32_t *codes, const T *w, T *keep)
{
    double total = 0;
    for (ptrdiff_t o = 0; o < y->n_outputs; o++) {
        const int32_t *of_output = codes ? codes + o * stride : NULL;
        const T *weights = w ? w + o * stride : NULL;
        ptrdiff_t k = y->widths[o] ? y->widths[o] : 1;
        if (y->widths[o])
            total += NAME(categorical)(m, k, z, stride, of_output, weights, keep);
        else
            total += NAME(bernoulli)(m, z, of_output, weights, keep);
        z += k * stride;
        keep = keep ? keep + k * stride : NULL;
    }
    return total;
}

/* (n, k) with rows `lead` apart to (k, n) with rows `stride` apart. */
static inline void NAME(transpose)(ptrdiff_t n, ptrdiff_t k, const T *restrict from,
                                   ptrdiff_t lead, T *restrict to, ptrdiff_t stride)
{
    for (ptrdiff_t c = 0; c < k; c++)
        for (ptrdiff_t i = 0; i < n; i++)
            to[c * stride + i] = from[i * lead + c];
}
