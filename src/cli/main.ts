#!/usr/bin/env node
import type { CliContext } from './context.js';
import { runCli } from './run-cli.js';

const context: CliContext = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  now: () => Date.now(),
  onSignal(signals, listener) {
    for (const signal of signals) {
      process.on(signal, listener);
    }
    return () => {
      for (const signal of signals) {
        process.off(signal, listener);
      }
    };
  },
};

/** `holdfast watch | head`: a reader that has enough is no error. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') {
    process.exit();
  }
  throw error;
});

process.exitCode = await runCli(process.argv.slice(2), context);
