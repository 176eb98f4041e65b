/* winnow-page: farms in a browser, for scripts and for Prometheus. */
#include "descriptors.h"
#include "error.h"
#include "options.h"
#include "page_options.h"
#include "server.h"

#include <sysexits.h>

int main(int argc, char **argv)
{
    struct page_options options;
    struct why why = {0};

    descriptors_open(DESCRIPTORS_SILENT);
    page_options_parse(&options, argc, argv);
    int error = server_run(&options, &why);
    return error ? options_fail(PAGE_OPTIONS_PROGRAM, error, &why) : EX_OK;
}
