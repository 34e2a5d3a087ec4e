/** Effects: the proxy's process (`haproxy`, a master and its workers), which goes on when the agent ends, its files and its socket. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ArpanetError } from '../../model/errors.ts';
import { run } from '../overlay/run.ts';
import { pathsIn, type ProxyPlan, whyNot } from './plan.ts';

export interface Proxy {
  /** The program is installed. */
  readonly exists: () => Promise<boolean>;
  /** The version of the configuration that it works by now; undefined: it does not run. */
  readonly version: () => Promise<string | undefined>;
  /** It runs, as far as the kernel knows. */
  readonly isRunning: () => boolean;
  /** Starts it, or makes it take this configuration without a connection lost: one that runs already, also where another process has started it. Throws `unavailable` with what it says. */
  readonly load: (plan: ProxyPlan) => Promise<void>;
  /** Carries out commands; resolves with what it said. Throws `unavailable` where it does not answer. */
  readonly ask: (commands: readonly string[]) => Promise<string>;
  /** Also one that this process knows nothing of. */
  readonly stop: () => Promise<void>;
}

const ANSWER_MS = 5_000;
const LOOK_MS = 50;
/** Commands of one connection: they must fit into one buffer of 16 KiB. */
const AT_ONCE = 60;
const SCOPE = 'arpanet-http';

export function createProxy(folder: string): Proxy {
  const paths = pathsIn(folder);
  let pid: number | undefined;

  const isAlive = (one: number | undefined): boolean => {
    try {
      return one !== undefined && process.kill(one, 0);
    } catch {
      return false;
    }
  };

  function say(line: string): Promise<string> {
    return new Promise((resolve, reject) => {
      let text = '';
      const failed = (why: string): void => {
        socket.destroy();
        reject(new ArpanetError('unavailable', `the proxy does not answer: ${why}`));
      };
      const socket = connect(paths.socket);
      socket
        .setTimeout(ANSWER_MS, () => failed(`nothing for ${ANSWER_MS / 1000} s`))
        .setEncoding('utf8')
        .on('data', (data: string) => (text += data))
        .on('error', (error) => failed(error.message))
        .on('end', () => resolve(text))
        .write(`${line}\n`);
    });
  }

  async function version(): Promise<string | undefined> {
    const text = await say('show info').catch(() => '');
    if (text === '') return undefined;
    pid = Number(await readFile(paths.pid, 'utf8').catch(() => '')) || undefined;
    return /^[Dd]escription: ?(\S*)$/m.exec(text)?.[1] ?? '';
  }

  async function settled(wanted: string | undefined, failure: string): Promise<void> {
    const end = performance.now() + ANSWER_MS;
    while ((await version()) !== wanted) {
      if (performance.now() > end) throw new ArpanetError('unavailable', failure);
      await sleep(LOOK_MS);
    }
  }

  async function start(): Promise<void> {
    const words = ['haproxy', '-W', '-D', '-p', paths.pid, '-f', paths.config];
    // under systemd outside of the agent's control group; else not in the group of the shell, which is ended with what hangs in it
    if (existsSync('/run/systemd/system')) await runOrSay('systemd-run', ['--scope', '--quiet', '--collect', `--unit=${SCOPE}`, ...words]);
    else await runOrSay('setsid', words);
  }

  /** With their workers, and with what these still have. */
  async function end(masters: readonly number[]): Promise<void> {
    for (const one of masters) process.kill(one, 'SIGTERM');
    const until = performance.now() + ANSWER_MS;
    while (masters.length > 0 && (await mastersOf(paths.config)).some((one) => masters.includes(one))) {
      if (performance.now() > until) throw new ArpanetError('unavailable', 'the proxy does not end');
      await sleep(LOOK_MS);
    }
  }

  return {
    exists: () =>
      run('haproxy', ['-v']).then(
        () => true,
        () => false,
      ),
    version,
    isRunning: () => isAlive(pid),
    async load({ config, map, hosts, version: wanted }) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(paths.map, map);
      await writeFile(paths.hosts, hosts.map((host) => `${host}\n`).join(''));
      await writeFile(paths.config, config, { mode: 0o600 });
      await runOrSay('haproxy', ['-c', '-f', paths.config]);
      await version();
      const masters = await mastersOf(paths.config);
      // it passes its sockets on, this one with them: one whose file is gone cannot be asked ever again
      const kept = existsSync(paths.socket) ? (masters.find((one) => one === pid) ?? masters[0]) : undefined;
      await end(masters.filter((one) => one !== kept));
      if (kept === undefined) await start();
      else process.kill(kept, 'SIGUSR2');
      await settled(wanted, 'the proxy has not taken its new configuration: another program may have one of its ports');
    },
    async ask(commands) {
      let answer = '';
      for (let from = 0; from < commands.length; from += AT_ONCE) answer += await say(commands.slice(from, from + AT_ONCE).join(';'));
      return answer;
    },
    async stop() {
      await end(await mastersOf(paths.config));
    },
  };
}

/** Throws `unavailable` with what it says of its configuration. */
async function runOrSay(command: string, words: readonly string[]): Promise<void> {
  await run(command, words).catch((error: unknown) => {
    const said = error instanceof Error ? error.message : String(error);
    throw new ArpanetError('unavailable', whyNot(said) ?? said);
  });
}

/**
 * Processes that are masters of proxies with this configuration, and of no container: these have another root folder. Their mount namespaces are not compared: each start of a
 * unit has its own (systemd.exec(5), ProtectKernelLogs), and a proxy keeps that of the agent that started it.
 */
async function mastersOf(config: string): Promise<readonly number[]> {
  const [numbers, own] = await Promise.all([readdir('/proc'), stat('/')]);
  const looks = numbers
    .filter((name) => /^\d+$/.test(name))
    .map(async (id) => {
      const words = (await readFile(`/proc/${id}/cmdline`, 'utf8')).split('\0');
      if (!words[0]?.endsWith('haproxy') || words[words.indexOf('-f') + 1] !== config) return [];
      const status = await readFile(`/proc/${id}/status`, 'utf8');
      const root = await stat(`/proc/${id}/root/`);
      return root.dev === own.dev && root.ino === own.ino ? [{ id: Number(id), parent: Number(/^PPid:\s*(\d+)$/m.exec(status)?.[1]) }] : [];
    });
  // one that ends meanwhile is none
  const found = (await Promise.all(looks.map((look) => look.catch(() => [])))).flat();
  return found.filter(({ parent }) => !found.some(({ id }) => id === parent)).map(({ id }) => id);
}
