#!/usr/bin/env node
// A worker with amqplib on a queue that a topic exchange feeds: it writes a line when it begins an order and one when
// it has done with it. `npm ci` in this directory installs what it needs.
//
//   winnow-autoscaler --queue billing --count-from 'orders:order.*' --capacity 100 -- examples/node/worker.js orders.log
'use strict';

const fs = require('fs');
const { setTimeout: pause } = require('timers/promises');
const amqp = require('amqplib');

async function main(log) {
  const connection = await amqp.connect(process.env.AMQP_URL);
  const channel = await connection.createChannel();
  await channel.assertExchange('orders', 'topic', { durable: true });
  await channel.assertQueue('billing', { durable: true });
  await channel.bindQueue('billing', 'orders', 'order.*');
  await channel.prefetch(1); // what one worker hoards, no other can take

  let atHand = Promise.resolve();
  const { consumerTag } = await channel.consume('billing', (message) => {
    if (message) atHand = bill(channel, message, log); // null: the queue was deleted
  });

  // Without this SIGTERM ends it in the middle of an order, which is then done again.
  process.on('SIGTERM', async () => {
    await channel.cancel(consumerTag);
    await atHand;
    await channel.close();
    await connection.close();
  });
}

async function bill(channel, message, log) {
  const order = message.content.toString();
  fs.appendFileSync(log, `began ${order}\n`);
  await pause(Number(message.properties.headers.milliseconds || 0));
  fs.appendFileSync(log, `ended ${order}\n`);
  channel.ack(message);
}

main(process.argv[2] || '/dev/stdout');
