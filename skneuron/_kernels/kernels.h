/* What the kernels take: rows of examples, what is likely of them, sums to form.

Everything comes from Python, which has checked shapes and types. Two float types, T, of
which each kernel is compiled once: that of the features.
*/
#ifndef SKNEURON_KERNELS_H
#define SKNEURON_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* The types of numbers that are read as they are, by kind and size. */
enum number {
    INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64, FLOAT32, FLOAT64
};

/* BLAS: by columns, as Fortran has it. */
typedef void (*gemm_float)(char *, char *, int *, int *, int *, float *, float *, int *,
                           float *, int *, float *, float *, int *);
typedef void (*gemm_double)(char *, char *, int *, int *, int *, double *, double *,
                            int *, double *, int *, double *, double *, int *);
typedef void (*syrk_float)(char *, char *, int *, int *, float *, float *, int *,
                           float *, float *, int *);
typedef void (*syrk_double)(char *, char *, int *, int *, double *, double *, int *,
                            double *, double *, int *);
typedef void (*potrf_double)(char *, int *, double *, int *, int *);
typedef void (*potrs_double)(char *, int *, int *, double *, int *, double *, int *,
                             int *);
typedef struct {
    gemm_float sgemm;
    gemm_double dgemm;
    syrk_float ssyrk;
    syrk_double dsyrk;
    potrf_double dpotrf; /* LAPACK's */
    potrs_double dpotrs;
} Blas;
extern Blas blas;

/* The compiler, and which instructions are used on this processor. */
const char *compiled_with(void);

/* Features: an array of any strides, or a CSR matrix of T. */
typedef struct {
    const void *data;
    int type;
    ptrdiff_t n_rows, n_columns;
    ptrdiff_t row, column; /* strides, in bytes */
    const void *indptr, *indices; /* CSR; NULL: an array */
    int wide;                     /* whether the indices are of 64 bits */
    const void *mean, *inverse;   /* T: read as (x - mean) inverse; NULL: as it is */
} Features;

/* Labels and weights, and what is likely of them. */
typedef struct {
    const void *codes; /* (n_rows, n_outputs) */
    int code_type;
    const void *weights; /* (n_rows,) or (n_rows, n_outputs); NULL: all 1 */
    int weight_type, weights_by_output;
    ptrdiff_t n_outputs;
    const int *widths; /* of each output: 0 for Bernoulli, or how many classes */
    ptrdiff_t n_logits;
} Targets;

/* A pass over rows: sums of what each gives, for one or many parameter vectors. */
typedef struct {
    Features X;
    Targets y;
    ptrdiff_t n_members;
    int intercept;
    const void *theta;       /* T, (n_members, n_inputs, n_logits); of sparse
                                features (n_inputs, n_members, n_logits) */
    const ptrdiff_t *chunks; /* (n_chunks, 2): runs of rows, in so many sums */
    int n_chunks, n_partial, n_threads;
    int gradients, curvature;
    double *sums; /* log-likelihoods, (n_members,); gradients, as theta is; curvature,
                     (n_pairs, n_inputs, n_inputs) */
} Pass;

int pass_float(const Pass *pass);
int pass_double(const Pass *pass);

/* Newton's steps on the objective of one parameter vector. */
typedef struct {
    Pass pass; /* with the curvature, of the last place; theta is not read */
    ptrdiff_t n_inputs, n_parameters;
    const double *shrunk; /* like theta: the penalty's curvature; NULL: none */
    double divisor;       /* of sums and penalty */
    double least, clear;  /* a step's promised gain, and a factor's pivots beside the */
                          /* diagonal: no step of less */
    double enough, flat;  /* shares of the promise that a step gains, and leaves */
    double stride;        /* the longest step, in sizes of theta + 1 */
    int most;             /* steps */
    double *thetas;       /* (most + 1, n_parameters): the start; out, what follows */
    double *figures;      /* out, (most + 1, 2): log-likelihoods and values */
} Newton;

/* How many steps were taken; -1: no memory. */
int newton(const Newton *newton);

/* Of X, weights and chunks alone: sums of w x and of w x^2, (2, n_columns). */
int moments_float(const Pass *pass);
int moments_double(const Pass *pass);

/* Of logits, (n_rows, n_logits), what is asked for in their place. */
enum wanted { LOG_LIKELIHOOD, Y_HAT, RESIDUAL };
typedef struct {
    Targets y;
    ptrdiff_t n_rows;
    void *z; /* T */
    int wanted, n_threads;
    double log_likelihood;
} Outcome;

int outcome_float(Outcome *outcome);
int outcome_double(Outcome *outcome);

enum activation { IDENTITY, LOGISTIC, TANH, RELU };
/* z = g(z); or z *= the slope of g at the values a, if any. */
int activate_float(int activation, ptrdiff_t n, float *z, const float *a, int n_threads);
int activate_double(int activation, ptrdiff_t n, double *z, const double *a, int n_threads);

/* Mini-batches: a step of theta for each. */
/* ... or none, but the sum of their gradients, or nothing but their log-likelihood. */
enum rule { GRADIENT, MOMENTUM, ADAM, SUM, NOTHING };
typedef struct {
    Features X;
    Targets y;
    const ptrdiff_t *order;  /* the rows, in codes and weights; and in X. NULL: as they */
    const ptrdiff_t *places; /* lie, from `first` */
    ptrdiff_t first, n_rows, batch;
    ptrdiff_t n_layers;
    const ptrdiff_t *sizes; /* (n_layers + 1,) */
    const ptrdiff_t *windows; /* (n_layers, 6): height, width and channels of a picture,
                                 of a window height and width (0: the layer is dense),
                                 and of pooled squares the side. NULL: all are dense */
    int intercept, activation;
    void *theta;         /* T, as Network has it */
    ptrdiff_t n_parameters;
    int rule;
    void *first_moment, *second_moment; /* T, like theta */
    double *sum;                        /* like theta */
    double momentum, beta_1, beta_2, eps;
    int64_t t;           /* steps before */
    const double *rates; /* of each batch */
    const void *shrunk;  /* T, like theta: the penalty's share; NULL: none */
    double l2, l2_by_row;   /* strength in every batch: l2 + l2_by_row n */
    double divisor, divisor_by_row; /* of a batch's sums, likewise */
    int n_threads;
    double log_likelihood;
} Epoch;

int epoch_float(Epoch *epoch);
int epoch_double(Epoch *epoch);

#endif
