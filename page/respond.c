#include "respond.h"

#include "render.h"

#include <stdio.h>

#define JSON "application/json"

void respond_json(struct http_request *request, unsigned status, struct shared_text *text)
{
    const struct problem problem = {.kind = PROBLEM_MEMORY, .detail = "out of memory"};

    if (text)
        http_answer(request, &(struct http_answer){.status = status, .type = JSON, .text = text});
    else
        respond_problem(request, &problem);
}

void respond_text(struct http_request *request, const char *type, struct shared_text *text)
{
    http_answer(request, &(struct http_answer){.status = 200, .type = type, .text = text});
}

static struct http_answer answer_of(const struct problem *problem)
{
    return (struct http_answer){.status = problem_status(problem->kind),
                                .type = PROBLEM_TYPE,
                                .text = render_problem(problem)};
}

void respond_problem(struct http_request *request, const struct problem *problem)
{
    const struct http_answer answer = answer_of(problem);

    http_answer(request, &answer);
}

void respond_method(struct http_request *request, const char *allow)
{
    struct problem problem;

    problem_set(&problem, PROBLEM_METHOD, "expected %s", allow);
    struct http_answer answer = answer_of(&problem);
    snprintf(answer.allow, sizeof answer.allow, "%s", allow);
    http_answer(request, &answer);
}
