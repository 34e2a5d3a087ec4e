/** npm run test:package: every line of docs/quickstart.md, on three bare machines, as a person would type it. Needs root. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startLab } from '../support/cluster/lab.ts';
import { repository, tools } from '../support/cluster/paths.ts';
import { promisedMs } from '../support/promised.ts';
import { type BareMachine, bareMachine, debianRoot, packageOf } from './bare-machine.ts';
import { systemd } from './systemd.ts';

interface Step {
  readonly machine: string;
  /** Undefined: the line that the step before has printed. */
  readonly command: string | undefined;
}

/** What the page says to type, and where. Pure. */
function stepsOf(page: string): readonly Step[] {
  const steps: Step[] = [];
  let machine = '';
  let open: string[] | undefined;
  for (const text of page.split('\n')) {
    const line = /^ {4}(.*)$/.exec(text)?.[1];
    if (line === undefined) {
      const named = [...text.matchAll(/(Run the line that it prints on )?\*\*(m\d)\*\*/g)];
      for (const [, printed, where = ''] of named) {
        if (printed !== undefined) steps.push({ machine: where, command: undefined });
        else machine = where;
      }
    } else if (open !== undefined) {
      open.push(line);
      if (line === 'END') {
        steps.push({ machine, command: open.join('\n') });
        open = undefined;
      }
    } else if (line.includes('<<')) open = [line];
    else steps.push({ machine, command: line });
  }
  return steps;
}

async function dispose(held: readonly (Disposable | AsyncDisposable)[]): Promise<void> {
  for (const one of held.toReversed())
    if (Symbol.asyncDispose in one) await one[Symbol.asyncDispose]();
    else one[Symbol.dispose]();
}

describe('the quickstart', () => {
  it('works line by line on three bare machines', { timeout: 900_000 }, async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'arpanet-quickstart-'));
    try {
      await using lab = await startLab({ count: 3, mixed: false });
      const held: (Disposable | AsyncDisposable)[] = [];
      // AsyncDisposableStack is not in Node 20
      await using _ = { [Symbol.asyncDispose]: () => dispose(held) };
      const machines = new Map<string, BareMachine>();
      for (const [i, host] of lab.hosts.entries()) {
        const machine = await bareMachine(host, debianRoot());
        held.push(machine);
        machines.set(`m${i + 1}`, machine);
        mkdirSync(join(scratch, `m${i + 1}`));
        held.push(await systemd(machine, join(scratch, `m${i + 1}`)));
      }
      const [one] = lab.hosts;
      const m1 = machines.get('m1');
      assert.ok(one !== undefined && m1 !== undefined);
      m1.bring(packageOf('.deb'), 'arpanet_0_amd64.deb');
      m1.bring(tools.composeV2(), 'docker-compose');
      const plugins = '/usr/libexec/docker/cli-plugins';
      await m1.run(['sh', '-c', `mv /arpanet_0_amd64.deb /root; mkdir -p ${plugins}; mv /docker-compose ${plugins}`]);

      const exported: string[] = [];
      let printed = '';
      const page = readFileSync(join(repository, 'docs', 'quickstart.md'), 'utf8').replaceAll('10.0.0.1', one.address);
      const steps = stepsOf(page);
      assert.ok(steps.length > 25, 'the page is read');
      const said = new Map<string, string>();
      const beganMs = Date.now();
      for (const { machine, command = printed } of steps) {
        const isRefused = command.includes('# refused');
        const script = ['cd /root', ...(machine === 'm1' ? exported : []), command].join('\n');
        const done = await machines
          .get(machine)
          ?.run(['sh', '-c', `exec 2>&1; ${script}`])
          .then(
            (text) => ({ text, isDone: true }),
            (error: unknown) => ({ text: String(error), isDone: false }),
          );
        assert.equal(done?.isDone, !isRefused, `${machine}: ${command}\n${done?.text ?? ''}`);
        const text = done?.text ?? '';
        said.set(command, text);
        if (/^(export|unset) /.test(command)) exported.push(command);
        printed = /^ *(curl .*)$/m.exec(text)?.[1] ?? '';
        if (command.startsWith('docker run')) assert.match(text, /HostConfig.Privileged is true/);
      }
      assert.ok(Date.now() - beganMs < promisedMs(300_000), 'in five minutes');
      assert.match(
        [...said.values()].join('\n'),
        /^ok {4}VXLAN \(UDP 4789\) passes to other hosts and back, in packets of 1500 bytes: m1 m2$/m,
        'what m3 tried',
      );
      const last = (word: string) => [...said].filter(([command]) => command.startsWith(word)).at(-1)?.[1] ?? '';
      assert.match(last('arpanet hosts\n') || last('arpanet hosts'), /m\d/);
      assert.doesNotMatch(last('docker ps --format'), /^m2 /m, 'm2 is drained');
      assert.match(last('docker ps --format'), /abc-web-3/);
      assert.match(last('curl'), /not on this machine any more/);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });
});
