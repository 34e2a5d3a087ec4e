/** What tests of packages begin with: two hosts of a lab, a bare machine on each, and a scheduler from the .deb on the first. Effects: those of labs and bare machines. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { until } from '../support/cluster/cluster.ts';
import { type Lab, startLab } from '../support/cluster/lab.ts';
import { type BareMachine, bareMachine, debianRoot, packageOf, startUnit } from './bare-machine.ts';

type LabHost = Lab['hosts'][number];

export interface TwoMachines extends AsyncDisposable {
  /** For logs. */
  readonly scratch: string;
  readonly one: LabHost;
  readonly two: LabHost;
  readonly first: BareMachine;
  readonly second: BareMachine;
}

export async function twoMachines(): Promise<TwoMachines> {
  const scratch = mkdtempSync(join(tmpdir(), 'arpanet-package-test-'));
  const held: AsyncDisposable[] = [];
  const dispose = async (): Promise<void> => {
    for (const one of held.toReversed()) await one[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  };
  try {
    const lab = await startLab({ count: 2, mixed: false });
    held.push(lab);
    const [one, two] = lab.hosts;
    assert.ok(one !== undefined && two !== undefined);
    const lower = debianRoot();
    const first = await bareMachine(one, lower);
    held.push(first);
    const second = await bareMachine(two, lower);
    held.push(second);
    return { scratch, one, two, first, second, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Installs that under test, which must not ask anything, or this .deb of before, which may. */
export async function installDeb(machine: BareMachine, older?: string): Promise<void> {
  const file = older ?? packageOf('.deb');
  // another name each: a file that the machine has is not seen to change
  machine.bring(file, basename(file));
  await machine.run(['dpkg', ...(older === undefined ? [] : ['--force-confold']), '--install', `/${basename(file)}`]);
}

/** Starts the first machine's scheduler with TLS and an embedded store, or with these settings, and waits until it leads. */
export async function startScheduler({ first, one, scratch }: TwoMachines, settings?: string) {
  const own = `listen: [tcp://127.0.0.1:2375, "tls://${one.address}:2378"]\nstore: embedded:/var/lib/arpanet/scheduler\n`;
  await first.run(['sh', '-c', 'cat > /etc/arpanet/scheduler.yaml'], settings ?? own);
  const running = await startUnit(first, 'arpanet-scheduler', join(scratch, 'scheduler.log'));
  await until('the scheduler leads', () => first.run(['arpanet', 'token']));
  return running;
}
