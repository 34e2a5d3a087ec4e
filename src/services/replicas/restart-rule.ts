/** When an instance that has a restart rule of its own is started again. Pure. */
import { type ContainerView, labels } from '../../model/index.ts';
import { parseRestartRule, type RestartRule } from '../../text/restart-label.ts';

/** Undefined: its Engine starts it again, or nobody does. */
export function ruleOf({ record }: ContainerView): RestartRule | undefined {
  const label = record?.request.Labels?.[labels.restart];
  return label ? parseRestartRule(label) : undefined;
}

export interface RuledStart {
  /** Undefined: never. */
  readonly dueMs: number | undefined;
  /** For a person. */
  readonly trouble?: string;
}

/**
 * Of an instance that has ended and is to be started again by its condition; undefined: it has no rule. `times`: when it was started again before, since
 * this leader leads.
 */
export function ruledStart(container: ContainerView, times: readonly number[]): RuledStart | undefined {
  const rule = ruleOf(container);
  if (rule === undefined) return undefined;
  const { FinishedAt, ExitCode } = container.facts.inspect.State;
  const endedMs = Date.parse(FinishedAt);
  const counted = rule.windowMs === 0 ? times : times.filter((at) => at > endedMs - rule.windowMs);
  if (rule.attempts > 0 && counted.length >= rule.attempts)
    return { dueMs: undefined, trouble: `${container.name} exited with ${ExitCode}, and its restart policy allows no further attempt` };
  return { dueMs: endedMs + rule.delayMs };
}
