#include "peak.h"

#include <string.h>

static void drop(struct peak *peak, uint32_t place)
{
    peak->count--;
    memmove(&peak->kept[place], &peak->kept[place + 1],
            (peak->count - place) * sizeof peak->kept[0]);
}

/* Of all neighbours those become one of which the sum of what is kept too long grows least. */
static void merge(struct peak *peak)
{
    uint32_t best = 0;
    double least = 0;

    for (uint32_t i = 0; i + 1 < peak->count; i++) {
        double excess = (peak->kept[i].number - peak->kept[i + 1].number) *
                        (peak->kept[i + 1].at_s - peak->kept[i].at_s);
        if (i == 0 || excess < least) {
            least = excess;
            best = i;
        }
    }
    peak->kept[best + 1].number = peak->kept[best].number;
    drop(peak, best);
}

void peak_add(struct peak *peak, double number, double now_s, double window_s)
{
    while (peak->count && (peak->kept[0].at_s < now_s - window_s || peak->kept[0].at_s > now_s))
        drop(peak, 0);
    while (peak->count && peak->kept[peak->count - 1].number <= number)
        peak->count--;
    if (peak->count == PEAK_MOST)
        merge(peak);
    peak->kept[peak->count].number = number;
    peak->kept[peak->count].at_s = now_s;
    peak->count++;
}

double peak_greatest(const struct peak *peak)
{
    return peak->count ? peak->kept[0].number : 0;
}
