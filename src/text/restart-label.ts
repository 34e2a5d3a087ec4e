/**
 * When an instance is started again after its end, as the label `arpanet.restart` has it: `on-failure,delay=5s,window=2m,attempts=3`.
 * Source: Docker API v1.24, `TaskTemplate.RestartPolicy`; what each means: swarmkit manager/orchestrator/restart/restart.go.
 */
import { parseDurationMs } from './duration.ts';

/** When an instance is started again, and how often. */
export interface RestartRule {
  readonly condition: 'none' | 'on-failure' | 'any';
  /** Between the end and the next start. */
  readonly delayMs: number;
  /** So many starts at most; 0: as often as it takes. */
  readonly attempts: number;
  /** Only starts in this time before an end count; 0: all. */
  readonly windowMs: number;
}

/** Undefined: it cannot be read. */
export function parseRestartRule(text: string): RestartRule | undefined {
  const [condition, ...others] = text.split(',').map((part) => part.trim());
  if (condition !== 'none' && condition !== 'on-failure' && condition !== 'any') return undefined;
  const rule = { delayMs: 0, attempts: 0, windowMs: 0 };
  for (const other of others) {
    const [, key, value = ''] = /^(delay|window|attempts)=(.+)$/.exec(other) ?? [];
    const amount = key === 'attempts' ? (/^\d{1,9}$/.test(value) ? Number(value) : undefined) : parseDurationMs(value);
    if (key === undefined || amount === undefined || amount < 0) return undefined;
    rule[key === 'attempts' ? 'attempts' : key === 'delay' ? 'delayMs' : 'windowMs'] = amount;
  }
  return { condition, ...rule };
}

/** As `parseRestartRule` reads it. */
export function formatRestartRule({ condition, delayMs, attempts, windowMs }: RestartRule): string {
  return [
    condition,
    ...(delayMs > 0 ? [`delay=${delayMs}ms`] : []),
    ...(windowMs > 0 ? [`window=${windowMs}ms`] : []),
    ...(attempts > 0 ? [`attempts=${attempts}`] : []),
  ].join(',');
}
