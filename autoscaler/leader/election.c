#include "election.h"

#include <string.h>

#define NEVER INT64_C(-1)

/* The digits behind the millisecond are their owner's. */
#define EPOCHS_PER_MS TOKEN_EPOCHS_PER_MS
#define WALL_MS_MAX   (TOKEN_EPOCH_MAX / EPOCHS_PER_MS - 1)

static int64_t greater(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool is_within(int64_t since_ns, int64_t span_ns, int64_t now_ns)
{
    return since_ns != NEVER && now_ns - since_ns < span_ns;
}

/* Source: the hash FNV-1a of 64 bits; G. Fowler, L. C. Noll, K.-P. Vo. */
static int64_t digits_of(const char *owner)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (; *owner; owner++)
        hash = (hash ^ (unsigned char)*owner) * UINT64_C(1099511628211);
    return (int64_t)(hash % (uint64_t)EPOCHS_PER_MS);
}

/* What it knows of this connection. */
static void forget_connection(struct election *election)
{
    election->entered = false;
    election->knocked_ns = NEVER;
    election->delivered_ns = NEVER;
    election->held_tag = 0;
    election->held_epoch = 0;
    election->led_epoch = 0;
    election->led_until_ns = NEVER;
    memset(election->tokens, 0, sizeof election->tokens);
}

void election_init(struct election *election, const struct election_self *self)
{
    *election = (struct election){.self = *self,
                                  .digits = digits_of(self->owner),
                                  .ordered_ns = NEVER,
                                  .yielded_ns = NEVER,
                                  .higher_seen_ns = NEVER};
    forget_connection(election);
}

void election_enter(struct election *election, int64_t now_ns)
{
    forget_connection(election);
    election->entered = true;
    election->entered_ns = now_ns;
}

void election_leave(struct election *election)
{
    forget_connection(election);
}

/* ---- what is heard ---- */

void election_hear(struct election *election, int64_t epoch)
{
    election->heard_epoch = greater(election->heard_epoch, epoch);
}

void election_hear_order(struct election *election, int64_t epoch, int64_t now_ns)
{
    /* Whoever gives orders under a lower one has to be told by a knock. */
    if (epoch >= election->heard_epoch)
        election->ordered_ns = now_ns;
    /* Another leads: whatever was delivered here before, the queue is in his hand. */
    if (epoch > election->newest_epoch)
        election->delivered_ns = NEVER;
    election_hear(election, epoch);
}

void election_hear_refusal(struct election *election, struct order_stamp last)
{
    bool shared = last.epoch == election->led_epoch && last.sequence > election->sequence;

    /* By a chance of one in a thousand two owners have the same digits, and by another they claim
     * the same epoch. */
    election_hear(election, shared ? last.epoch + 1 : last.epoch);
}

void election_hear_candidate(struct election *election, const char *name, int64_t rank,
                             int64_t now_ns)
{
    const struct election_self *self = &election->self;

    if (rank > self->rank || (rank == self->rank && strcmp(name, self->name) > 0))
        election->higher_seen_ns = now_ns;
}

/* ---- leading ---- */

/* Nobody is known who leads, or may lead, under a greater one. */
static bool is_foremost(const struct election *election, int64_t epoch)
{
    return epoch > election->others_epoch && epoch >= election->heard_epoch;
}

bool election_leads(const struct election *election, int64_t now_ns, int64_t *epoch)
{
    if (!election->led_epoch || now_ns >= election->led_until_ns ||
        !is_foremost(election, election->led_epoch))
        return false;
    if (epoch)
        *epoch = election->led_epoch;
    return true;
}

const char *election_why_not(const struct election *election)
{
    if (!election->entered)
        return "its connection to the queue has ended";
    if (election->led_epoch && !is_foremost(election, election->led_epoch))
        return "another leads or has led under a greater epoch";
    return "the queue has not handed its token back in time";
}

bool election_stamp(struct election *election, int64_t now_ns, struct order_stamp *stamp)
{
    if (!election_leads(election, now_ns, &stamp->epoch))
        return false;
    stamp->sequence = ++election->sequence;
    return true;
}

/* ---- the queue ---- */

/* When it was published on this connection; NEVER: it was not, or too long ago. */
static int64_t published_ns(const struct election *election, int64_t epoch)
{
    for (size_t i = 0; i < ELECTION_TOKENS; i++)
        if (election->tokens[i].epoch == epoch)
            return election->tokens[i].published_ns;
    return NEVER;
}

static void take_own(struct election *election, int64_t epoch, bool redelivered, int64_t now_ns)
{
    int64_t since_ns = published_ns(election, epoch);

    if (redelivered || !is_within(since_ns, ELECTION_LEASE_NS, now_ns) ||
        !is_foremost(election, epoch))
        return;
    election->led_epoch = epoch;
    election->led_until_ns = since_ns + ELECTION_LEASE_NS;
}

