#include "peers_pool.h"

#include <math.h>

/* horizon: Laravel Horizon with one queue. Source: laravel/horizon src/AutoScaler.php. */

#define HORIZON_TICK_NS (3 * PEER_SECOND_NS)

uint32_t peers_pool_horizon(struct peer *peer, const struct simulation *simulation,
                            int64_t *next_ns)
{
    uint32_t least = peer_bound(peer, 0, 1), most = peer->params.max_workers;
    struct simulation_view view = simulation_view(simulation);

    if (view.now_ns == 0)
        peer->workers = least;
    else if (view.waiting > 0)
        peer->workers += peer->workers < most;
    else
        peer->workers -= peer->workers > least;
    *next_ns = view.now_ns + HORIZON_TICK_NS;
    return peer->workers;
}

/* celery: Celery's autoscaler. A worker prefetches four events, and the pool loses idle workers
 * only. Source: celery/celery celery/worker/autoscale.py. */

#define CELERY_TICK_NS      (30 * PEER_SECOND_NS)
#define CELERY_KEEPALIVE_NS (30 * PEER_SECOND_NS)

uint32_t peers_pool_celery(struct peer *peer, const struct simulation *simulation, int64_t *next_ns)
{
    int64_t now_ns = simulation->now_ns;

    if (now_ns == 0) {
        peer->workers = peer_bound(peer, 0, 0);
        peer->last_up_ns = PEER_NEVER_NS;
    }
    if (now_ns >= *next_ns)
        *next_ns = now_ns + CELERY_TICK_NS;
    double queued = (double)(simulation->arrived - simulation->started) + simulation->busy;
    double reserved = peer_fewer(queued, peer->params.number[0] * peer_more(peer->workers, 1));
    uint32_t wanted = peer_bound(peer, reserved, 0);

    if (wanted > peer->workers) {
        peer->workers = wanted;
        peer->last_up_ns = now_ns;
    } else if (wanted < peer->workers && peer->last_up_ns != PEER_NEVER_NS &&
               now_ns - peer->last_up_ns > CELERY_KEEPALIVE_NS) {
        uint32_t idle = simulation_view(simulation).free, excess = peer->workers - wanted;
        peer->workers -= excess < idle ? excess : idle;
    }
    return peer->workers;
}

/* phpfpm: PHP-FPM with pm = dynamic. Source: php-src sapi/fpm/fpm/fpm_process_ctl.c. */

#define PHPFPM_TICK_NS  PEER_SECOND_NS
#define PHPFPM_MAX_RATE 32

uint32_t peers_pool_phpfpm(struct peer *peer, const struct simulation *simulation, int64_t *next_ns)
{
    struct simulation_view view = simulation_view(simulation);
    double least = peer->params.number[0], most = peer->params.number[1];

    *next_ns = view.now_ns + PHPFPM_TICK_NS;
    if (view.now_ns == 0) {
        peer->rate = 1;
        peer->workers = peer_bound(peer, least + floor((most - least) / 2), 0);
        return peer->workers;
    }
    double idle = view.free + view.workers.starting;
    if (idle > most) {
        peer->rate = 1;
        peer->workers = peer_bound(peer, peer->workers - 1.0, 0);
    } else if (idle < least && peer->workers < peer->params.max_workers) {
        peer->workers = peer_bound(peer, peer->workers + peer_fewer(peer->rate, least - idle), 0);
        if (peer->rate < PHPFPM_MAX_RATE)
            peer->rate *= 2;
    } else {
        peer->rate = 1;
    }
    return peer->workers;
}

/* spring: Spring AMQP's SimpleMessageListenerContainer. Every consumer counts its own cycles, and a
 * cycle without an event lasts a second; here they are counted every second. Source:
 * SimpleMessageListenerContainer.java, checkAdjust and what it calls. */

#define SPRING_TICK_NS   PEER_SECOND_NS
#define SPRING_UP_NS     (10 * PEER_SECOND_NS)
#define SPRING_DOWN_NS   (60 * PEER_SECOND_NS)
#define SPRING_CYCLES    10
#define SPRING_CYCLES_NS (SPRING_CYCLES * PEER_SECOND_NS)

uint32_t peers_pool_spring(struct peer *peer, const struct simulation *simulation, int64_t *next_ns)
{
    int64_t now_ns = simulation->now_ns;
    uint32_t least = peer_bound(peer, 0, 1);
    bool busy = false, idle = false;

    *next_ns = now_ns + SPRING_TICK_NS;
    if (now_ns == 0) {
        peer->workers = least;
        peer->last_up_ns = peer->last_down_ns = PEER_NEVER_NS;
        return peer->workers;
    }
    for (size_t i = 0; i < simulation->pool.slot_count; i++) {
        const struct simulation_worker *worker = &simulation->workers[i];
        if (simulation->pool.slots[i].state != WORKER_RUNNING)
            continue;
        bool rests = !worker->busy && now_ns - worker->since_ns >= SIMULATION_IDLE_NS;
        busy |= !rests && worker->streak >= SPRING_CYCLES;
        idle |= !worker->busy && now_ns - worker->since_ns >= SPRING_CYCLES_NS;
    }
    if (busy && peer->workers < peer->params.max_workers &&
        now_ns - peer->last_up_ns > SPRING_UP_NS) {
        peer->workers++;
        peer->last_up_ns = now_ns;
    } else if (idle && peer->workers > least && now_ns - peer->last_down_ns > SPRING_DOWN_NS) {
        peer->workers--;
        peer->last_down_ns = now_ns;
    }
    return peer->workers;
}

uint32_t peers_pool_fixed(struct peer *peer, const struct simulation *simulation, int64_t *next_ns)
{
    (void)simulation;
    *next_ns = INT64_MAX;
    return (uint32_t)peer_fewer(peer->params.number[0], peer->params.max_workers);
}
