/** What a leader contributes for machines that join by the line of `arpanet hosts add`. Effects: none but reading what it is handed. */
import { createHash, randomInt, X509Certificate } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { VERSION } from '../../config/version.ts';
import { ArpanetError } from '../../model/index.ts';
import type { JoinFinding, Joining } from '../../operator-api/index.ts';
import { apiWindowFault } from '../../scheduler/index.ts';
import { isLoopback, readJoinToken } from '../../security/index.ts';
import { formatHostPort, parseHostPort } from '../../text/host-port.ts';
import type { Leadership } from '../leadership.ts';
import type { SchedulerSettings } from '../scheduler-settings.ts';
import { joinFindings } from './join-check.ts';
import { pathFinding, pathPlan } from './join-paths.ts';
import { passFor } from './join-passes.ts';
import { isSame } from './join-settings.ts';
import type { SchedulerCertificate } from './scheduler-certificate.ts';

type Addresses = Pick<SchedulerSettings, 'advertise' | 'listen' | 'alsoListen'>;
type Settings = Addresses & Pick<SchedulerSettings, 'store' | 'clusterKey'>;

/** A URL at which other machines reach this scheduler, with TLS where there is one; undefined: none. */
export function reachableUrl({ advertise, listen, alsoListen }: Addresses): string | undefined {
  const listening = [listen, ...alsoListen].flatMap((one) =>
    'host' in one ? [`http${'isTls' in one && one.isTls === true ? 's' : ''}://${formatHostPort(one)}`] : [],
  );
  const reached = [advertise, ...listening].filter((url) => {
    const host = parseHostPort(new URL(url).host, 1)?.host ?? '';
    return !isLoopback(host) && !['', '0.0.0.0', '::'].includes(host);
  });
  return reached.find((url) => url.startsWith('https:')) ?? reached[0];
}

/** Those with TLS. Throws `conflict` where there are none: a machine that boots joins by nothing else. */
export function httpsOf(urls: readonly string[]): readonly string[] {
  const found = urls.filter((url) => url.startsWith('https:'));
  if (found.length > 0) return found;
  throw new ArpanetError(
    'conflict',
    'machines that boot join by TLS alone: let a scheduler listen at --listen tls://ADDRESS:PORT, which they reach',
  );
}

/** For another scheduler: a store that it can reach, and what that asks of it. */
export function storeOf(store: SchedulerSettings['store']): Pick<ReturnType<Joining['place']>, 'store' | 'storeNeeds'> {
  if (store.kind !== 'consul') return {};
  const storeNeeds = store.token !== undefined ? 'a token' : store.tls !== undefined ? 'TLS' : undefined;
  return { store: `consul://${store.address}`, ...(storeNeeds !== undefined && { storeNeeds }) };
}

/** As curl's `--pinnedpubkey` has it (RFC 7469 section 2.4: SHA-256 of the SubjectPublicKeyInfo). */
export const pinOf = (certificate: string): string =>
  `sha256//${createHash('sha256')
    .update(new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')}`;

/** 24 bits (RFC 7348 section 5). Networks have the first of their subnet, whose first byte is never 240 or more (RFC 1112 section 4). */
const TRIAL_VNIS = [0xf0_00_00, 0xff_ff_ff] as const;

export function joiningOf(
  { observe, membership, token, ledger, scheduler }: Leadership,
  settings: Settings,
  certificate: Pick<SchedulerCertificate, 'current'>,
  pool: () => string,
): Joining {
  /** Throws `unauthorized`. */
  const verify = (shown: string, name: string): void => {
    const { secret } = readJoinToken(shown);
    if (!isSame(secret, token()) && passFor(ledger, secret, { host: name, key: undefined }, Date.now()) === undefined)
      throw new ArpanetError(
        'unauthorized',
        'the join token is wrong, or was rotated since: "arpanet hosts add" and "arpanet upgrade" print lines with the one of now',
      );
  };
  return {
    version: VERSION,
    async paths({ name = '', token: shown = '', address = '', mtu = NaN }) {
      verify(shown, name);
      if (!isIPv4(address) || !(mtu >= 576))
        throw new ArpanetError('invalid', 'address is an IPv4 address, and mtu the bytes that its link carries');
      const { findings, trials } = pathPlan({ name, address, mtu: Math.floor(mtu) }, observe().hosts, randomInt(...TRIAL_VNIS));
      const answers = trials.map(async (one): Promise<JoinFinding> => {
        try {
          await scheduler.agents.answerPath(one.host, one.trial);
          return pathFinding(one);
        } catch (error) {
          return { kind: 'note', text: `host ${one.host} does not try the way: ${error instanceof Error ? error.message : String(error)}` };
        }
      });
      return [...findings, ...(await Promise.all(answers))];
    },
    place() {
      const url = reachableUrl(settings);
      const shown = certificate.current()?.certificate;
      if (url === undefined)
        throw new ArpanetError(
          'conflict',
          'this scheduler listens on loopback only, or on all addresses (0.0.0.0): let it listen at one that hosts reach (--listen tls://10.0.0.1:2376), or give --advertise',
        );
      if (url.startsWith('https:') && shown === undefined)
        throw new ArpanetError('unavailable', 'this scheduler has no certificate of the cluster yet');
      const others = observe().schedulers.map((one) => one.url);
      const schedulers = [
        url,
        ...others.filter((one) => one !== url && new URL(one).protocol === new URL(url).protocol && !isLoopback(new URL(one).hostname)),
      ];
      return {
        url,
        schedulers,
        pool: pool(),
        isSealed: settings.clusterKey !== undefined,
        ...storeOf(settings.store),
        ...(url.startsWith('https:') && shown !== undefined && { pin: pinOf(shown) }),
      };
    },
    check({
      name = '',
      token: shown = '',
      address = '',
      engineId = '',
      machine = '',
      apiVersion = '',
      minApiVersion = '',
      isKnown = false,
      clockMs = NaN,
    }) {
      verify(shown, name);
      const { hosts, admissions } = observe();
      const others = hosts.flatMap((host) => (host.name === name || host.facts === undefined ? [] : [host.facts]));
      return joinFindings(
        { name, address, engineId, machine, isKnown, clockMs },
        {
          hosts,
          admissions,
          whyRevoked: membership.whyRevoked,
          apiFault: apiVersion === '' ? undefined : apiWindowFault({ name, apiVersion, minApiVersion }, others),
          nowMs: Date.now(),
        },
      );
    },
  };
}
