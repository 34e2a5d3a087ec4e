/** Effects: reads what this process uses, under the names that Prometheus' own client libraries have for it. */
import { readdirSync } from 'node:fs';
import { faultTotal } from './faults.ts';
import { leftOutTotal } from './left-out.ts';
import type { Family } from './metrics.ts';

/** CPU in seconds, memory in bytes, the share of time that the event loop is busy, 0 to 1. */
export function processFamilies(): readonly Family[] {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  const one = (type: Family['type'], name: string, help: string, value: number): Family => ({ name, type, help, samples: [{ value }] });
  return [
    one('counter', 'process_cpu_seconds_total', 'CPU time used.', (user + system) / 1e6),
    one('gauge', 'process_resident_memory_bytes', 'Resident memory.', rss),
    one('gauge', 'process_start_time_seconds', 'When the process started, since 1970.', performance.timeOrigin / 1000),
    one('gauge', 'process_open_fds', 'Open file descriptors.', openFiles()),
    one('gauge', 'arpanet_process_heap_used_bytes', 'Memory of objects.', heapUsed),
    one(
      'gauge',
      'arpanet_process_event_loop_busy_ratio',
      'Share of time that the event loop was busy since the process started.',
      performance.eventLoopUtilization().utilization,
    ),
    one('counter', 'arpanet_process_unexpected_errors_total', 'Errors that no handler expected; the log has them.', faultTotal()),
    one(
      'counter',
      'arpanet_process_left_out_entries_total',
      'Entries of lists that could not be handled, each time; the log has them.',
      leftOutTotal(),
    ),
  ];
}

function openFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}
