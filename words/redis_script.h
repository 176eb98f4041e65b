/* redis_script.h - the Lua script, built in, by which Redis does what is done to a store. */
#ifndef WINNOW_REDIS_SCRIPT_H
#define WINNOW_REDIS_SCRIPT_H

/* Ends with a NUL. */
extern const char redis_script[];

#endif
