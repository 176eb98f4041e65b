/* page_options.h - the command line of winnow-page. */
#ifndef WINNOW_PAGE_OPTIONS_H
#define WINNOW_PAGE_OPTIONS_H

#include "guard.h"
#include "listen.h"
#include "options.h"

#define PAGE_OPTIONS_PROGRAM "winnow-page"

struct page_options {
    struct options common; /* with at least one farm */
    struct listen_place listen;
    const char *read_token_file, *control_token_file; /* NULL: none */
    struct guard guard;                               /* its hosts; the tokens are read later */
};

/* Ends the program where options cannot be used. */
void page_options_parse(struct page_options *options, int argc, char **argv);

#endif
