#include "peers.h"

#include <math.h>

#define SECOND_NS INT64_C(1000000000)
#define NEVER_NS  (INT64_MIN / 2)

static double more(double a, double b)
{
    return a > b ? a : b;
}

static double fewer(double a, double b)
{
    return a < b ? a : b;
}

static uint32_t bound(const struct peer *peer, double workers, uint32_t least)
{
    double low = more(peer->params.min_workers, least);

    return (uint32_t)more(fewer(more(workers, low), peer->params.max_workers), 0);
}

static double queue_of(const struct simulation_view *view)
{
    return (double)view->waiting + view->busy;
}

static void remember(struct peer *peer, double value)
{
    peer->seen[peer->seen_count++ % PEER_WINDOW] = value;
}

/* Of the last `count` remembered values, or of as many as there are. */
static double mean_of_last(const struct peer *peer, size_t count)
{
    double sum = 0;

    if (count > peer->seen_count)
        count = peer->seen_count;
    for (size_t i = 1; i <= count; i++)
        sum += peer->seen[(peer->seen_count - i) % PEER_WINDOW];
    return count ? sum / (double)count : 0;
}

static double most_of_last(const struct peer *peer, size_t count)
{
    double most = 0;

    if (count > peer->seen_count)
        count = peer->seen_count;
    for (size_t i = 1; i <= count; i++)
        most = more(most, peer->seen[(peer->seen_count - i) % PEER_WINDOW]);
    return most;
}

/* ---- hpa ----
 * KEDA's RabbitMQ scaler feeding the Kubernetes HPA. The management API refreshes its numbers every 5 s, so
 * that what the HPA reads every 15 s is 2.5 s old in the mean: the queue is looked at 2.5, 7.5, 12.5 ... s after
 * the start. KEDA's own poll every 30 s comes before the HPA's turn.
 * Sources: kedacore/keda pkg/scalers/rabbitmq_scaler.go; kubernetes pkg/controller/podautoscaler
 * replica_calculator.go and horizontal.go, pkg/apis/autoscaling/v2/defaults.go. */

#define HPA_LOOK_NS      (5 * SECOND_NS)
#define HPA_TICK_NS      (15 * SECOND_NS)
#define HPA_POLL_NS      (30 * SECOND_NS)
#define HPA_COOLDOWN_NS  (300 * SECOND_NS)
#define HPA_TOLERANCE    0.1
#define HPA_DOWN_PERIODS 20 /* 300 s */

static void hpa_poll(struct peer *peer, int64_t now_ns)
{
    if (peer->stale_msgs > 0) {
        peer->active_ns = now_ns;
        if (!peer->workers)
            peer->workers = bound(peer, 0, 1);
    } else if (!peer->params.min_workers && now_ns - peer->active_ns >= HPA_COOLDOWN_NS) {
        peer->workers = 0;
    }
}

static void hpa_turn(struct peer *peer)
{
    double target = peer->params.number[0], now = peer->workers;

    if (!peer->workers) {
        peer->seen_count = 0;
        peer->added = 0;
        return;
    }
    double ratio = peer->stale_msgs / (target * now);
    double recommended = fabs(1 - ratio) <= HPA_TOLERANCE ? now : ceil(peer->stale_msgs / target);
    if (!peer->seen_count)
        remember(peer, now); /* as the HPA does when it first sees the workers */
    remember(peer, recommended);
    if (recommended < now)
        recommended = fewer(now, most_of_last(peer, HPA_DOWN_PERIODS));
    double base = now - peer->added;
    double limit = more(base + 4, 2 * base);
    uint32_t decided = bound(peer, fewer(recommended, more(limit, now)), 1);
    peer->added = decided > peer->workers ? decided - peer->workers : 0;
    peer->workers = decided;
}

static uint32_t hpa(struct peer *peer, const struct simulation *simulation, int64_t *next_ns)
{
    int64_t now_ns = simulation->now_ns;

    if (now_ns == 0) {
        peer->workers = bound(peer, 0, 0);
        peer->look_ns = HPA_LOOK_NS / 2;
        peer->active_ns = 0;
    }
    if (now_ns == peer->look_ns) {
        struct simulation_view view = simulation_view(simulation);
        peer->stale_msgs = queue_of(&view);
        peer->look_ns += HPA_LOOK_NS;
    }
    if (now_ns % HPA_POLL_NS == 0 && now_ns > 0)
        hpa_poll(peer, now_ns);
    if (now_ns % HPA_TICK_NS == 0 && now_ns > 0)
        hpa_turn(peer);
    int64_t turn_ns = (now_ns / HPA_TICK_NS + 1) * HPA_TICK_NS;
    *next_ns = turn_ns < peer->look_ns ? turn_ns : peer->look_ns;
    return peer->workers;
}

/* ---- kpa ----
 * Knative's autoscaler. It averages the queue as it is every second, and decides every two; from zero it is told
 * by the first arrival (the activator).
 * Source: knative/serving pkg/autoscaler/scaling/autoscaler.go. */

