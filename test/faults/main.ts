/** `npm run faults -- --minutes M --seed S [--kinds host-power,firewall-flush] [--simulated 50]`: runs the fault lab and prints its report as JSON; exit code 1 when an invariant was violated. */
import { parseArgs } from 'node:util';
import { runFaults } from './run.ts';
import { ALL_KINDS } from './schedule.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string' },
    kinds: { type: 'string' },
    simulated: { type: 'string', default: '0' },
  },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const kinds = values.kinds === undefined ? ALL_KINDS : ALL_KINDS.filter((kind) => values.kinds?.split(',').includes(kind));
if (kinds.length === 0) throw new Error(`--kinds ${values.kinds}: there are ${ALL_KINDS.join(', ')}`);
const minutes = Number(values.minutes);
const say = (line: string): void => void process.stderr.write(`${line}\n`);
say(`seed ${seed}, ${minutes} minutes`);
const report = await runFaults({ minutes, seed, say, kinds, simulated: Number(values.simulated) });
process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
process.exit(report.violations.length === 0 ? 0 : 1);
