// A client of the word service in Node. Each line that it reads is a request, {"type", "body"}; the line that it prints is
// the answer, with "redelivered", or null when none came in time. It ends with its connection.
'use strict';

const readline = require('readline');
const { setTimeout: pause } = require('timers/promises');
const amqp = require('amqplib');

const patience = Number(process.env.PATIENCE_MS);
const replyTo = 'amq.rabbitmq.reply-to';

async function main() {
  const connection = await amqp.connect(process.env.AMQP_URL);
  const channel = await connection.createChannel();
  const waiting = new Map();
  connection.on('error', () => process.exit(1));
  connection.on('close', () => process.exit(1));
  channel.on('error', () => process.exit(1));
  await channel.consume(replyTo, ({ content, properties }) => {
    const settle = waiting.get(properties.correlationId);
    const redelivered = properties.headers['winnow-redelivered'] === true;
    if (settle) settle({ redelivered, ...JSON.parse(content.toString()) });
  }, { noAck: true });

  let number = 0;
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { type, body } = JSON.parse(line);
    const correlationId = String(++number);
    const answered = new Promise((settle) => waiting.set(correlationId, settle));
    const properties = { type, replyTo, correlationId, expiration: patience, persistent: true };
    channel.sendToQueue(`${process.env.WINNOW_FARM}.words`, Buffer.from(body), properties);
    console.log(JSON.stringify(await Promise.race([answered, pause(patience, null)])));
    waiting.delete(correlationId);
  }
}

main().catch(() => process.exit(1));
