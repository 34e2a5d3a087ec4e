/** `npm run conformance [-- PATTERN] [--engine 20.10|26.1|newest] [--page]`. Exit code 1: a difference is not listed. */
import { parseArgs } from 'node:util';
import { writePage } from './page.ts';
import { ENGINES, replay } from './run.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { engine: { type: 'string', default: '20.10' }, page: { type: 'boolean' } },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (values.page === true) {
  writePage();
} else {
  const [pattern] = positionals;
  const only = pattern === undefined ? undefined : new RegExp(pattern);
  const engine = ENGINES.find((one) => one === values.engine);
  if (engine === undefined) throw new Error(`no engine ${values.engine}: there are ${ENGINES.join(', ')}`);
  const started = Date.now();
  const result = await replay({ engine, only, say, soak: only === undefined ? 10_000 : 0 });
  for (const one of result.unseen) say(`listed but not seen: ${[one.route].flat().join(', ')} ${one.at.source} ${one.what}`);
  say(
    `${result.cases} cases, ${result.steps} steps, ${result.unlisted.length} differences that are not listed, ${Date.now() - started} ms`,
  );
  for (const one of result.left) say(`left by 10,000 mixed requests: ${one}`);
  process.exitCode = result.unlisted.length === 0 && result.left.length === 0 ? 0 : 1;
}
