import { createInterface } from 'node:readline';

/**
 * The other end of a Twin: says that it is ready, then obeys lines of stdin (`NAME NUMBER...`) and
 * answers each with a line of JSON, until stdin ends.
 */
export async function obeyCommands(commands) {
  answer({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    const [name, ...numbers] = line.split(' ');
    answer(await commands[name](...numbers.map(Number)));
  }
}

/** Begins to measure; the function that it gives says what was delivered since, in which time. */
export function startMeter(delivered) {
  const first = delivered();
  const cpu = process.cpuUsage();
  const begunMs = performance.now();
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    const us = (performance.now() - begunMs) * 1e3;
    return { messages: delivered() - first, us, cpuUs: user + system };
  };
}

/**
 * Runs `count` callers at a time for that long, each `caller(isRunning)`; gives what the meter said
 * at the end of the time. What is in flight then is waited for, not counted.
 */
export async function runCallers(count, ms, meter, caller) {
  let running = true;
  const result = new Promise((resolve) => {
    setTimeout(() => {
      running = false;
      resolve(meter());
    }, ms);
  });
  await Promise.all(Array.from({ length: count }, () => caller(() => running)));
  return await result;
}

function answer(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
