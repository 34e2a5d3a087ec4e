/** `npm run faults -- --minutes M --seed S`: runs the fault lab and prints its report as JSON; exit code 1 when an invariant was violated. */
import { parseArgs } from 'node:util';
import { runFaults } from './run.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '5' }, seed: { type: 'string' } } });
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const minutes = Number(values.minutes);
const say = (line: string): void => void process.stderr.write(`${line}\n`);
say(`seed ${seed}, ${minutes} minutes`);
const report = await runFaults({ minutes, seed, say });
process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
process.exit(report.violations.length === 0 ? 0 : 1);
