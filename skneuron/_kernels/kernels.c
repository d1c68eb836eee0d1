/* The loops that all time is spent in, once for each float type. */
#include "kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "team.h"

/* A function compiled for several generations of processors, of which the right one is
chosen as the program starts. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) \
    && __GNUC__ >= 12
#define HAS(level) __builtin_cpu_supports(level)
#endif
#if defined(HAS) && !defined(NO_CLONES)
#define CLONES                                                                         \
    __attribute__((noinline, target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif

/* Rows in a block, at most; and numbers of T that are computed with at the same time:
some of the second-level cache. */
#define MOST_ROWS 256
#define BLOCK_NUMBERS 32768

/* Parts in which the sums of all chunks are put together, for as many threads. */
#define JOINS 4

/* Curvatures of so many inputs are formed as rows are read; of more, or of many classes,
in tiles of so many rows at most, or strips of about so many numbers. What is summed in
groups of chunks, and put together in the end, takes no larger share of the inputs. */
#define FEW_INPUTS 128
#define MOST_TILE 320
#define STRIP 512
#define MOST_SHARE 16

/* What is done at a time in an epoch. */
enum phase { BEGIN, SHIFTS, NEURONS, ROWS, STEPS, END, THE_END };

#define MOST_TASKS(n) ((n) < 256 ? (n) : 256)
#define ROUND_UP(bytes) (((bytes) + 63) / 64 * 64)

Blas blas;

#ifdef __clang__
#define COMPILER __VERSION__ /* with its name */
#else
#define COMPILER "gcc " __VERSION__
#endif

const char *compiled_with(void)
{
#ifdef HAS
    return HAS("x86-64-v4")   ? COMPILER ", with AVX-512"
           : HAS("x86-64-v3") ? COMPILER ", with AVX2"
                              : COMPILER ", without AVX2, which this processor lacks";
#else
    return COMPILER ", for any processor of this kind";
#endif
}

#define T double
#define DOUBLE
#include "template.h"
#include "products.h"
#include "sums.h"
#include "gemm.h"
#include "curvature.h"
#include "passes.h"
#include "moments.h"
#include "elementwise.h"
#include "windows.h"
#include "epochs.h"
#undef T
#undef DOUBLE
#undef JOIN
#undef JOIN_
#undef NAME
#undef SHIFTER
#undef MANTISSA
#undef LEAST_EXPONENT
#undef LN2_HIGH
#undef LN2_LOW
#undef GEMM
#undef SYRK
#undef SQRT

#define T float
#include "template.h"
#include "products.h"
#include "sums.h"
#include "gemm.h"
#include "curvature.h"
#include "passes.h"
#include "moments.h"
#include "elementwise.h"
#include "windows.h"
#include "epochs.h"
