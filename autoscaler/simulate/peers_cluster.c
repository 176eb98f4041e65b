#include "peers_cluster.h"

#include <math.h>

/* hpa: KEDA's RabbitMQ scaler, which feeds the HPA of Kubernetes. The management API refreshes its
 * numbers every 5 s, so that what the HPA reads every 15 s is 2.5 s old in the mean: the queue is
 * measured 2.5, 7.5, 12.5 ... s after the start. KEDA's own poll every 30 s comes before the HPA's
 * turn. Sources: kedacore/keda pkg/scalers/rabbitmq_scaler.go; kubernetes
 * pkg/controller/podautoscaler replica_calculator.go and horizontal.go,
 * pkg/apis/autoscaling/v2/defaults.go. */

#define HPA_MEASURE_NS   (5 * PEER_SECOND_NS)
#define HPA_TICK_NS      (15 * PEER_SECOND_NS)
#define HPA_POLL_NS      (30 * PEER_SECOND_NS)
#define HPA_COOLDOWN_NS  (300 * PEER_SECOND_NS)
#define HPA_TOLERANCE    0.1
#define HPA_DOWN_PERIODS 20 /* 300 s */

static void hpa_poll(struct peer *peer, int64_t now_ns)
{
    if (peer->stale_msgs > 0) {
        peer->active_ns = now_ns;
        if (!peer->workers)
            peer->workers = peer_bound(peer, 0, 1);
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
        peer_remember(peer, now); /* the HPA does so when it first sees the workers */
    peer_remember(peer, recommended);
    if (recommended < now)
        recommended = peer_fewer(now, peer_greatest(peer, HPA_DOWN_PERIODS));
    double base = now - peer->added;
    double limit = peer_more(base + 4, 2 * base);
    uint32_t decided = peer_bound(peer, peer_fewer(recommended, peer_more(limit, now)), 1);
    peer->added = decided > peer->workers ? decided - peer->workers : 0;
    peer->workers = decided;
}

uint32_t peers_cluster_hpa(struct peer *peer, const struct simulation *simulation, int64_t *next_ns)
{
    int64_t now_ns = simulation->now_ns;

    if (now_ns == 0) {
        peer->workers = peer_bound(peer, 0, 0);
        peer->measure_ns = HPA_MEASURE_NS / 2;
        peer->active_ns = 0;
    }
    if (now_ns == peer->measure_ns) {
        struct simulation_view view = simulation_view(simulation);
        peer->stale_msgs = peer_queue(&view);
        peer->measure_ns += HPA_MEASURE_NS;
    }
    if (now_ns % HPA_POLL_NS == 0 && now_ns > 0)
        hpa_poll(peer, now_ns);
    if (now_ns % HPA_TICK_NS == 0 && now_ns > 0)
        hpa_turn(peer);
    int64_t turn_ns = (now_ns / HPA_TICK_NS + 1) * HPA_TICK_NS;
    *next_ns = turn_ns < peer->measure_ns ? turn_ns : peer->measure_ns;
    return peer->workers;
}

/* kpa: Knative's autoscaler. It averages the queue as it is every second, and decides every two;
 * from zero it is told by the first arrival (the activator). Source: knative/serving
 * pkg/autoscaler/scaling/autoscaler.go. */

#define KPA_TICK_NS       (2 * PEER_SECOND_NS)
#define KPA_STABLE_S      60
#define KPA_PANIC_S       6
#define KPA_PANIC_FACTOR  2
#define KPA_MAX_RATE      1000
#define KPA_ZERO_GRACE_NS (30 * PEER_SECOND_NS)
#define KPA_UTILISATION   0.7

/* What the means of the queue ask for, before zero is thought of. */
static double kpa_recommend(struct peer *peer, int64_t now_ns)
{
    double target = KPA_UTILISATION * peer->params.number[0];
    double ready = peer_more(peer->workers, 1);
    double low = floor(ready / 2), high = ceil(ready * KPA_MAX_RATE);
    double stable = ceil(peer_mean(peer, KPA_STABLE_S) / target);
    double panic = ceil(peer_mean(peer, KPA_PANIC_S) / target);
    bool over = panic / ready >= KPA_PANIC_FACTOR;
    bool panics = now_ns - peer->panic_ns <= KPA_STABLE_S * PEER_SECOND_NS;

    stable = peer_fewer(peer_more(stable, low), high);
    panic = peer_fewer(peer_more(panic, low), high);
    if (over) {
        peer->highest = panics ? peer->highest : 0;
        peer->panic_ns = now_ns;
        panics = true;
    }
    if (!panics)
        return stable;
    peer->highest = peer_more(peer->highest, peer_more(stable, panic));
    return peer->highest;
}

/* The last worker stays for a while when nothing asks for it any more. */
static double kpa_keep_last(struct peer *peer, double desired, int64_t now_ns)
{
    if (desired > 0) {
        peer->zero_ns = -1;
        return desired;
    }
    peer->zero_ns = peer->zero_ns < 0 ? now_ns : peer->zero_ns;
    return now_ns - peer->zero_ns < KPA_ZERO_GRACE_NS && peer->workers ? 1 : desired;
}

uint32_t peers_cluster_kpa(struct peer *peer, const struct simulation *simulation, int64_t *next_ns)
{
    struct simulation_view view = simulation_view(simulation);
    int64_t now_ns = view.now_ns;

    if (now_ns == 0) {
        peer->workers = peer_bound(peer, 0, 0);
        peer->panic_ns = PEER_NEVER_NS;
        peer->zero_ns = -1;
    }
    bool second = now_ns >= *next_ns;
    if (second) {
        peer_remember(peer, peer_queue(&view));
        *next_ns = now_ns + PEER_SECOND_NS;
    }
    bool awakened = !peer->workers && peer_queue(&view) > 0;
    if (!awakened && (!second || now_ns % KPA_TICK_NS != 0))
        return peer->workers;
    double desired = peer_more(kpa_recommend(peer, now_ns), awakened);
    peer->workers = peer_bound(peer, kpa_keep_last(peer, desired, now_ns), 0);
    return peer->workers;
}

/* target: AWS target tracking on the backlog per instance, "Scaling based on Amazon SQS". The
 * metric does not exist without instances, so there is always one. */

#define TARGET_TICK_NS     (60 * PEER_SECOND_NS)
#define TARGET_COOLDOWN_NS (300 * PEER_SECOND_NS)
#define TARGET_OUT         3
#define TARGET_IN          15
#define TARGET_IN_BELOW    0.9

uint32_t peers_cluster_target(struct peer *peer, const struct simulation *simulation,
                              int64_t *next_ns)
{
    struct simulation_view view = simulation_view(simulation);
    double acceptable = peer->params.wait_s / peer->params.service_s;

    *next_ns = view.now_ns + TARGET_TICK_NS;
    if (view.now_ns == 0) {
        peer->workers = peer_bound(peer, 0, 1);
        peer->last_up_ns = peer->last_down_ns = PEER_NEVER_NS;
        return peer->workers;
    }
    double each = (double)view.waiting / peer->workers;
    uint32_t wanted = peer_bound(peer, ceil(peer->workers * each / acceptable), 1);
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
