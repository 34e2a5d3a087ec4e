/** Answers without environments, for who may not see what is inside of containers (pure). */

/** Fields that hold an environment, in every shape of an inspect, and the data of configs. */
const LISTS: ReadonlySet<string> = new Set(['Env', 'EnvAdd', 'EnvRm']);

/** Images keep what they were built with: `ENV A=b`, and build arguments as `|1 TOKEN=abc /bin/sh -c …` (moby image/image.go, builder/dockerfile). */
const BUILT_WITH = /^(?:.*#\(nop\)\s+)?(?:ENV|ARG)\s/s;
const BUILD_ARGUMENTS = /^(?:RUN )?\|\d+ /;

const redactText = (text: string): string => (BUILT_WITH.test(text) || BUILD_ARGUMENTS.test(text) ? '…' : text);

/** The same value without them. `Env: null` stays so: it tells nothing. */
export function redacted(value: unknown, field = ''): unknown {
  if (typeof value === 'string') return field === 'CreatedBy' || field === 'Cmd' ? redactText(value) : value;
  if (Array.isArray(value)) return value.map((one) => redacted(one, field));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, of]) => {
      if (LISTS.has(name) && Array.isArray(of)) return [name, []];
      if (name === 'Data' && typeof of === 'string') return [name, ''];
      return [name, redacted(of, name)];
    }),
  );
}

/** A body of JSON; what is none is not shown at all. */
export function redactedBody(body: Buffer | string): string {
  const text = body.toString();
  if (text.trim() === '') return '';
  return `${JSON.stringify(redacted(JSON.parse(text)))}\n`;
}

/** What `ps` may be asked for: with `e` it shows environments (ps(1), BSD options). */
export const isPlainPs = (args: string | null): boolean =>
  args === null || ['', '-ef', 'aux', '-aux', 'ax', 'a', '-e', '-eo pid,comm'].includes(args);
