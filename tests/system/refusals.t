#!/usr/bin/python3
# quiet: what is claimed of time here is far from what a busy machine takes
# slow: half a minute or more
"""A queue that refuses concerns its own results alone: they are tried again by themselves, and the others go on. What
a client's queue refuses for good is dead, with the queue's name; what the farm's own queues refuse is kept."""

import contextlib
import datetime
import re
import signal
import time

import pika

from client import Client, Line, ctl
from tap import diag, done_testing, equal, farm, ok, spawn, wait_until

REFUSING = {"x-overflow": "reject-publish"}


@contextlib.contextmanager
def working(name, *args, amqp=None, queue_type="classic"):
    """A worker of the farm and a client of it, who speaks to the broker itself."""
    with spawn("winnow-filter", "--queue-type", queue_type, *args, farm=name, amqp=amqp) as worker:
        with Client(name) as client:
            yield worker, client


def declare(client, queue_type, most):
    """A queue that refuses what comes when it holds so many."""
    name = f"{client.farm}-{queue_type}-{most}"
    arguments = dict(REFUSING, **{"x-max-length": most, "x-queue-type": queue_type})
    client.channel.queue_declare(name, durable=True, arguments=arguments)
    return name


def publish(client, events):
    """Events of (message_id, reply_to or None), confirmed: a quorum queue may lose what is not."""
    with contextlib.closing(client.connection.channel()) as channel:
        channel.confirm_delivery()
        for message_id, reply_to in events:
            properties = pika.BasicProperties(message_id=message_id, reply_to=reply_to)
            channel.basic_publish(f"{client.farm}.events", "", b"you fool", properties)


def mixed(guilty, queue, innocent, replies):
    """Both kinds of events, evenly: the guilty ones ask for their results in the queue that refuses."""
    total = guilty + innocent
    for number in range(total):
        if (number + 1) * guilty // total > number * guilty // total:
            yield f"guilty-{number}", queue
        else:
            yield f"innocent-{number}", replies


def names(messages):
    return sorted(properties.message_id for _, properties, _ in messages)


def collect(client, queue, count, seconds):
    """So many messages of the queue, or those that came in time."""
    got = []
    wait_until(lambda: got.extend(client.get_ready(queue)) or len(got) >= count, seconds)
    return got


def lines(worker, event):
    return [line for line in worker.stderr().splitlines() if f"event={event} " in line]


def state(worker):
    with open(f"/proc/{worker.process.pid}/stat", encoding="utf-8") as file:
        return file.read().rpartition(")")[2].split()[0]


def stamp(line):
    """Seconds since the epoch."""
    text = re.search(r"\btime=(\S+)", line)[1]
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def all_settled(client):
    """Nothing is ready, nothing is held: the broker's own count, which comes late."""
    return wait_until(lambda: client.held() == (0, 0), 20)


def others_go_on(queue_type, most, guilty, innocent, *args):
    what = f"{guilty} refused results, {queue_type} queue of {most} messages{' '.join(['', *args])}"
    name = farm()
    with working(name, *args, queue_type=queue_type) as (worker, client):
        queue = declare(client, queue_type, most)
        began = time.monotonic()
        publish(client, mixed(guilty, queue, innocent, client.replies))
        answered = collect(client, client.replies, innocent, 20)
        took = time.monotonic() - began
        equal(len(set(names(answered))), innocent, f"{what}: the others are answered ({took:.1f} s)")
        equal(len(answered), innocent, "... once each")
        held = client.ready(queue)
        dead = collect(client, client.dead, guilty - held, 20)
        equal(len(set(names(dead))), guilty - held, f"... those refused are dead, but for {held} that were taken")
        equal({p.headers.get("winnow-reason") for _, p, _ in dead}, {f"refused by '{queue}'"}, "... for that reason")
        equal({body for _, _, body in dead}, {b"you fool"}, "... as they came")
        said = lines(worker, "result_refused")
        times = [stamp(line) for line in said]
        ok(said and all(f'queue="{queue}"' in line for line in said), "... the log names the queue")
        ok(all(b - a > 0.99 for a, b in zip(times, times[1:])), f"... at most once a second ({len(said)} lines)")
        equal(worker.stderr().count(" event=") - len(said), 1, "... and says nothing else")
        ok("connection_lost" not in worker.stderr(), "... on the same connection")
        equal(worker.end(), 0, "... and the worker drains")
        equal(client.ready(client.work), 0, "... holding nothing")


