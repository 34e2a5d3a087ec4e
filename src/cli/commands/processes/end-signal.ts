/** How a process of the cluster is ended. Effects: signal handlers, the clock. */

/** A terminal and npm each send a signal for one Ctrl-C: what comes within this time (ms) is the same request. */
const SAME_REQUEST_MS = 1_000;

/** Fires at the first SIGINT or SIGTERM, for an orderly end; a second request ends the process at once, with exit code 1. */
export function endSignal(): AbortSignal {
  const controller = new AbortController();
  let firstAtMs = 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted && Date.now() - firstAtMs > SAME_REQUEST_MS) process.exit(1);
      if (!controller.signal.aborted) firstAtMs = Date.now();
      controller.abort();
    });
  }
  return controller.signal;
}