uint64_t election_deliver(struct election *election, const struct token_message *message,
                          uint64_t tag, bool redelivered, int64_t now_ns)
{
    uint64_t older = election->held_tag;

    election->delivered_ns = now_ns;
    if (!message)
        return tag;
    election_hear(election, message->epoch);
    if (message->kind != TOKEN_CLAIM)
        return tag;
    if (strcmp(message->owner, election->self.owner) == 0)
        take_own(election, message->epoch, redelivered, now_ns);
    else
        election->others_epoch = greater(election->others_epoch, message->epoch);
    if (older && message->epoch < election->held_epoch)
        return tag;
    /* An equal one was taken back by the broker and is delivered again: the older tag holds nothing
     * any more. */
    election->held_tag = tag;
    election->held_epoch = message->epoch;
    return older;
}

static bool is_active(const struct election *election, int64_t now_ns)
{
    return is_within(election->delivered_ns, ELECTION_LEASE_NS, now_ns);
}

/* Until then it need not knock: it has, or somebody leads. */
static int64_t knock_due_ns(const struct election *election)
{
    if (election->knocked_ns == NEVER)
        return NEVER;
    return greater(election->knocked_ns, election->ordered_ns) + ELECTION_SILENCE_NS;
}

/* Until then it need not claim: its last token may make it lead, or does. */
static int64_t claim_due_ns(const struct election *election)
{
    const struct election_token *last = &election->tokens[0];

    if (!last->epoch || !is_foremost(election, last->epoch))
        return NEVER;
    return last->published_ns + ELECTION_RENEW_NS;
}

/* Whether there is an epoch left to claim. */
static bool can_claim(const struct election *election)
{
    return greater(election->heard_epoch, election->newest_epoch) <=
           TOKEN_EPOCH_MAX - EPOCHS_PER_MS;
}

static int64_t next_epoch(const struct election *election, int64_t wall_ms)
{
    int64_t least = greater(election->heard_epoch, election->newest_epoch) + 1;

    if (wall_ms > 0 && wall_ms <= WALL_MS_MAX)
        least = greater(least, wall_ms * EPOCHS_PER_MS);
    int64_t epoch = least - least % EPOCHS_PER_MS + election->digits;
    return epoch < least ? epoch + EPOCHS_PER_MS : epoch;
}

static enum election_action publish(const struct election *election, enum token_kind kind,
                                    int64_t epoch, struct token_message *message)
{
    *message = (struct token_message){.kind = kind, .epoch = epoch};
    strncpy(message->owner, election->self.owner, sizeof message->owner - 1);
    return ELECTION_PUBLISH;
}

static enum election_action knock(struct election *election, int64_t now_ns,
                                  struct token_message *message)
{
    election->knocked_ns = now_ns;
    return publish(election, TOKEN_KNOCK, election->heard_epoch, message);
}

static enum election_action claim(struct election *election, int64_t now_ns, int64_t wall_ms,
                                  struct token_message *message)
{
    int64_t epoch = next_epoch(election, wall_ms);

    memmove(election->tokens + 1, election->tokens,
            sizeof election->tokens - sizeof election->tokens[0]);
    election->tokens[0] = (struct election_token){epoch, now_ns};
    election->newest_epoch = epoch;
    return publish(election, TOKEN_CLAIM, epoch, message);
}

/* Whether somebody else should lead, who can. */
static bool makes_way(const struct election *election, int64_t now_ns)
{
    return is_within(election->higher_seen_ns, ELECTION_REPORT_NS, now_ns) &&
           !is_within(election->yielded_ns, ELECTION_YIELD_NS, now_ns);
}

/* Whether the broker has given no sign for long that it knows this consumer, nor anybody that
 * another is served. */
static bool is_forgotten(const struct election *election, int64_t now_ns)
{
    int64_t sign_ns = greater(election->delivered_ns, election->ordered_ns);

    return now_ns - greater(sign_ns, election->entered_ns) >= ELECTION_FORGOTTEN_NS;
}

enum election_action election_step(struct election *election, int64_t now_ns, int64_t wall_ms,
                                   struct token_message *message)
{
    bool leads = election_leads(election, now_ns, NULL);

    if (!election->entered)
        return ELECTION_NOTHING;
    if (!leads && now_ns >= knock_due_ns(election))
        return knock(election, now_ns, message);
    if (!leads && is_forgotten(election, now_ns)) {
        election_leave(election);
        return ELECTION_ANEW;
    }
    if (!is_active(election, now_ns))
        return ELECTION_NOTHING;
    if (!leads && makes_way(election, now_ns)) {
        election->yielded_ns = now_ns;
        election_leave(election);
        return ELECTION_YIELD;
    }
    if (now_ns >= claim_due_ns(election) && can_claim(election))
        return claim(election, now_ns, wall_ms, message);
    return ELECTION_NOTHING;
}

int64_t election_due_ns(const struct election *election, int64_t now_ns)
{
    if (!election->entered)
        return INT64_MAX;
    int64_t knock_ns =
        election_leads(election, now_ns, NULL) ? election->led_until_ns : knock_due_ns(election);
    int64_t claim_ns =
        is_active(election, now_ns) && can_claim(election) ? claim_due_ns(election) : INT64_MAX;
    return knock_ns < claim_ns ? knock_ns : claim_ns;
}
