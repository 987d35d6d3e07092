/** What the control server refused or dropped since it started; part of `status`. */
export interface ControlCounters {
  connectionsDropped: number;
  requestsRefused: number;
  watchersRefused: number;
  watchersDropped: number;
}

export function newCounters(): ControlCounters {
  return { connectionsDropped: 0, requestsRefused: 0, watchersRefused: 0, watchersDropped: 0 };
}

/** Under names that cannot collide with the coordinator's. */
export function publishCounters(counters: ControlCounters): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(counters).map(([name, count]) => [`control.${name}`, Number(count)]),
  );
}
