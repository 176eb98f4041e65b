/* api.h - what the page answers to each request. */
#ifndef WINNOW_API_H
#define WINNOW_API_H

#include "guard.h"
#include "http.h"
#include "metrics.h"
#include "page_farm.h"

#include <stddef.h>

struct api {
    const struct guard *guard;
    struct page_farm *farms;
    size_t farm_count;
    struct metrics_text metrics; /* of the last scrape */
};

/* For http_open. The context is a struct api. */
extern const struct http_handler api_handler;

#endif
