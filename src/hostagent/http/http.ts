/**
 * Effects: answers for names by which HTTP reaches services, on this host, with a proxy (HAProxy) that goes on when the agent ends. What the leader says is saved at once;
 * the proxy follows. One that has died is started again.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createKeyed } from '../../async/keyed.ts';
import { ArpanetError } from '../../model/errors.ts';
import type { HttpFigures, HttpTable } from '../../model/http.ts';
import type { LeaderMessage } from '../../model/wire.ts';
import { guarded, inBackground } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { JsonFile } from '../json-file.ts';
import { readFigures } from './figures.ts';
import { hostCommands, type HttpListen, pathsIn, type ProxyPlan, proxyPlan, readServers, refusedIn, serverCommands } from './plan.ts';
import { createProxy, type Proxy } from './proxy.ts';

type Message = Extract<LeaderMessage, { readonly type: 'http' }>;

export interface Http {
  /** What the leader says is taken over and saved at once; the proxy follows. */
  readonly take: (message: Message) => void;
  /** An operator removed this host from the cluster: it answers for nothing. */
  readonly clear: () => void;
  /** Resolves once the proxy has all messages up to now. Throws `unavailable` when it cannot have them. */
  readonly settle: () => Promise<void>;
  /** Starts a proxy that has died, and has new certificates read. Never throws. */
  readonly reconcile: () => Promise<void>;
  /** What is not as it should be, in sentences. Throws nothing. */
  readonly differences: () => Promise<readonly string[]>;
  /** The same as far as it is known without looking. */
  readonly trouble: () => readonly string[];
  /** What the proxy has counted for instances. Throws `unavailable` where it does not answer. */
  readonly figures: () => Promise<readonly HttpFigures[]>;
  /** What this host does about HTTP by name. */
  readonly kind: () => Promise<'edge' | 'hop' | undefined>;
}

export interface HttpDeps {
  /** Name of this host, and its address for other hosts. */
  readonly host: string;
  readonly address: string;
  /** Undefined: no client is answered here. */
  readonly listen: HttpListen | undefined;
  readonly dataDir: string;
  readonly file: JsonFile<HttpTable>;
  /** That of its folder unless another is given. */
  readonly proxy?: Proxy;
  readonly log: Logger;
}

const NONE: HttpTable = { sites: [], hosts: [] };
const WATCH_MS = 500;
const MISSING = 'haproxy cannot be run: apt-get install haproxy on this host';

/** The table after a message. Pure. */
export function afterHttpMessage(table: HttpTable, { isWhole, sites, gone = [], hosts }: Message): HttpTable {
  const kept = new Map((isWhole === true ? [] : table.sites).map((one) => [one.site, one]));
  for (const site of gone) kept.delete(site);
  for (const one of sites) kept.set(one.site, one);
  return { sites: [...kept.values()], hosts: hosts ?? table.hosts };
}