# ---- the farm's own queues ----


def full(queue_type):
    """A farm whose own queues refuse what comes when they hold three messages."""
    return f"{farm()}-{queue_type}-full"


def nothing_of_the_farm_is_given_up(queue_type, guilty):
    what = f"{guilty} events without reply_to, {queue_type} queues"
    name = full(queue_type)
    with working(name, queue_type=queue_type) as (worker, client):
        publish(client, mixed(guilty, None, 200, client.replies))
        answered = collect(client, client.replies, 200, 20)
        equal(len(set(names(answered))), 200, f"{what}: FARM.results refuses, and the others are answered")
        ok(wait_until(lambda: lines(worker, "result_refused"), 20), "... which is logged")
        first = client.get_ready(client.results)
        results = first + collect(client, client.results, guilty - len(first), 20)
        equal(len(set(names(results))), guilty, f"... FARM.results is read, and nothing is lost")
        equal(len(results), guilty, "... nor answered twice")
        equal(client.ready(client.dead), 0, "... nor dead")
        ok("connection_lost" not in worker.stderr(), "... on the same connection")
        equal(worker.end(), 0, "... and the worker drains")
        equal(client.ready(client.work), 0, "... holding nothing")


def a_full_dead_queue_holds_nobody_up(queue_type, guilty):
    what = f"{guilty} events that cannot be handled, {queue_type} queues"
    name = full(queue_type)
    with working(name, queue_type=queue_type) as (worker, client):
        publish(client, mixed(guilty, client.work, 200, client.replies))
        answered = collect(client, client.replies, 200, 20)
        equal(len(set(names(answered))), 200, f"{what}: FARM.dead refuses, and the others are answered")
        dead = collect(client, client.dead, guilty, 20)
        equal(len(set(names(dead))), guilty, "... FARM.dead is read, and nothing is lost")
        equal((len(answered), len(dead)), (200, guilty), "... nor there twice")
        equal(len(lines(worker, "dead_refused")), 1, "... which is logged once")
        ok("connection_lost" not in worker.stderr(), "... on the same connection")
        equal(worker.end(), 0, "... and the worker drains")
        equal(client.ready(client.work), 0, "... holding nothing")


def dead_without_room_is_kept_too():
    name = full("classic")
    with working(name) as (worker, client):
        queue = declare(client, "classic", 0)
        publish(client, mixed(40, queue, 40, client.replies))
        equal(len(collect(client, client.replies, 40, 20)), 40, "a client's queue and FARM.dead refuse: others go on")
        dead = collect(client, client.dead, 40, 20)
        equal(len(set(names(dead))), 40, "... FARM.dead is read, and has all that the client's queue refused")
        equal(len(dead), 40, "... once each")
        equal(worker.end(), 0, "... and the worker drains")


# ---- beside other trouble ----


def returned_results_are_told_apart():
    name = farm()
    with working(name) as (worker, client):
        queue = declare(client, "classic", 0)
        kinds = {"refused": queue, "returned": f"{name}-nowhere", "answered": client.replies}
        publish(client, [(f"{kind}-{number}", kinds[kind]) for number in range(50) for kind in kinds])
        answered = collect(client, client.replies, 50, 20)
        dead = collect(client, client.dead, 100, 20)
        equal(names(answered), sorted(f"answered-{n}" for n in range(50)), "among refused and returned ones: answered")
        reasons = {"refused": f"refused by '{queue}'", "returned": "unroutable result: no queue"}
        wrong = [
            properties.message_id
            for _, properties, _ in dead
            if not properties.headers["winnow-reason"].startswith(reasons[properties.message_id.split("-")[0]])
        ]
        equal((len(set(names(dead))), len(dead), wrong), (100, 100, []), "... all others dead once, each for its reason")
        equal(worker.end(), 0, "... and the worker drains")
        equal(client.ready(client.work), 0, "... holding nothing")


