/** Logs what its arguments say: the options, then `[level, message, facts]` for each line. */
import { openLog, type LogFacts, type LogLevel, type LogOptions } from '../../src/log.js';

const [options = '{}', lines = '[]'] = process.argv.slice(2);
const log = openLog(JSON.parse(options) as LogOptions);
for (const [level, message, facts] of JSON.parse(lines) as [LogLevel, string, LogFacts?][]) {
  log.log(level, message, facts);
}
