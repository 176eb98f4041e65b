// A worker in Node that uses the scoreboard, written after docs/protocol.md. It takes so many milliseconds for an event
// as its body says, and never ends with one that says "hang".
'use strict';

const fs = require('fs');
const { setTimeout: pause } = require('timers/promises');
const amqp = require('amqplib');

const board = Number(process.env.WINNOW_SCOREBOARD_FD);
const slot = 155776 + 256 * Number(process.env.WINNOW_SLOT);
const STATE = 0, PID = 4, HANDLED = 8, IN_FLIGHT = 16, BUSY = 32, PROGRESS = 40, HIGH = 64, LOW = 72, STARTED = 80,
  WITHIN = 128;
const little = require('os').endianness() === 'LE';
const now = () => process.hrtime.bigint();
const own = { [HANDLED]: 0n, [IN_FLIGHT]: 0n, [BUSY]: 0n };
const bounds = [];  // of the classes of time: 10 us, 30 us, 100 us and so on to 100 s
for (let ns = 10000n; ns <= 10n ** 11n; ns *= 10n) bounds.push(ns, 3n * ns);
bounds.pop();

function set(field, value) {
  const bytes = Buffer.alloc(8);
  if (little) bytes.writeBigUInt64LE(value); else bytes.writeBigUInt64BE(value);
  fs.writeSync(board, bytes, 0, 8, slot + field);
}

function setInt(field, value) {
  const bytes = Buffer.alloc(4);
  if (little) bytes.writeInt32LE(value); else bytes.writeInt32BE(value);
  fs.writeSync(board, bytes, 0, 4, slot + field);
}

const add = (field, value) => set(field, own[field] = (own[field] ?? 0n) + value);

function countTime(took) {
  const longer = bounds.findIndex((bound) => took <= bound);
  add(WITHIN + 8 * (longer < 0 ? bounds.length : longer), 1n);
}

async function main() {
  const magic = Buffer.alloc(8);
  fs.readSync(board, magic, 0, 8, 0);
  if (magic.toString() !== 'WINNOW8\0') process.exit(64);
  setInt(PID, process.pid);
  const connection = await amqp.connect(process.env.AMQP_URL);
  const channel = await connection.createChannel();
  await channel.prefetch(10);

  const held = [];
  let atHand = false;
  await channel.consume(process.env.WINNOW_QUEUE, async (message) => {
    held.push(message);
    add(IN_FLIGHT, 1n);
    if (atHand) return;
    atHand = true;
    while (held.length) await answer(channel, held.shift());
    atHand = false;
  });
  set(PROGRESS, now());
  setInt(STATE, 1);
  fs.writeSync(Number(process.env.WINNOW_READY_FD), 'r');
  fs.closeSync(Number(process.env.WINNOW_READY_FD));
  setInterval(() => atHand || set(PROGRESS, now()), 1000);
}

async function answer(channel, message) {
  const text = message.content.toString();
  const began = now();
  set(PROGRESS, began);
  set(STARTED, began);
  set(HIGH, BigInt(text.length));
  set(LOW, 1n);
  await pause(text === 'hang' ? 1e6 : Number(text));
  set(LOW, 0n);
  set(HIGH, 0n);
  channel.ack(message);
  add(IN_FLIGHT, -1n);
  const took = now() - began;
  add(BUSY, took);
  countTime(took);
  add(HANDLED, 1n);
  set(PROGRESS, now());
}

main();
