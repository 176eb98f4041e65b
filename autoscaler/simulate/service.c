#include "service.h"

#include "random.h"

int64_t service_next(struct service *service)
{
    double ns = service->mean_ns;

    if (service->kind == SERVICE_SAMPLE)
        return service
            ->times_ns[(size_t)(random_uniform(&service->random) * (double)service->count)];
    if (service->kind == SERVICE_EXPONENTIAL)
        ns *= random_exponential(&service->random);
    return ns < SERVICE_MAX_NS ? (int64_t)(ns + 0.5) : SERVICE_MAX_NS;
}
