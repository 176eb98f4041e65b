/* echo_lines - writes each line that it reads, at once: the least that a program with --keep
 * does. */
#include <stdio.h>

int main(void)
{
    char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, stdin) > 0)
        if (fputs(line, stdout) < 0 || fflush(stdout))
            return 1;
    return 0;
}
