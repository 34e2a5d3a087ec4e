/** Another release for the agent of a host: ordered, and waited for until the host is back with it. Effects: messages to its agent, those of drains. */
import type { HostOperations, HostUpgrade, Progress, ReleaseSource } from '../../contracts/index.ts';
import { hostNamed } from '../../config/nearest.ts';
import { ArpanetError, isKind, type UpgradeState } from '../../model/index.ts';
import type { Core } from '../core.ts';
import { type Drain, FOR_UPGRADE } from './drain.ts';
import type { HostLock } from './host-lock.ts';
import { pauseWhileLeading } from '../leading.ts';

/** The script waits for a minute, and fetches a package before. */
const PATIENCE_MS = 300_000;
const ASK_MS = 500;

export interface HostUpgrades {
  readonly upgrade: HostOperations['upgrade'];
  /** Hosts that an earlier leader emptied for their upgrade take containers again, each once its agent is back and has ended it. */
  readonly resume: () => void;
}

export function createHostUpgrade(core: Core, { drain, activate }: Pick<Drain, 'drain' | 'activate'>, lock: HostLock): HostUpgrades {
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
    const { token, withdraw } = await source.token(host);
    try {
      await agents.upgrade(host, { url: source.url, token, ...(source.isForced === true && { isForced: true }) });
      await back(host, source, progress);
    } finally {
      // where this leads no more, it ends by its time
      if (!lost.aborted)
        await withdraw().catch((error: unknown) =>
          deps.log.warn({ host, err: error }, 'the join token of an upgrade ends by its time alone'),
        );
    }
  }

  async function back(host: string, source: ReleaseSource, progress: Progress): Promise<void> {
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

  const isMarked = (host: string): boolean => hosts.one(host)?.record.drainedFor === FOR_UPGRADE;

  /** Holds no lock while it waits: an operator who activates or drains the host, which takes the mark away, is not refused. */
  async function reopen(host: string): Promise<void> {
    deps.log.info({ host }, 'emptied for an upgrade under an earlier leader: takes containers again once its agent is back');
    for (; isMarked(host); await pauseWhileLeading(ASK_MS, lost)) {
      if (hosts.one(host)?.state !== 'alive' || (await stateOf(host))?.state === 'running') continue;
      // an upgrade that was ordered again, or somebody else, has it
      if (current === host || lock.doing(host) !== undefined || !isMarked(host)) continue;
      await activate(host);
      deps.log.info({ host }, 'takes containers again: it was emptied for an upgrade under an earlier leader');
    }
  }

  async function upgrade(name: string, source: ReleaseSource, progress: Progress): Promise<HostUpgrade> {
    const { name: host, record, facts } = able(name);
    const had = facts?.agentVersion ?? '';
    if (had === source.release) return { host, had, has: had };
    if (current !== undefined)
      throw new ArpanetError(
        'conflict',
        `${current} is being upgraded: one host at a time; wait until that has ended ("arpanet operations")`,
      );
    const isEmptied = source.isDrained === true && (record.availability === 'active' || record.drainedFor === FOR_UPGRADE);
    current = host;
    try {
      if (isEmptied) await drain(host, progress, { drainedFor: FOR_UPGRADE });
      await lock.hold(host, 'being upgraded', () => install(host, source, progress));
    } finally {
      // also after a step that failed: the host has its old release then, and takes containers as before; not where an operator has set it meanwhile
      if (isMarked(host) && !lost.aborted)
        await activate(host).catch((error: unknown) =>
          progress(
            `${host} still takes no containers: "arpanet activate ${host}" (${error instanceof Error ? error.message : String(error)})`,
          ),
        );
      current = undefined;
    }
    progress(`${host}: has ${source.release}, and had ${had}`);
    return { host, had, has: source.release };
  }

  return {
    upgrade,
    resume() {
      for (const { name } of hosts.list())
        if (isMarked(name))
          reopen(name).catch(
            (error: unknown) =>
              lost.aborted || deps.log.warn({ host: name, err: error }, `takes no containers: "arpanet activate ${name}"`),
          );
    },
  };
}

/** What the script printed of its failure, in one line. Pure. */
function reasonIn(said: string): string {
  const lines = said.split('\n');
  const at = lines.findIndex((line) => line.startsWith('FAIL'));
  const reasons = (at < 0 ? lines.slice(-3) : lines.slice(at, at + 2)).map((line) => line.replace(/^FAIL/, '').trim());
  return reasons.filter((line) => line !== '').join(': ') || 'the upgrade failed and said nothing';
}
