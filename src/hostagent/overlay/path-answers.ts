/**
 * The other end for a machine that tries, before it joins, whether VXLAN passes between here and there: a device in a network namespace of its own, and a process in it that sends
 * back what it is sent. All of it ends after two minutes, or with the agent. Effects: a process in a network namespace, `ip`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ArpanetError } from '../../model/errors.ts';
import { VXLAN_PORT } from '../../model/ingress.ts';
import type { PathTrial } from '../../model/wire.ts';
import { VXLAN_OVERHEAD_BYTES } from './plan.ts';
import { readUnderlay } from './observe.ts';
import { run } from './run.ts';

/** More than the machine takes for the trials with all hosts. */
const LIFE_MS = 120_000;
/** Of machines at once. */
const MOST = 4;
const DEVICE = 'arpanet0';

/** In the namespace. It calls the machine on its own, too: so that tells which of the two ways is closed. */
const ANSWERER = `
  const theirs = process.argv[1];
  require('node:http').createServer((request, response) => request.pipe(response)).listen(80, () => process.stdout.write('listens'));
  const calls = require('node:dgram').createSocket('udp4').on('error', () => undefined);
  setInterval(() => calls.send('', 9, theirs, () => undefined), 200);
  process.stdin.resume().once('end', () => process.exit());`;

/** Answers until the trial's time is over. Throws `unsupported` without an overlay, `exhausted` while there are too many, and `unavailable` with what the kernel said. */
export function createPathAnswers(overlay: 'vxlan' | 'none', address: string, signal: AbortSignal): (trial: PathTrial) => Promise<void> {
  let running = 0;
  return async ({ peer, vni, own, theirs, mtu }) => {
    if (overlay === 'none') throw new ArpanetError('unsupported', 'this host has no overlay');
    if (running >= MOST) throw new ArpanetError('exhausted', `${MOST} machines try their way to this host already`);
    // before anything is waited for: many may ask at once
    running += 1;
    const { link } = await readUnderlay(address).catch((error: unknown) => {
      running -= 1;
      throw error;
    });
    const child = spawn('unshare', ['--net', process.execPath, '-e', ANSWERER, theirs], { stdio: ['pipe', 'pipe', 'ignore'] });
    const end = (): void => {
      child.kill('SIGKILL');
    };
    const timer = setTimeout(end, LIFE_MS).unref();
    signal.addEventListener('abort', end, { once: true });
    child.once('close', () => {
      running -= 1;
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    });
    try {
      // rejects with the error of a program that does not exist, too
      const ended = once(child, 'close').then(() => Promise.reject(new Error('it ended')));
      await Promise.race([once(child.stdout, 'data'), ended]);
      const vxlan = [
        'type',
        'vxlan',
        'id',
        String(vni),
        'local',
        address,
        'remote',
        peer,
        'dev',
        link,
        'dstport',
        String(VXLAN_PORT),
        'noudpcsum',
      ];
      await run('ip', ['link', 'add', DEVICE, 'netns', String(child.pid), ...vxlan]);
      const within = (...args: readonly string[]) => run('nsenter', [`--net=/proc/${child.pid}/ns/net`, 'ip', ...args]);
      await within('addr', 'add', `${own}/24`, 'dev', DEVICE);
      // each packet on its own, as large as it is: one that the kernel has for several passes virtual links of any size
      await within('link', 'set', DEVICE, 'mtu', String(mtu - VXLAN_OVERHEAD_BYTES), 'gso_max_segs', '1', 'up');
    } catch (cause) {
      end();
      throw new ArpanetError('unavailable', `cannot answer over VXLAN: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
    }
  };
}
