#!/usr/bin/python3
"""A careful filter worker as one writes it in an afternoon with pika: prefetch, and an event acknowledged after
its result was published. What winnow-filter is compared with; unlike it, it waits for no confirm."""
import os

import pika

INSULTS = ["tonto", "inutil", "cavero", "gordo", "feo", "fool", "idiot"]
FARM = os.environ["WINNOW_FARM"]


def handle(channel, method, properties, body):
    text = body.decode()
    for insult in INSULTS:
        text = text.replace(insult, "CENSORED")
    channel.basic_publish(
        "", properties.reply_to or f"{FARM}.results", text,
        pika.BasicProperties(content_type=properties.content_type, delivery_mode=properties.delivery_mode,
                             message_id=properties.message_id,
                             correlation_id=properties.correlation_id or properties.message_id))
    channel.basic_ack(method.delivery_tag)


connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.basic_qos(prefetch_count=250)
channel.basic_consume(f"{FARM}.work", handle)
channel.start_consuming()
