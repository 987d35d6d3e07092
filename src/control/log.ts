/** What the control server needs of a logger; a winston logger fits. */
export interface ControlLog {
  info(message: string, facts: Readonly<Record<string, unknown>>): unknown;
  warn(message: string, facts: Readonly<Record<string, unknown>>): unknown;
  error(message: string, facts: Readonly<Record<string, unknown>>): unknown;
}
