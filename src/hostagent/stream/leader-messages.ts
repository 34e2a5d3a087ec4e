/** Effects: what this host does with the leader's messages: plans to the overlay, names to the DNS, and to disk what must outlive the leader. */
import type { EpochGuard } from '../gateway/epoch.ts';
import type { AgentFiles } from '../agent-files.ts';
import type { Fence } from '../overlay/fence.ts';
import type { Overlay } from '../overlay/apply.ts';
import type { Http } from '../http/http.ts';
import type { Ingress } from '../ingress/ingress.ts';
import type { ClosedPorts } from '../isolation/closed.ts';
import type { DnsServer } from '../dns-server.ts';
import type { HostNames } from '../names/host-names.ts';
import type { ConsulQuestions } from './consul-questions.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { HostIdentity } from '../identity/host-identity.ts';
import type { HostSide } from './stream.ts';
import { guarded, inBackground } from '../../telemetry/faults.ts';

export interface LeaderMessageDeps {
  readonly epoch: EpochGuard;
  readonly files: AgentFiles;
  readonly fence: Fence;
  readonly overlay: Overlay;
  readonly ingress: Pick<Ingress, 'take' | 'clear'>;
  readonly http: Pick<Http, 'take' | 'clear'>;
  readonly dns: Pick<DnsServer, 'askConsul'>;
  readonly names: Pick<HostNames, 'table' | 'change'>;
  readonly consul: ConsulQuestions;
  readonly identity: Pick<HostIdentity, 'revoked' | 'trust'>;
  /** URLs of schedulers, whose ports containers do not reach. */
  readonly closedTo: (schedulers: readonly string[]) => void;
  readonly closed: Pick<ClosedPorts, 'take'>;
  /** Null: the level that this agent was started with. */
  readonly setLogLevel: (level: string | null) => void;
  readonly log: Logger;
}

type Answered =
  | 'welcome'
  | 'plans'
  | 'removed'
  | 'names'
  | 'namesChange'
  | 'ingress'
  | 'http'
  | 'closed'
  | 'settings'
  | 'keep'
  | 'consulAnswer';

export function leaderMessages(deps: LeaderMessageDeps): Pick<HostSide, Answered> {
  const { epoch, files, fence, overlay, ingress, http, dns, names, consul, log } = deps;
  const reconcile = guarded(log, 'plans of the leader', overlay.reconcile);
  return {
    welcome(message) {
      epoch.belongTo(message.clusterId);
      return epoch.admit(message.epoch);
    },
    plans({ plans, fenced = [] }) {
      fence.set(fenced).catch((err: unknown) => log.error({ err }, 'cannot drop the overlay packets of lost hosts'));
      overlay.setPlans(plans);
      files.plans.save(overlay.plans());
      reconcile();
    },
    // The addresses of its containers may be leased to others by now, so its networks lose their peers.
    removed() {
      ingress.clear();
      http.clear();
      overlay.setPlans(overlay.plans().map((plan) => ({ ...plan, peers: [] })));
      files.plans.save(overlay.plans());
      reconcile();
    },
    names: ({ table }) => names.table(table),
    namesChange: ({ change }) => names.change(change),
    ingress: ingress.take,
    closed: deps.closed.take,
    http: http.take,
    settings({ logLevel, asksConsul, schedulers = [], revoked = [], trust }) {
      deps.identity.revoked(revoked);
      if (trust !== undefined) inBackground(log, 'the CAs of the cluster', deps.identity.trust(trust));
      deps.closedTo(schedulers);
      deps.setLogLevel(logLevel);
      dns.askConsul?.(asksConsul === true ? consul.ask : undefined);
      log.debug({ logLevel }, 'settings of the cluster applied');
    },
    keep: ({ kept }) => files.replica.save(kept),
    consulAnswer: consul.answered,
  };
}
