/* page_farm.h - all that the page has of one farm. */
#ifndef WINNOW_PAGE_FARM_H
#define WINNOW_PAGE_FARM_H

#include "audience.h"
#include "commands.h"
#include "live.h"
#include "options.h"
#include "posts.h"

#include <poll.h>
#include <stdint.h>

struct page_farm {
    struct options options; /* the common ones, for this farm */
    struct live live;
    struct audience audience;
    struct commands commands;
    struct posts *confirmed, *answered; /* events of which a confirm, or a result is waited for */
};

/* The farm must stay where it is. 0 (release with page_farm_close); -ERR_INVALID when no farm can
 * be called that; or an error of live_open or posts_open. */
int page_farm_open(struct page_farm *farm, const struct options *options, const char *name,
                   struct why *why);
void page_farm_close(struct page_farm *farm);

/* Does what is due. */
void page_farm_step(struct page_farm *farm);
int64_t page_farm_due_ns(const struct page_farm *farm);

#define PAGE_FARM_FDS 3
void page_farm_poll(const struct page_farm *farm, struct pollfd fds[PAGE_FARM_FDS]);

/* The request is gone. */
void page_farm_forget(struct page_farm *farm, const struct http_request *request);

#endif
