#include "refusal.h"

bool refusal_begin(struct refusal *refusal, int64_t now_ns)
{
    bool is_new = !refusal->stands;

    refusal->stands = true;
    refusal->pause_ns = refusal->pause_ns ? 2 * refusal->pause_ns : REFUSAL_FIRST_NS;
    if (refusal->pause_ns > REFUSAL_LONGEST_NS)
        refusal->pause_ns = REFUSAL_LONGEST_NS;
    refusal->retry_ns = now_ns + refusal->pause_ns;
    return is_new;
}

bool refusal_end(struct refusal *refusal)
{
    bool stood = refusal->stands;

    refusal->stands = false;
    refusal->pause_ns = 0;
    return stood;
}