#define KPA_TICK_NS       (2 * SECOND_NS)
#define KPA_STABLE_S      60
#define KPA_PANIC_S       6
#define KPA_PANIC_FACTOR  2
#define KPA_MAX_RATE      1000
#define KPA_ZERO_GRACE_NS (30 * SECOND_NS)
#define KPA_UTILISATION   0.7

static uint32_t kpa(struct peer *peer, const struct simulation *simulation, int64_t *next_ns)
{
    struct simulation_view view = simulation_view(simulation);
    int64_t now_ns = view.now_ns;
    double target = KPA_UTILISATION * peer->params.number[0];

    if (now_ns == 0) {
        peer->workers = bound(peer, 0, 0);
        peer->panic_ns = NEVER_NS;
        peer->zero_ns = -1;
    }
    bool second = now_ns >= *next_ns;
    if (second) {
        remember(peer, queue_of(&view));
        *next_ns = now_ns + SECOND_NS;
    }
    bool awakened = !peer->workers && queue_of(&view) > 0;
    if (!awakened && (!second || now_ns % KPA_TICK_NS != 0))
        return peer->workers;

    double ready = more(peer->workers, 1);
    double low = floor(ready / 2), high = ceil(ready * KPA_MAX_RATE);
    double stable = ceil(mean_of_last(peer, KPA_STABLE_S) / target);
    double panic = ceil(mean_of_last(peer, KPA_PANIC_S) / target);
    bool over = panic / ready >= KPA_PANIC_FACTOR;
    stable = fewer(more(stable, low), high);
    panic = fewer(more(panic, low), high);
    bool panics = now_ns - peer->panic_ns <= KPA_STABLE_S * SECOND_NS;

    if (over) {
        peer->highest = panics ? peer->highest : 0;
        peer->panic_ns = now_ns;
        panics = true;
    }
    double desired = stable;
    if (panics)
        desired = peer->highest = more(peer->highest, more(stable, panic));
    if (awakened)
        desired = more(desired, 1);
    if (desired > 0) {
        peer->zero_ns = -1;
    } else {
        peer->zero_ns = peer->zero_ns < 0 ? now_ns : peer->zero_ns;
        if (now_ns - peer->zero_ns < KPA_ZERO_GRACE_NS && peer->workers)
            desired = 1;
    }
    peer->workers = bound(peer, desired, 0);
    return peer->workers;
}

/* ---- horizon ----
 * Laravel Horizon with one queue. Source: laravel/horizon src/AutoScaler.php. */

#define HORIZON_TICK_NS (3 * SECOND_NS)

