/* number.h - numbers in files: they look the same whatever language the user speaks. */
#ifndef WINNOW_NUMBER_H
#define WINNOW_NUMBER_H

#include <stddef.h>

/* What number_parse accepts, for messages. */
#define NUMBER_FORM "one like 1000 or 0.5 or 1e6"

/* [+-]digits[.digits][e[+-]digits] and nothing around it -> a finite number; the decimal point is a
 * point in every locale. Written only on success. 0 or -ERR_INVALID. */
int number_parse(const char *text, double *number);

/* %.17g, which reads back to the same double; an empty text when it is not finite. Returns its
 * length. */
#define NUMBER_TEXT_SIZE 32
size_t number_format(double number, char text[NUMBER_TEXT_SIZE]);

#endif
