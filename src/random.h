/* random.h - random numbers that a seed makes: the same seed, the same numbers. Pure. */
#ifndef WINNOW_RANDOM_H
#define WINNOW_RANDOM_H

#include <stdint.h>

/* The next 64 random bits; *state is the seed to begin with, any value.
 * Source: splitmix64; Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014. */
uint64_t random_bits(uint64_t *state);

/* Uniform in [0, 1). */
double random_uniform(uint64_t *state);

/* Exponential with mean 1. */
double random_exponential(uint64_t *state);

/* The least of `count` >= 1 numbers that are uniform in [0, 1): 1 - exp(-E / count), E of random_exponential. So
 * `count` events are spread over an interval at random and in order: the next is at this part of what is left of
 * it, with as many as are still to come. */
double random_least(uint64_t *state, uint64_t count);

#endif
