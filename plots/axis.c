#include "axis.h"

#include "gnuplot.h"

#include <math.h>

double axis_step(double reach, double steps)
{
    static const double mantissas[] = {1, 2, 2.5, 5, 10};
    double wanted = reach / steps;
    double power = pow(10, floor(log10(wanted)));

    for (size_t i = 0; i < sizeof mantissas / sizeof mantissas[0]; i++)
        /* A rounding error must not cost a whole step. */
        if (mantissas[i] * power >= wanted * (1 - 1e-9))
            return mantissas[i] * power;
    return 10 * power;
}

double axis_write(FILE *script, const char *name, double step, double steps)
{
    double top = step * (steps + 0.25);
    char variable[64];

    snprintf(variable, sizeof variable, "%s_step", name);
    gnuplot_write_number(script, variable, step);
    snprintf(variable, sizeof variable, "%s_top", name);
    gnuplot_write_number(script, variable, top);
    return top;
}

double axis_write_workers(FILE *script, double top)
{
    double step = top <= 8 ? 1 : ceil(axis_step(top, 8));
    double steps = fmax(4, ceil(top / step));

    axis_write(script, "workers", step, steps);
    return steps;
}