def reasons_when_the_queue_goes(worker, client):
    """Why events are dead whose results waited for a queue as it was deleted."""
    before = len(lines(worker, "result_refused"))
    queue = declare(client, "classic", 0)
    publish(client, [(str(number), queue) for number in range(5)])
    wait_until(lambda: len(lines(worker, "result_refused")) > before, 20)
    # RabbitMQ confirms what it takes for a queue as that is deleted: nothing may be on its way meanwhile.
    worker.signal(signal.SIGSTOP)
    wait_until(lambda: state(worker) == "T", 20)
    client.channel.queue_declare(queue, passive=True)
    client.channel.queue_delete(queue)
    worker.signal(signal.SIGCONT)
    dead = collect(client, client.dead, 5, 20)
    equal(names(dead), list("01234"), "results whose queue is deleted while they wait are dead")
    return {properties.headers["winnow-reason"].split(" '")[0] for _, properties, _ in dead}


def a_queue_that_goes_while_results_wait_for_it():
    unroutable = "unroutable result: no queue"
    with working(farm()) as (worker, client):
        for _ in range(10):  # on a slow machine they may be given up before the queue goes
            reasons = reasons_when_the_queue_goes(worker, client)
            if unroutable in reasons:
                break
        ok(unroutable in reasons, "... as unroutable") or diag(reasons)
        equal(worker.end(), 0, "... and the worker drains")


def nothing_is_lost_with_the_worker(end):
    """100 results for FARM.results, which takes three of them; then the worker goes, or its connection."""
    name = full("classic")
    with Line() as line, working(name, "--drain-timeout", "600ms", amqp=line.url) as (worker, client):
        publish(client, mixed(100, None, 20, client.replies))
        equal(len(collect(client, client.replies, 20, 20)), 20, f"{end} while results wait: the others are answered")
        ok(wait_until(lambda: lines(worker, "result_refused"), 20), "... FARM.results refuses")
        if end == "a drain":
            worker.signal(signal.SIGTERM)
            equal(worker.wait(5), 0, "... the worker ends with 0")
            given = [int(events) for events in re.findall("event=given_back events=([0-9]+)", worker.stderr())]
            ok(sum(given) == 64 and len(given) < 5, f"... having given back what waited ({given})")
            ok("connection_lost" not in worker.stderr(), "... of its own accord")
        else:
            line.cut()
            ok(wait_until(lambda: lines(worker, "connection_lost"), 20), "... the worker notices")
        with spawn("winnow-filter", farm=name):
            results = collect(client, client.results, 100, 20)
            equal(len(set(names(results))), 100, "... all are answered")
            ok(len(results) - 100 <= 3, f"... hardly any twice ({len(results) - 100})")


others_go_on("classic", 0, 8, 400)
others_go_on("quorum", 2, 3000, 400)
others_go_on("quorum", 0, 40, 200, "--prefetch", "1")
others_go_on("classic", 2, 40, 200, "--prefetch", "1")


ctl("set_policy", "refusals", r".*-full\.(results|dead)$", '{"max-length":3,"overflow":"reject-publish"}')
nothing_of_the_farm_is_given_up("classic", 100)
nothing_of_the_farm_is_given_up("quorum", 300)
a_full_dead_queue_holds_nobody_up("classic", 40)
a_full_dead_queue_holds_nobody_up("quorum", 300)
dead_without_room_is_kept_too()
returned_results_are_told_apart()
a_queue_that_goes_while_results_wait_for_it()
nothing_is_lost_with_the_worker("a drain")
nothing_is_lost_with_the_worker("a lost connection")
done_testing()
