// Reporter of a test process: one line of JSON for each test that ended, and for what it said.
import { inspect } from 'node:util';

/** What was seen, and where: of an assertion its own text with the difference, of a hook or a test that ran out of time its message. */
function textOf(error) {
  const cause = error?.cause ?? error;
  if (cause instanceof Error) return cause.stack?.includes(cause.message) ? cause.stack : `${cause.message}\n${cause.stack}`;
  return typeof cause === 'string' ? cause : inspect(cause, { depth: 6 });
}

export default async function* report(source) {
  for await (const { type, data } of source) {
    if (type === 'test:diagnostic' && data.file !== undefined) yield `${JSON.stringify({ said: data.message, nesting: data.nesting })}\n`;
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const { name, nesting, file, skip, todo, details } = data;
    const line = {
      name,
      nesting,
      file,
      ms: details.duration_ms,
      isSuite: details.type === 'suite',
      isSkipped: (skip ?? todo) !== undefined,
    };
    if (type === 'test:fail') Object.assign(line, { failure: details.error?.failureType ?? 'failed', text: textOf(details.error) });
    yield `${JSON.stringify(line)}\n`;
  }
}
