/**
 * What an agent does for published ports, in the network namespace that this process is in: 1,000 services of ten instances. For each line of its stdin five changes of one
 * service's instances, each while the agent looks whether its rules are as they should be; prints the milliseconds of the slowest.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pino } from 'pino';
import { openAgentFiles } from '../src/hostagent/agent-files.ts';
import { createIngress } from '../src/hostagent/ingress/ingress.ts';
import { INSTANCES, servicePort, SERVICES } from './ports-tables.ts';

const log = pino({ level: 'warn' }, pino.destination(2));
const folder = mkdtempSync(join(tmpdir(), 'arpanet-bench-'));
const file = openAgentFiles(folder, log).ingress;
const ingress = createIngress({ overlay: 'vxlan', host: 'h1', file, subnets: () => ['10.32.0.0/22'], apis: () => [], patienceMs: 0, log });
const all = Array.from({ length: SERVICES }, (_, index) => servicePort(index, INSTANCES));
ingress.take({ type: 'ingress', isWhole: true, ports: all, hosts: [] });
await ingress.settle();
console.log('0');
let running = INSTANCES;
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
while ((await lines.next()).done !== true) {
  let slowest = 0;
  for (let times = 0; times < 5; times++) {
    running = running === INSTANCES ? INSTANCES - 1 : INSTANCES;
    const look = ingress.reconcile();
    const began = performance.now();
    ingress.take({ type: 'ingress', ports: [servicePort(0, running)] });
    await ingress.settle();
    slowest = Math.max(slowest, performance.now() - began);
    await look;
  }
  console.log(String(slowest));
}
rmSync(folder, { recursive: true });
process.exit(0);
