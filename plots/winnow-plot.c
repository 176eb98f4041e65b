/* winnow-plot: draws pictures of a run of the autoscaler from its history file, of the simulator's
 * scores, of words that change while a load runs, and of a farm over several hosts. */
#include "caption.h"
#include "descriptors.h"
#include "error.h"
#include "gnuplot.h"
#include "history_run.h"
#include "hosts_chart.h"
#include "options.h"
#include "output.h"
#include "policy_chart.h"
#include "relation_chart.h"
#include "scaling_chart.h"
#include "scripts.h"
#include "words_chart.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define PROGRAM     "winnow-plot"
#define MAX_OUTPUTS 16

enum chart { CHART_SCALING, CHART_RELATION, CHART_POLICIES, CHART_WORDS, CHART_HOSTS };

static const struct kind {
    const char *name;
    enum chart chart;
    const char *script;
    const char *outputs[2]; /* when none is asked for */
} kinds[] = {
    {"scaling", CHART_SCALING, scripts_scaling, {"scaling.png", "scaling.svg"}},
    {"relation", CHART_RELATION, scripts_relation, {"relation.png", "relation.svg"}},
    {"policies", CHART_POLICIES, scripts_policies, {"policies.png", "policies.svg"}},
    {"words", CHART_WORDS, scripts_words, {"words.png", "words.svg"}},
    {"hosts", CHART_HOSTS, scripts_hosts, {"hosts.png", "hosts.svg"}},
};

#define KIND_COUNT (sizeof kinds / sizeof kinds[0])

struct settings {
    const struct kind *kind;
    const char *input; /* the history, the scores, the events or the recording */
    const char *marks; /* NULL: none */
    const char *outputs[MAX_OUTPUTS];
    size_t output_count;
    uint64_t run;
    const char *title;
};

enum { KEY_RUN = OPTIONS_KEY_OWN, KEY_TITLE, KEY_MARKS };

static const struct argp_option option_table[] = {
    {"marks", KEY_MARKS, "FILE.csv", 0,
     "hosts: what happened when, to be marked: the columns timestamp and text", 1},
    {"output", 'o', "FILE", 0,
     "Picture to write, *.png or *.svg; give it again for more (default: KIND.png and KIND.svg)",
     1},
    {"run", KEY_RUN, "N", 0, "Run to draw, as numbered in the file (default: the last)", 1},
    {"title", KEY_TITLE, "TEXT", 0, "Title instead of the farm and its policy", 1},
    {0}};

/* "png" or "svg", or NULL when the path ends otherwise. */
static const char *format_of(const char *path)
{
    static const char *const formats[] = {"png", "svg"};
    const char *dot = strrchr(path, '.');

    for (size_t i = 0; dot && dot != path && dot[-1] != '/' && i < 2; i++)
        if (strcmp(dot + 1, formats[i]) == 0)
            return formats[i];
    return NULL;
}

static void refuse(const char *what, const char *text, const char *expected)
    __attribute__((noreturn));

static void refuse(const char *what, const char *text, const char *expected)
{
    fprintf(stderr, "%s: %s'%s' %s\n", PROGRAM, what, text, expected);
    exit(EX_USAGE);
}

