/**
 * Another release for this host, on the leader's word: the script of the leader's own release, fetched with this host's certificate, installs it and starts the agent with it, as the line of
 * `arpanet upgrade` does. It runs as a unit of its own, which the end of this process does not end. Effects: HTTPS, files of the data folder, systemd.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { shortRequest } from '../../engine/short-request.ts';
import { ArpanetError } from '../../model/errors.ts';
import type { UpgradeState } from '../../model/facts.ts';
import type { UpgradeOrder } from '../../model/wire.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { HostIdentity } from '../identity/host-identity.ts';

/** Where the line of `arpanet hosts add` puts the program. */
const LINE_DIR = '/usr/local/lib/arpanet/';
const UNIT = 'arpanet-upgrade';
const FETCH_MS = 20_000;
/** What the script said is for a person. */
const MOST_SAID = 4_000;

/** What the script leaves is read by the agent of the release that it started: files, and not what is in memory. */
const RUN = `cd "$1" || exit 1; shift; ARPANET_TOKEN_FILE=$PWD/token sh ./join.sh --upgrade "$@" >said 2>&1; echo $? >ended.new; rm -f token; mv ended.new ended`;

/** Whether a program at this path was placed by the line, and systemd starts it again. Packages are upgraded by their own tools. */
export const upgradesItself = (program: string, isThere: (path: string) => boolean = existsSync): boolean =>
  program.startsWith(LINE_DIR) && isThere('/run/systemd/system') && ['/usr/bin/systemd-run', '/bin/systemd-run'].some(isThere);

export interface SelfUpgradeDeps {
  readonly dataDir: string;
  readonly identity: Pick<HostIdentity, 'toScheduler'>;
  readonly isAble: boolean;
  /** Runs a program; rejects with what it printed. */
  readonly run: (command: string, args: readonly string[]) => Promise<string>;
  readonly log: Logger;
}

/** With an order it begins, without one it says how far it is. Throws `unsupported`, `conflict` while another runs and for a scheduler without TLS, `unavailable`. */
export function createSelfUpgrade(
  { dataDir, identity, isAble, run, log }: SelfUpgradeDeps,
  signal: AbortSignal,
): (order?: UpgradeOrder) => Promise<UpgradeState> {
  const dir = join(dataDir, 'upgrade');
  const read = (leaf: string): string | undefined => {
    try {
      return readFileSync(join(dir, leaf), 'utf8');
    } catch {
      return undefined;
    }
  };
  const write = (leaf: string, text: string): void => writeFileSync(join(dir, leaf), text, { mode: 0o600 });

  function state(): UpgradeState {
    const said = (read('said') ?? '').slice(-MOST_SAID);
    const code = read('ended');
    if (code !== undefined) return { state: 'ended', code: Number.parseInt(code, 10) || 0, said };
    return { state: read('join.sh') === undefined ? 'none' : 'running', said };
  }

  async function begin({ url, token, isForced = false }: UpgradeOrder): Promise<UpgradeState> {
    if (!isAble)
      throw new ArpanetError(
        'unsupported',
        'this host does not upgrade itself: its program is a package of its own, or no systemd keeps it',
      );
    if (!url.startsWith('https:'))
      throw new ArpanetError(
        'conflict',
        `the script of ${url} would come in the clear, and it runs as root: this host takes another release by https:// alone (schedulers with --listen tls://)`,
      );
    const within = AbortSignal.any([signal, AbortSignal.timeout(FETCH_MS)]);
    const tls = await identity.toScheduler(url, within);
    const answer = await shortRequest({ url: new URL('/arpanet/v1/join.sh', url).href, signal: within, tls });
    if (answer.status !== 200)
      throw new ArpanetError('unavailable', `the scheduler at ${url} gives no script: it answers ${answer.status}`);
    // one that runs reads its script while it does
    const isUnderWay = await run('systemctl', ['is-active', '--quiet', UNIT]).then(
      () => true,
      () => false,
    );
    if (isUnderWay) throw new ArpanetError('conflict', 'an upgrade of this host is under way');
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    write('token', `${token}\n`);
    write('join.sh', answer.text);
    log.info({ scheduler: url }, 'the upgrade of this host begins');
    await run('systemd-run', [`--unit=${UNIT}`, '--collect', '--quiet', '/bin/sh', '-c', RUN, 'sh', dir, ...(isForced ? ['--force'] : [])]);
    return state();
  }

  return async (order) => (order === undefined ? state() : await begin(order));
}
