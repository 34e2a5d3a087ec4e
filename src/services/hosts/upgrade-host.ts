/** Another release for the agent of a host: ordered, and waited for until the host is back with it. Effects: messages to its agent, those of drains. */
import type { HostOperations, HostUpgrade, Progress, ReleaseSource } from '../../contracts/index.ts';
import { hostNamed } from '../../config/nearest.ts';
import { ArpanetError, isKind, type UpgradeState } from '../../model/index.ts';
import type { Core } from '../core.ts';
import type { Drain } from './drain.ts';
import type { HostLock } from './host-lock.ts';
import { pauseWhileLeading } from '../leading.ts';

/** The script waits for a minute, and fetches a package before. */
const PATIENCE_MS = 300_000;
const ASK_MS = 500;

export function createHostUpgrade(
  core: Core,
  { drain, activate }: Pick<Drain, 'drain' | 'activate'>,
  lock: HostLock,
): HostOperations['upgrade'] {
  const { deps, lost } = core;
  const { hosts, agents } = deps.scheduler;
  /** The host whose upgrade goes on: a cluster loses one host at a time to it. */
  let current: string | undefined;

  /** The host as it is now, connected. Throws `conflict` for one that cannot be asked. */
  function able(name: string) {
    const host = hostNamed(name, hosts.list());
    if (host.state !== 'alive')
      throw new ArpanetError('conflict', `${host.name} is ${host.state}: repair it first ("arpanet hosts inspect ${host.name}")`);
    if (host.facts?.upgradesItself !== true)
      throw new ArpanetError('conflict', `${host.name} does not upgrade itself: "arpanet upgrade --plan" says what to run there`);
    return host;
  }

  /** Undefined: it cannot be asked now, as while it starts. */
  async function stateOf(host: string): Promise<UpgradeState | undefined> {
    try {
      return await agents.upgrade(host);
    } catch (error) {
      if (isKind(error, 'unavailable', 'timeout', 'unsupported')) return undefined;
      throw error;
    }
  }

  async function install(host: string, source: ReleaseSource, progress: Progress): Promise<void> {
    await agents.upgrade(host, { url: source.url, token: await source.token(host), ...(source.isForced === true && { isForced: true }) });
    progress(`${host}: fetches ${source.release} and starts with it`);
    const endMs = deps.now() + PATIENCE_MS;
    for (;;) {
      await pauseWhileLeading(ASK_MS, lost);
      const state = await stateOf(host);
      if (state?.state === 'ended' && state.code !== 0) throw new ArpanetError('conflict', `${host}: ${reasonIn(state.said)}`);
      const now = hosts.one(host);
      const isIn = now?.state === 'alive' && now.facts?.agentVersion === source.release;
      // a release of before does not know the question
      if (isIn && (state === undefined || state.state === 'ended')) return;
      if (deps.now() > endMs)
        throw new ArpanetError(
          'timeout',
          `${host} is not back with ${source.release} after ${PATIENCE_MS / 60_000} minutes: journalctl -u arpanet-upgrade -u arpanet-agent there says why`,
        );
    }
  }

  return async (name, source, progress): Promise<HostUpgrade> => {
    const { name: host, record, facts } = able(name);
    const had = facts?.agentVersion ?? '';
    if (had === source.release) return { host, had, has: had };
    if (current !== undefined)
      throw new ArpanetError(
        'conflict',
        `${current} is being upgraded: one host at a time; wait until that has ended ("arpanet operations")`,
      );
    const isEmptied = source.isDrained === true && record.availability === 'active';
    current = host;
    try {
      if (isEmptied) await drain(host, progress);
      await lock.hold(host, 'being upgraded', () => install(host, source, progress));
    } finally {
      // also after a step that failed: the host has its old release then, and takes containers as before
      if (isEmptied && !lost.aborted)
        await activate(host).catch((error: unknown) =>
          progress(
            `${host} still takes no containers: "arpanet activate ${host}" (${error instanceof Error ? error.message : String(error)})`,
          ),
        );
      current = undefined;
    }
    progress(`${host}: has ${source.release}, and had ${had}`);
    return { host, had, has: source.release };
  };
}

/** What the script printed of its failure, in one line. Pure. */
function reasonIn(said: string): string {
  const lines = said.split('\n');
  const at = lines.findIndex((line) => line.startsWith('FAIL'));
  const reasons = (at < 0 ? lines.slice(-3) : lines.slice(at, at + 2)).map((line) => line.replace(/^FAIL/, '').trim());
  return reasons.filter((line) => line !== '').join(': ') || 'the upgrade failed and said nothing';
}