static uint32_t horizon(struct peer *peer, const struct simulation *simulation, int64_t *next_ns)
{
    uint32_t least = bound(peer, 0, 1), most = peer->params.max_workers;
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

/* ---- celery ----
 * Its prefetch is four events a worker, and its pool can only lose workers that are idle.
 * Source: celery/celery celery/worker/autoscale.py. */

#define CELERY_TICK_NS      (30 * SECOND_NS)
#define CELERY_KEEPALIVE_NS (30 * SECOND_NS)

static uint32_t celery(struct peer *peer, const struct simulation *simulation, int64_t *next_ns)
{
    int64_t now_ns = simulation->now_ns;

    if (now_ns == 0) {
        peer->workers = bound(peer, 0, 0);
        peer->last_up_ns = NEVER_NS;
    }
    if (now_ns >= *next_ns)
        *next_ns = now_ns + CELERY_TICK_NS;
    double queued = (double)(simulation->arrived - simulation->started) + simulation->busy;
    double reserved = fewer(queued, peer->params.number[0] * more(peer->workers, 1));
    uint32_t wanted = bound(peer, reserved, 0);

    if (wanted > peer->workers) {
        peer->workers = wanted;
        peer->last_up_ns = now_ns;
    } else if (wanted < peer->workers && peer->last_up_ns != NEVER_NS &&
               now_ns - peer->last_up_ns > CELERY_KEEPALIVE_NS) {
        uint32_t idle = simulation_view(simulation).free, excess = peer->workers - wanted;
        peer->workers -= excess < idle ? excess : idle;
    }
    return peer->workers;
}

/* ---- target ----
 * AWS target tracking on the backlog per instance, "Scaling based on Amazon SQS". The metric does not exist
 * without instances, so there is always one. */

#define TARGET_TICK_NS     (60 * SECOND_NS)
#define TARGET_COOLDOWN_NS (300 * SECOND_NS)
#define TARGET_OUT         3
#define TARGET_IN          15
#define TARGET_IN_BELOW    0.9

static uint32_t target(struct peer *peer, const struct simulation *simulation, int64_t *next_ns)
{
    struct simulation_view view = simulation_view(simulation);
    double acceptable = peer->params.wait_s / peer->params.service_s;

    *next_ns = view.now_ns + TARGET_TICK_NS;
    if (view.now_ns == 0) {
        peer->workers = bound(peer, 0, 1);
        peer->last_up_ns = peer->last_down_ns = NEVER_NS;
        return peer->workers;
    }
    double each = (double)view.waiting / peer->workers;
    uint32_t wanted = bound(peer, ceil(peer->workers * each / acceptable), 1);
    peer->breaches_up = each > acceptable ? peer->breaches_up + 1 : 0;
    peer->breaches_down = each < TARGET_IN_BELOW * acceptable ? peer->breaches_down + 1 : 0;

    if (peer->breaches_up >= TARGET_OUT && wanted > peer->workers &&
        view.now_ns - peer->last_up_ns >= TARGET_COOLDOWN_NS) {
        peer->workers = wanted;
        peer->last_up_ns = view.now_ns;
    } else if (peer->breaches_down >= TARGET_IN && wanted < peer->workers &&
               view.now_ns - peer->last_down_ns >= TARGET_COOLDOWN_NS) {
        peer->workers = wanted;
        peer->last_down_ns = view.now_ns;
    }
    return peer->workers;
}

/* ---- phpfpm ----
 * PHP-FPM with pm = dynamic. Source: php-src sapi/fpm/fpm/fpm_process_ctl.c. */

#define PHPFPM_TICK_NS  SECOND_NS
#define PHPFPM_MAX_RATE 32

static uint32_t phpfpm(struct peer *peer, const struct simulation *simulation, int64_t *next_ns)
{
    struct simulation_view view = simulation_view(simulation);
    double least = peer->params.number[0], most = peer->params.number[1];

    *next_ns = view.now_ns + PHPFPM_TICK_NS;
    if (view.now_ns == 0) {
        peer->rate = 1;
        peer->workers = bound(peer, least + floor((most - least) / 2), 0);
        return peer->workers;
    }
    double idle = view.free + view.workers.starting;
    if (idle > most) {
        peer->rate = 1;
        peer->workers = bound(peer, peer->workers - 1.0, 0);
    } else if (idle < least && peer->workers < peer->params.max_workers) {
        peer->workers = bound(peer, peer->workers + fewer(peer->rate, least - idle), 0);
        if (peer->rate < PHPFPM_MAX_RATE)
            peer->rate *= 2;
    } else {
        peer->rate = 1;
    }
    return peer->workers;
}

/* ---- spring ----
 * Spring AMQP's SimpleMessageListenerContainer. Every consumer counts its own cycles, and a cycle without an event
 * lasts a second; here they are looked at every second. Source: SimpleMessageListenerContainer.java,
 * checkAdjust and what it calls. */

#define SPRING_TICK_NS   SECOND_NS
#define SPRING_UP_NS     (10 * SECOND_NS)
#define SPRING_DOWN_NS   (60 * SECOND_NS)
#define SPRING_CYCLES    10
#define SPRING_CYCLES_NS (SPRING_CYCLES * SECOND_NS)

static uint32_t spring(struct peer *peer, const struct simulation *simulation, int64_t *next_ns)
{
    int64_t now_ns = simulation->now_ns;
    uint32_t least = bound(peer, 0, 1);
    bool busy = false, idle = false;

    *next_ns = now_ns + SPRING_TICK_NS;
    if (now_ns == 0) {
        peer->workers = least;
        peer->last_up_ns = peer->last_down_ns = NEVER_NS;
        return peer->workers;
    }
    for (size_t i = 0; i < simulation->pool.slot_count; i++) {
        const struct simulation_worker *worker = &simulation->workers[i];
        if (simulation->pool.slots[i].state != POOL_RUNNING)
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

/* ---- fixed ---- */

static uint32_t fixed(struct peer *peer, const struct simulation *simulation, int64_t *next_ns)
{
    (void)simulation;
    *next_ns = INT64_MAX;
    return (uint32_t)fewer(peer->params.number[0], peer->params.max_workers);
}

/* ---- the list ---- */

static const struct peer_kind kinds[] = {
    {"hpa", hpa, false, {20, NAN}, "hpa[:MESSAGES]"},
    {"kpa", kpa, true, {1, NAN}, "kpa[:CONCURRENCY]"},
    {"horizon", horizon, false, {NAN, NAN}, "horizon"},
    {"celery", celery, true, {4, NAN}, "celery[:PREFETCH]"},
    {"target", target, false, {NAN, NAN}, "target"},
    {"phpfpm", phpfpm, false, {1, 3}, "phpfpm[:MIN:MAX]"},
    {"spring", spring, false, {NAN, NAN}, "spring"},
    {"fixed", fixed, false, {1, NAN}, "fixed:N"},
};

const struct peer_kind *peer_at(size_t index)
{
    return index < sizeof kinds / sizeof kinds[0] ? &kinds[index] : NULL;
}

void peer_start(struct peer *peer, const struct peer_kind *kind, const struct peer_params *params)
{
    *peer = (struct peer){.kind = kind, .params = *params};
    for (size_t i = 0; i < 2; i++)
        if (isnan(peer->params.number[i]))
            peer->params.number[i] = kind->numbers[i];
}