static void take_argument(struct settings *settings, const char *argument)
{
    for (size_t i = 0; !settings->kind && i < KIND_COUNT; i++) {
        if (strcmp(argument, kinds[i].name) == 0) {
            settings->kind = &kinds[i];
            return;
        }
    }
    if (!settings->kind)
        refuse("", argument,
               "is not a kind of picture; expected scaling, relation, policies, words or hosts");
    if (settings->input)
        refuse("unexpected argument ", argument, "; expected one history file");
    settings->input = argument;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct settings *settings = state->input;

    switch (key) {
    case 'o':
        if (!format_of(argument))
            refuse("--output: ", argument,
                   "is no kind of picture; expected a name ending in .png or .svg");
        if (settings->output_count == MAX_OUTPUTS)
            refuse("--output: ", argument, "is one too many; expected at most 16");
        settings->outputs[settings->output_count++] = argument;
        return 0;
    case KEY_RUN:
        settings->run = options_count(state, "--run", argument, 0, HISTORY_READER_LAST_RUN - 1);
        return 0;
    case KEY_MARKS:
        settings->marks = argument;
        return 0;
    case KEY_TITLE:
        settings->title = argument;
        return 0;
    case ARGP_KEY_ARG:
        take_argument(settings, argument);
        return 0;
    case ARGP_KEY_END:
        if (!settings->input) {
            fprintf(stderr,
                    "%s: %s is missing; expected scaling|relation HISTORY.csv, policies "
                    "SCORES.csv, words EVENTS.csv, or hosts STATUSES.jsonl\n",
                    PROGRAM, settings->kind ? "the history file" : "the kind of picture");
            exit(EX_USAGE);
        }
        if (settings->marks && settings->kind->chart != CHART_HOSTS)
            refuse("--marks: ", settings->kind->name, "has none; expected hosts --marks FILE.csv");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char doc[] =
    "Draws a run of the autoscaler from the file it wrote with --history: `scaling` is the number "
    "of workers, the arrival rate and the backlog over time, `relation` the number of workers "
    "against the arrival rate; `policies` compares the scores that winnow-simulate wrote; `words` "
    "is how many results were censored a second while words were added and removed; `hosts` is "
    "the workers of each host of a farm over several, from what `winnow-ctl status --watch --json` "
    "printed.\v"
    "What is unknown in the file is a gap in the picture. Needs gnuplot.\n\n"
    "Exit codes: 0 drawn, 64 usage, 69 gnuplot is not installed, 78 a file is not as it must be.";

static const struct argp argp = {
    option_table,
    parse_option,
    "scaling|relation HISTORY.csv\npolicies SCORES.csv\nwords EVENTS.csv\nhosts STATUSES.jsonl",
    doc,
    NULL,
    NULL,
    NULL};

static int write_chart(FILE *script, const struct settings *settings, const struct history_run *run,
                       struct why *why)
{
    if (settings->kind->chart == CHART_POLICIES)
        return policy_chart_write(script, settings->input, settings->title, why);
    if (settings->kind->chart == CHART_WORDS)
        return words_chart_write(script, settings->input, settings->title, why);
    if (settings->kind->chart == CHART_HOSTS)
        return hosts_chart_write(script, settings->input, settings->marks, settings->title, why);
    int error = caption_write(script, run, settings->title, why);
    if (!error && settings->kind->chart == CHART_SCALING)
        scaling_chart_write(script, run);
    else if (!error)
        error = relation_chart_write(script, run, why);
    if (error)
        error_prefix(why, "%s", settings->input);
    return error;
}

static int draw(const struct settings *settings, const struct history_run *run, const char *path,
                struct why *why)
{
    FILE *picture = NULL;
    FILE *script = gnuplot_scratch(why);
    if (!script)
        return -ERR_SYSTEM;

    gnuplot_write_text(script, "format", format_of(path));
    int error = write_chart(script, settings, run, why);
    if (!error) {
        fputs(scripts_style, script);
        fputs(settings->kind->script, script);
        if (fflush(script) || ferror(script))
            error =
                error_set(why, ERR_SYSTEM, "cannot write a temporary file: %s", strerror(errno));
    }
    if (!error)
        error = gnuplot_run(script, &picture, why);
    if (!error)
        error = output_write(path, picture, why);
    if (picture)
        fclose(picture);
    fclose(script);
    return error;
}

int main(int argc, char **argv)
{
    struct settings settings = {.run = HISTORY_READER_LAST_RUN};

    descriptors_open(DESCRIPTORS_FAILING);
    options_parse_local(PROGRAM, &argp, argc, argv, &settings);
    if (!settings.output_count)
        for (; settings.output_count < 2; settings.output_count++)
            settings.outputs[settings.output_count] = settings.kind->outputs[settings.output_count];

    struct why why = {0};
    struct history_run run = {0};
    int error = 0;
    if (settings.kind->chart == CHART_SCALING || settings.kind->chart == CHART_RELATION)
        error = history_run_read(settings.input, settings.run, &run, &why);
    if (error == -ERR_INVALID)
        error_prefix(&why, "--run");
    for (size_t i = 0; !error && i < settings.output_count; i++) {
        error = draw(&settings, &run, settings.outputs[i], &why);
        if (!error && (printf("%s\n", settings.outputs[i]) < 0 || fflush(stdout)))
            error = error_set(&why, ERR_SYSTEM, "cannot write to standard output");
    }
    history_run_clear(&run);
    return error ? options_fail(PROGRAM, error, &why) : EX_OK;
}
