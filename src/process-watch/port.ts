/** A process of this host, told apart from a later one with the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat, clock ticks since boot. @see proc(5) */
  readonly startTime: number;
}

/** One watched process; closing it twice does nothing. */
export interface Watched {
  close(): void;
}

/** The port for the lives of owners. Real side: pidfd_open(2) polled by the event loop. */
export interface ProcessWatch {
  /** Who has this pid now; null when nobody has. */
  identify(pid: number): Promise<ProcessIdentity | null>;
  /**
   * Calls `ended` once when the process ends; in a later turn, when it has ended already or the
   * pid belongs to another process by now.
   */
  watch(process: ProcessIdentity, ended: () => void): Watched;
}
