/* api.h - what the page answers to each request. */
#ifndef WINNOW_API_H
#define WINNOW_API_H

#include "guard.h"
#include "http.h"
#include "page_farm.h"

#include <stddef.h>

struct api {
    const struct guard *guard;
    struct page_farm *farms;
    size_t farm_count;
};

/* For http_open. The context is a struct api. */
extern const struct http_handler api_handler;

#endif
