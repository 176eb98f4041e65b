/* axis.h - the axes of a chart, with steps in numbers that people count in. */
#ifndef WINNOW_AXIS_H
#define WINNOW_AXIS_H

#include <stdio.h>

/* The smallest of 1, 2, 2.5 and 5 times a power of ten with which `steps` steps reach as far as
 * `reach`. Both are more than 0. */
double axis_step(double reach, double steps);

/* Writes the variables NAME_step and NAME_top. The axis starts at 0 and ends a little above the
 * last line of the grid, so that what lies on that line is seen. Returns where it ends. */
double axis_write(FILE *script, const char *name, double step, double steps);

/* Writes the axis `workers`, in whole steps, up to `top` or more. Returns how many steps it has. */
double axis_write_workers(FILE *script, double top);

#endif
