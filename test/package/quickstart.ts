/** npm run test:package: every line of docs/quickstart.md, on three bare machines, as a person would type it. Needs root and debootstrap. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startLab } from '../support/cluster/lab.ts';
import { repository, tools } from '../support/cluster/paths.ts';
import { type BareMachine, bareMachine, debianRoot, packageOf, startUnit } from './bare-machine.ts';

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

/** There is no systemd in a folder: what it is asked to start is started by the test, by the same lines. */
const SYSTEMCTL = `#!/bin/sh
for unit; do :; done
unit=\${unit%.service}
case "$*" in
  *--now*disable*|*disable*--now*) touch "/run/systemd/stop.$unit"; while [ -e "/run/systemd/stop.$unit" ]; do sleep 0.2; done ;;
  *--now*|restart*) touch "/run/systemd/start.$unit"; while [ -e "/run/systemd/start.$unit" ]; do sleep 0.2; done ;;
esac
[ "$unit" != arpanet-scheduler ] || until curl -sf http://127.0.0.1:2375/_ping >/dev/null; do sleep 0.5; done
`;

/** Serves a machine's systemctl, until it is disposed of. */
async function systemd(machine: BareMachine, logs: string): Promise<Disposable> {
  for (const [name, text] of [
    ['systemctl', SYSTEMCTL],
    ['sudo', '#!/bin/sh\nexec "$@"\n'],
  ] as const)
    await machine.run(['sh', '-c', `mkdir -p /run/systemd/system; cat > /usr/local/bin/${name}; chmod 755 /usr/local/bin/${name}`], text);
  const at = machine.path('/run/systemd');
  const running = new Map<string, Awaited<ReturnType<typeof startUnit>>>();
  let busy = false;
  async function look(): Promise<void> {
    for (const unit of ['arpanet-scheduler', 'arpanet-agent']) {
      const [start, stop] = [join(at, `start.${unit}`), join(at, `stop.${unit}`)];
      if (!existsSync(start) && !existsSync(stop)) continue;
      running.get(unit)?.kill('SIGTERM');
      if (existsSync(start)) running.set(unit, await startUnit(machine, unit, join(logs, `${unit}.log`)));
      await machine.run(['rm', '-f', `/run/systemd/start.${unit}`, `/run/systemd/stop.${unit}`]);
    }
  }
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    look().then(
      () => (busy = false),
      (error: unknown) => console.error(error),
    );
  }, 200);
  return { [Symbol.dispose]: () => clearInterval(timer) };
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
