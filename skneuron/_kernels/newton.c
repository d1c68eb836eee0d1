/* Newton's method on few rows, where the calls of a step would take longer than its sums:
whole steps, one after the other, while each is as good as the caller asks. */
#include "kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    double *gradient, *direction, *diagonal, *part, *matrix;
} Room;

static double dot(ptrdiff_t n, const double *a, const double *b)
{
    double total = 0;
    for (ptrdiff_t j = 0; j < n; j++)
        total += a[j] * b[j];
    return total;
}

/* The sums at a place, its figures, and the gradient of its value. */
static int evaluate(const Newton *of, const double *theta, double *figures,
                    double *gradient)
{
    Pass pass = of->pass;
    pass.theta = theta;
    if (pass_double(&pass))
        return -1;
    double penalty = 0;
    for (ptrdiff_t j = 0; j < of->n_parameters; j++) {
        double pull = of->shrunk ? of->shrunk[j] * theta[j] : 0;
        penalty += 0.5 * pull * theta[j];
        gradient[j] = (pass.sums[1 + j] - pull) / of->divisor;
    }
    figures[0] = pass.sums[0];
    figures[1] = (pass.sums[0] - penalty) / of->divisor;
    return 0;
}

/* The lower triangle, by columns, of the curvature of k logits, the first of them
`first`, undivided; `squares` are those of their pairs. */
static void assemble(const Newton *of, ptrdiff_t k, ptrdiff_t first,
                     const double *squares, double *matrix)
{
    ptrdiff_t n = of->n_inputs, size = k * n, width = of->pass.y.n_logits;
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t j = 0; j <= i; j++) {
            /* Definite along the shift of all logits, which softmax cannot see. */
            double shift = 0;
            for (ptrdiff_t a = 0, p = 0; a < k && k > 1; p += k - a++)
                shift += squares[(p * n + i) * n + j] / (double)(k * k);
            for (ptrdiff_t a = 0, p = 0; a < k; a++)
                for (ptrdiff_t c = a; c < k; c++, p++) {
                    double number = squares[(p * n + i) * n + j] + shift;
                    matrix[(j * k + a) * size + i * k + c] = number;
                    matrix[(j * k + c) * size + i * k + a] = number;
                }
        }
    for (ptrdiff_t i = 0; i < n && of->shrunk; i++)
        for (ptrdiff_t a = 0; a < k; a++)
            matrix[(i * k + a) * (size + 1)] += of->shrunk[i * width + first + a];
}

/* curvature^-1 gradient, block by block; 0 where a block is not clearly regular. */
static int solve(const Newton *of, const Room *room)
{
    const Targets *y = &of->pass.y;
    ptrdiff_t n = of->n_inputs, width = y->n_logits, first = 0;
    const double *squares = of->pass.sums + 1 + of->n_parameters;
    for (ptrdiff_t o = 0; o < y->n_outputs; o++) {
        ptrdiff_t k = y->widths[o] ? y->widths[o] : 1;
        int size = (int)(k * n), one = 1, fails = 0;
        assemble(of, k, first, squares, room->matrix);
        for (int r = 0; r < size; r++) {
            room->diagonal[r] = room->matrix[r * (size + 1)];
            room->part[r] = of->divisor * room->gradient[r / k * width + first + r % k];
        }
        blas.dpotrf("L", &size, room->matrix, &size, &fails);
        for (int r = 0; r < size && !fails; r++) {
            double pivot = room->matrix[r * (size + 1)];
            fails = !(pivot * pivot > of->clear * room->diagonal[r]);
        }
        if (fails)
            return 0;
        blas.dpotrs("L", &size, &one, room->matrix, &size, room->part, &size, &fails);
        for (int r = 0; r < size; r++)
            room->direction[r / k * width + first + r % k] = room->part[r];
        first += k;
        squares += k * (k + 1) / 2 * n * n;
    }
    return 1;
}

/* From thetas[0], up to `most` steps, with the sums at the last place; -1 without
memory, or how many were taken. */
static int climb(const Newton *of, const Room *room)
{
    ptrdiff_t n = of->n_parameters;
    double *theta = of->thetas, *figures = of->figures, *along = room->direction;
    if (evaluate(of, theta, figures, room->gradient))
        return -1;
    for (int step = 0; step < of->most; step++, theta += n, figures += 2) {
        double gain = solve(of, room) ? dot(n, along, room->gradient) : 0;
        if (!(gain > of->least))
            return step;
        double span = sqrt(dot(n, along, along)), size = sqrt(dot(n, theta, theta));
        double length = fmin(1, of->stride * (1 + size) / span);
        for (ptrdiff_t j = 0; j < n; j++)
            theta[n + j] = theta[j] + length * along[j];
        if (evaluate(of, theta + n, figures + 2, room->gradient))
            return -1;
        int climbs = figures[3] - figures[1] >= of->enough * length * gain;
        if (!climbs || !(dot(n, along, room->gradient) <= of->flat * gain))
            return evaluate(of, theta, figures, room->gradient) ? -1 : step;
    }
    return of->most;
}

int newton(const Newton *of)
{
    const Targets *y = &of->pass.y;
    ptrdiff_t n = of->n_parameters, k = 1;
    for (ptrdiff_t o = 0; o < y->n_outputs; o++)
        k = y->widths[o] > k ? y->widths[o] : k;
    k *= of->n_inputs;
    double *at = malloc(sizeof(double) * (size_t)(2 * n + (k + 2) * k));
    if (!at)
        return -1;
    Room room = {at, at + n, at + 2 * n, at + 2 * n + k, at + 2 * n + 2 * k};
    int n_steps = climb(of, &room);
    free(at);
    return n_steps;
}
