#!/usr/bin/env node
// npm run bench [-- PART…]: each row compares arpanet with what a user would pick instead, in turns, in one run. Writes docs/performance.md when all
// parts ran.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, root } from './build.mjs';
import { setup } from './setup.mjs';

process.chdir(root);
await setup('bench');
// ARPANET_MAIN: the main.js of another build to measure
if (process.env.ARPANET_MAIN === undefined && !build()) process.exit(1);
const { register } = await import('tsx/esm/api');
register();

const PARTS = ['dns', 'leases', 'overlay', 'api', 'tls'];
const asked = process.argv.slice(2);
/** Only when asked for: they take long, or stand beside no other program. */
const BY_HAND = ['scale', 'abuse', 'ports', 'dashboard', 'dashboard-pictures'];
const unknown = asked.filter((part) => ![...PARTS, ...BY_HAND].includes(part));
if (unknown.length > 0) {
  console.error(`unknown part ${unknown.join(', ')}; there are: ${[...PARTS, ...BY_HAND].join(', ')}`);
  process.exit(2);
}
// Classic Swarm (Go), measured once against the same engines; it is not available here, so its figures are those of that run.
const SWARM = JSON.parse(readFileSync(join(root, 'bench', 'classic-swarm.json'), 'utf8'));

/** Of 1, 5 and 15 minutes: what else ran. */
const loadBefore = loadavg();
const median = (figures) => [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)] ?? NaN;
const short = (value) => (!Number.isFinite(value) ? '–' : Math.abs(value) >= 100 ? Math.round(value).toString() : value.toPrecision(3));
/** Of a difference. */
const signed = (value) => `${value < 0 ? '' : '+'}${short(value)}`;
const cells = (row) => {
  const ours = `${short(median(row.ours))} ${row.unit}`;
  const swarm = SWARM[row.work] ?? '–';
  if (row.theirs.length === 0) return [row.work, row.beside, ours, '–', '–', '–', swarm, row.reach];
  // times are compared by their difference, everything else by its ratio
  const isTime = row.unit === 'ms';
  const pairs = row.ours.map((figure, i) => (isTime ? figure - row.theirs[i] : figure / row.theirs[i]));
  const ratio = isTime ? `${signed(median(pairs))} ms` : `${short(median(pairs))}×`;
  const spread = pairs.length > 1 ? [Math.min(...pairs), Math.max(...pairs)].map(short).join(isTime ? ' to ' : '–') : '–';
  return [row.work, row.beside, ours, `${short(median(row.theirs))} ${row.unit}`, ratio, spread, swarm, row.reach];
};

const header = ['work', 'compared with', 'arpanet', 'the other', 'ratio', 'spread', 'classic Swarm', 'target'];
const line = (row) => `| ${row.join(' | ')} |`;
const rows = [];
for (const part of asked.length === 0 ? PARTS : asked) {
  process.stderr.write(`bench: ${part} …\n`);
  const began = performance.now();
  const { run } = await import(pathToFileURL(join(root, 'bench', `${part}.ts`)).href);
  for await (const row of await run()) {
    rows.push(row);
    process.stderr.write(`${line(cells(row))}\n`);
  }
  process.stderr.write(`bench: ${part} took ${Math.round((performance.now() - began) / 1000)} s\n`);
}
const lines = [header, header.map(() => '---'), ...rows.map(cells)].map(line);
console.log(lines.join('\n'));
const path = join(root, 'docs', 'performance.md');
const machine = `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.versions.node}`;
const table = (all) => [all[0], all[0].map(() => '---'), ...all.slice(1)].map(line).join('\n');
/** Parts that have a place of their own in the page: what stands there. */
const OWN = {
  scale: () =>
    `![Curves over the number of hosts](scale.svg)\n\n${madeBy('scale')}\n\n${table([['work', 'arpanet', 'target'], ...rows.map(cells).map((row) => [row[0], row[2], row[7]])])}`,
  // classic Swarm publishes no port
  ports: () => `${madeBy('ports')}\n\n${table([header, ...rows.map(cells)].map((row) => row.filter((_, column) => column !== 6)))}`,
};
const madeBy = (part) => {
  const loads = [loadBefore, loadavg()].map((load) => load.map((one) => one.toFixed(1)).join(' '));
  return `Made by \`npm run bench -- ${part}\`. Machine: ${machine}; load average ${loads.join(' before and ')} after.`;
};
if (asked.length === 1 && OWN[asked[0]] !== undefined) {
  const [begins, ends] = [`<!-- ${asked[0]} -->`, `<!-- /${asked[0]} -->`];
  const [before = '', rest = ''] = readFileSync(path, 'utf8').split(begins);
  const after = rest.split(ends)[1] ?? rest;
  writeFileSync(path, `${before}${begins}\n${OWN[asked[0]]()}\n${ends}${after}`);
}
if (asked.length === 0) {
  const notes = readFileSync(path, 'utf8').split('<!-- notes -->')[1] ?? '\n';
  writeFileSync(
    path,
    `# Performance\n\nMade by \`npm run bench\`: each row compares arpanet with what a user would pick instead, in turns, in one run. The ratio is the median of the rounds'\nratios, the spread their minimum and maximum. Clients, Engines, Consul and arpanet share one machine, so ratios matter and absolute figures say little.\n\nMachine: ${machine}.\n\n${lines.join('\n')}\n<!-- notes -->${notes}`,
  );
}
process.exit(0);
