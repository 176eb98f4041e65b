/* server.h - the one loop of winnow-page: signals, requests, farms. */
#ifndef WINNOW_SERVER_H
#define WINNOW_SERVER_H

#include "page_options.h"

/* Serves until SIGINT, SIGTERM or SIGHUP. 0; -ERR_INVALID or -ERR_CONFIG when it cannot begin; or
 * another error of http_open or page_farm_open. */
int server_run(struct page_options *options, struct why *why);

#endif
