/* random.h - random numbers from a seed: the same seed gives the same numbers. Pure. */
#ifndef WINNOW_RANDOM_H
#define WINNOW_RANDOM_H

#include <stdint.h>

/* The next 64 random bits. *state is the seed at first, any value.
 * Source: splitmix64; Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014. */
uint64_t random_bits(uint64_t *state);

/* Uniform in [0, 1). */
double random_uniform(uint64_t *state);

/* Exponential with mean 1. */
double random_exponential(uint64_t *state);

/* The least of `count` >= 1 numbers that are uniform in [0, 1): 1 - exp(-E / count), with E of
 * random_exponential. It spreads events over an interval at random and in their order: the next
 * event comes after this part of what is left of the interval, count being how many are still to
 * come. */
double random_least(uint64_t *state, uint64_t count);

#endif
