/* respond.h - answers to requests, as JSON or as a problem. */
#ifndef WINNOW_RESPOND_H
#define WINNOW_RESPOND_H

#include "http.h"
#include "problem.h"
#include "shared_text.h"

/* Takes the text over; NULL is answered as what it is, out of memory. */
void respond_json(struct http_request *request, unsigned status, struct shared_text *text);
void respond_text(struct http_request *request, const char *type, struct shared_text *text);

void respond_problem(struct http_request *request, const struct problem *problem);

/* allow: the methods that there are */
void respond_method(struct http_request *request, const char *allow);

#endif