/** Until the signal aborts; the proxy goes on. */
export function createHttp({ host, address, listen, dataDir, file, proxy: given, log }: HttpDeps, signal: AbortSignal): Http {
  const folder = join(dataDir, 'http');
  const proxy = given ?? createProxy(folder);
  const keyed = createKeyed();
  /** What it was last given. Undefined: nothing since this process began. */
  let applied: ProxyPlan | undefined;
  let failure: string | undefined;
  let queued = false;
  let isFirst = true;
  let lacksCertificates = false;

  const wanted = (): HttpTable => file.value() ?? NONE;
  const isUsed = (): boolean => listen !== undefined || wanted().sites.some(({ instances }) => instances.some((one) => one.host === host));

  /** `isOpen`: it answers without TLS alone, as it does while there are no certificates. */
  async function planned(isOpen = false): Promise<ProxyPlan | undefined> {
    const [files, users] = await Promise.all([filesIn(listen?.certificates), readFile('/etc/passwd', 'utf8').catch(() => '')]);
    lacksCertificates = listen?.certificates !== undefined && files.length === 0;
    const user = /^haproxy:/m.test(users) ? 'haproxy' : 'nobody';
    return proxyPlan({
      ...wanted(),
      host,
      address,
      listen: isOpen || lacksCertificates ? { port: listen?.port, tlsPort: undefined, certificates: undefined } : listen,
      folder,
      user,
      hasIpv6: existsSync('/proc/net/if_inet6'),
      certificatesStamp: isOpen ? '' : files.join(),
    });
  }

  /** What it has of servers and hosts becomes what it should have. */
  async function change({ servers, hosts }: ProxyPlan): Promise<void> {
    const seen = readServers(await proxy.ask(['show servers state']));
    const commands = [
      ...hostCommands(await proxy.ask([`show acl ${pathsIn(folder).hosts}`]), hosts, folder),
      ...serverCommands(seen, servers),
    ];
    if (commands.length === 0) return;
    const refused = refusedIn(await proxy.ask(commands));
    if (refused.length > 0) throw new ArpanetError('unavailable', `the proxy says: ${refused.slice(0, 3).join('; ')}`);
  }

  /** What keeps it from TLS keeps it from nothing else: certificates may come by HTTP. */
  async function answerOpenly(): Promise<void> {
    const plan = await planned(true);
    if (plan !== undefined) await proxy.load(plan).catch(() => undefined);
  }

  async function pass(): Promise<void> {
    const plan = await planned();
    const before = applied;
    applied = undefined;
    const now = before === undefined && !existsSync(pathsIn(folder).socket) ? undefined : await proxy.version();
    // one that an earlier agent has left may run without its files
    const mayRun = now !== undefined || isFirst;
    isFirst = false;
    if (now === undefined && listen !== undefined && !(await proxy.exists())) throw new ArpanetError('unavailable', MISSING);
    if (plan === undefined) {
      if (mayRun) await proxy.stop();
    } else if (now === plan.version) {
      await change(plan);
    } else if (now !== undefined || isUsed()) {
      if (now === undefined && before !== undefined) log.warn('the proxy of HTTP had ended: it is started again');
      if (!(await proxy.exists())) throw new ArpanetError('unavailable', MISSING);
      await proxy.load(plan).catch(async (error: unknown) => {
        // it goes on as it was (a certificate cannot be read, for one), and leads to the instances of now for the names that it has
        if (now !== undefined) await change(plan).catch(() => undefined);
        else if (listen?.port !== undefined && listen.certificates !== undefined) await answerOpenly();
        throw error;
      });
    } else {
      failure = undefined;
      return;
    }
    applied = plan;
    failure = undefined;
  }

  function reconcile(): Promise<void> {
    return keyed.serial('http', pass).catch((err: unknown) => {
      const why = err instanceof Error ? err.message : String(err);
      if (why !== failure) log.error({ err }, 'cannot answer for names of HTTP');
      failure = why;
    });
  }

  /** Several messages at once are one change of the proxy. */
  function follow(table: HttpTable): void {
    if (JSON.stringify(wanted()) === JSON.stringify(table)) return;
    file.save(table);
    if (queued) return;
    queued = true;
    const act = async (): Promise<void> => {
      queued = false;
      await reconcile();
    };
    inBackground(log, 'names of HTTP', keyed.serial('change', act));
  }

  const watch = setInterval(
    guarded(log, 'the proxy of HTTP', () => (applied !== undefined && !proxy.isRunning() ? reconcile() : undefined)),
    WATCH_MS,
  ).unref();
  signal.addEventListener('abort', () => clearInterval(watch), { once: true });

  const trouble = (): readonly string[] => {
    const lacking = lacksCertificates && wanted().sites.length > 0;
    if (failure === undefined)
      return lacking
        ? [
            `HTTP by name is answered without TLS alone on this host: ${listen?.certificates} has no certificates (PEM files, each with a certificate and its key)`,
          ]
        : [];
    const names = wanted().sites.map(({ site }) => site);
    return [`HTTP by name is not answered as it should be on this host: ${failure}${names.length === 0 ? '' : ` (${few(names)})`}`];
  };

  return {
    take: (message) => follow(afterHttpMessage(wanted(), message)),
    clear: () => follow(NONE),
    reconcile,
    async settle() {
      await keyed.serial('change', async () => undefined);
      if (applied === undefined) await reconcile();
      if (failure !== undefined && isUsed() && wanted().sites.length > 0) throw new ArpanetError('unavailable', failure);
    },
    trouble,
    async differences() {
      await reconcile();
      return trouble();
    },
    figures: async () => (applied === undefined ? [] : readFigures(await proxy.ask(['show stat']), wanted())),
    async kind() {
      if (!(await proxy.exists())) return undefined;
      return listen === undefined ? 'hop' : 'edge';
    },
  };
}

const few = (all: readonly string[]): string => [...all.slice(0, 3), ...(all.length > 3 ? [`and ${all.length - 3} more`] : [])].join(', ');

/** What HAProxy takes beside a certificate (configuration manual, `crt`). */
const BESIDE = /^\.|\.(?:key|ocsp|issuer|sctl)$/;

/** Files with certificates, each with its time: others when one is renewed. */
async function filesIn(folder: string | undefined): Promise<readonly string[]> {
  if (folder === undefined) return [];
  const names = (await readdir(folder).catch(() => [])).filter((name) => !BESIDE.test(name)).sort((a, b) => (a < b ? -1 : 1));
  return Promise.all(names.map(async (name) => `${name} ${(await stat(join(folder, name)).catch(() => undefined))?.mtimeMs}`));
}
