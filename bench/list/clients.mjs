// Clients of the control API, each with a connection of its own that it keeps, acquiring and
// releasing again and again: `node bench/list/clients.mjs SOCKET`; commands `CLIENTS DURATION_MS`.
// They speak as little HTTP as there is, so that what is measured is the daemon.
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

import { nameOf, owner } from './node.mjs';

const [socketPath] = process.argv.slice(2);
const CONTENT_LENGTH = /\r\ncontent-length: (\d+)/i;
const connections = [];
let names = 0;
console.log('{"ready":true}');

for await (const line of createInterface({ input: process.stdin })) {
  const [clients, durationMs] = line.split(' ').map(Number);
  while (connections.length < clients) connections.push(await openConnection());
  console.log(JSON.stringify(await round(connections.slice(0, clients), durationMs)));
}
process.exit();

async function round(used, durationMs) {
  const startedMs = performance.now();
  const latencies = [];
  await Promise.all(used.map(async (ask) => {
    while (performance.now() - startedMs < durationMs) {
      const resource = nameOf(names += 1);
      const beganMs = performance.now();
      await ask('acquire', { resource, mode: 'PR', owner, waitMs: 0 });
      await ask('release', { resource, owner });
      latencies.push(performance.now() - beganMs);
    }
  }));
  const ms = performance.now() - startedMs;
  latencies.sort((a, b) => a - b);
  return {
    pairs: latencies.length, pairsPerSecond: latencies.length / ms * 1_000,
    p50Ms: latencies[latencies.length >> 1], p99Ms: latencies[Math.floor(latencies.length * 0.99)],
  };
}

async function openConnection() {
  const socket = connect(socketPath);
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  let text = '';
  let answered = null;
  socket.setEncoding('latin1');
  socket.on('data', (chunk) => {
    text += chunk;
    const headEnd = text.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const bytes = Number(CONTENT_LENGTH.exec(text)?.[1]);
    if (text.length < headEnd + 4 + bytes) return;
    const answer = text;
    text = '';
    answered(answer);
  });
  return async (path, body) => {
    const json = JSON.stringify(body);
    const answer = new Promise((resolve) => {
      answered = resolve;
    });
    socket.write(`POST /v1/${path} HTTP/1.1\r\nhost: holdfast\r\ncontent-type: application/json\r\n`
      + `content-length: ${Buffer.byteLength(json)}\r\n\r\n${json}`);
    const got = await answer;
    if (!got.startsWith('HTTP/1.1 200')) throw new Error(got);
  };
}
