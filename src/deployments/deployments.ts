/**
 * Deployments as a whole, at the leader. Each apply and release is in the store from before its first change to its end, with all that it needs: the next
 * leader takes it to its end. State: what is being done. Effects: the ledger; the cluster's own APIs, asked with the rights of who asked.
 */
import { scrypt, type BinaryLike } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { DeployCall, Deployments, DeploymentReport, DeployRequest } from '../contracts/index.ts';
import { ArpanetError, type DeploymentRecord, isKind, keys } from '../model/index.ts';
import type { Client } from '../security/index.ts';
import type { Ledger } from '../store/index.ts';
import type { Logger } from '../telemetry/log.ts';
import type { ClusterCalls } from './calls.ts';
import { carryOut } from './carry-out.ts';
import type { ImageSource } from './images.ts';
import { prepare } from './job.ts';
import { planOf } from './plan-rows.ts';
import { release } from './release.ts';
import { sentProject } from './sent-files.ts';
import { Stopped } from './unfinished.ts';

export interface DeploymentsDeps {
  readonly ledger: Ledger;
  /** The cluster's APIs with the rights of this client, for one operation. */
  readonly calls: (client: Client | undefined, operation: string) => ClusterCalls & Disposable;
  /** The leadership is over. */
  readonly ended: AbortSignal;
  /** In ms since 1970. */
  readonly now: () => number;
  readonly log: Logger;
}

/** Deployments, and what a new leader finds half done. */
export interface DeploymentsRoom extends Deployments {
  readonly unfinished: () => readonly DeploymentReport[];
  /** Takes to its end what another leader has begun. */
  readonly goOn: (name: string, call: Omit<DeployCall, 'client'>) => Promise<unknown>;
}

const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const AGAIN_MS = 1_000;
/** Hosts are back within seconds, or down after this. */
const HOSTS_MS = 60_000;

/** Of one leadership. */
export function createDeployments({ ledger, calls, ended, now, log }: DeploymentsDeps): DeploymentsRoom {
  /** By name, the operation that is at it. */
  const busy = new Map<string, string>();

  const recordOf = (name: string): DeploymentRecord | undefined => ledger.get<DeploymentRecord>(keys.deployment(name));

  /** One at a time for each name: two at once would undo each other. */
  async function alone<T>(name: string, operation: string, act: () => Promise<T>): Promise<T> {
    if (!NAME.test(name))
      throw new ArpanetError(
        'invalid',
        `${JSON.stringify(name)} is no name of a deployment: it has a-z, 0-9, - and _, and begins with a letter or digit`,
      );
    const other = busy.get(name);
    if (other !== undefined) throw new ArpanetError('conflict', `${name} is being changed: "arpanet operations ${other}" follows it`);
    busy.set(name, operation);
    try {
      return await act();
    } finally {
      busy.delete(name);
    }
  }

  const put = async (record: DeploymentRecord): Promise<void> =>
    await ledger.commit([{ kind: 'put', key: keys.deployment(record.name), value: record }]);

  /** Tried until it is stored, or another leader goes on from what is. */
  async function settle(name: string, how: () => Promise<void>): Promise<void> {
    while (!ended.aborted) {
      try {
        return await how();
      } catch (err) {
        log.debug({ err, deployment: name }, 'the outcome of a deployment cannot be stored yet');
        await sleep(AGAIN_MS, undefined, { signal: ended }).catch(() => undefined);
      }
    }
  }

  /** Records what becomes of it, once `begun` was called, and of what another leader has begun in any case. */
  async function recordedWork<T>(
    record: DeploymentRecord,
    act: (begun: () => Promise<void>) => Promise<T>,
    end: (result: T) => Promise<void>,
  ): Promise<T> {
    let isPut = false;
    let isBegun = recordOf(record.name)?.operation === record.operation;
    const begun = async (): Promise<void> => {
      if (!isPut) await put(record);
      [isPut, isBegun] = [true, true];
    };
    try {
      const result = await (isBegun ? patiently(async () => await act(begun)) : act(begun));
      await settle(record.name, async () => await end(result));
      return result;
    } catch (error) {
      const isStopped = error instanceof Stopped;
      const said = error instanceof ArpanetError ? error.message : 'internal error';
      const ending = {
        ...record,
        request: withoutContents(record.request),
        endedAtMs: now(),
        state: isStopped ? ('stopped' as const) : ('failed' as const),
        ...(!isStopped && { error: said }),
      };
      if (isBegun) await settle(record.name, async () => await put(ending));
      if (isStopped) throw new ArpanetError('conflict', 'stopped, as was asked: what had begun came to its end');
      throw error;
    }
  }

  /** What another leader has begun: its hosts may not have come back to this one yet. */
  async function patiently<T>(act: () => Promise<T>): Promise<T> {
    const untilMs = performance.now() + HOSTS_MS;
    for (;;) {
      try {
        return await act();
      } catch (error) {
        if (!isKind(error, 'unplaceable', 'unavailable') || performance.now() > untilMs || ended.aborted) throw error;
        await sleep(AGAIN_MS, undefined, { signal: ended }).catch(() => undefined);
      }
    }
  }

  async function apply(name: string, request: DeployRequest, call: DeployCall) {
    return await alone(name, call.operation, async () => {
      using api = calls(call.client, call.operation);
      const project = sentProject(request);
      const record: DeploymentRecord = {
        name,
        state: 'applying',
        operation: call.operation,
        startedAtMs: now(),
        digest: await digestOf(name, request),
        request,
        ...(call.client && { client: call.client }),
      };
      const how = { say: call.progress, signal: call.signal };
      const asked = { profiles: request.profiles, only: request.services ?? [] };
      const read = async () => await prepare(api, project, name, asked);
      return await recordedWork(
        record,
        async (begun) => {
          const course = { ...how, begun, removeOrphans: request.removeOrphans === true, images: imagesFor(request) };
          return { project: name, done: await carryOut(api, read, course) };
        },
        async () => {
          await put({ ...record, request: withoutContents(request), state: 'applied', endedAtMs: now() });
        },
      );
    });
  }

  async function releaseAll(name: string, isWithVolumes: boolean, call: DeployCall) {
    return await alone(name, call.operation, async () => {
      using api = calls(call.client, call.operation);
      const before = recordOf(name);
      const record: DeploymentRecord = {
        name,
        state: 'releasing',
        operation: call.operation,
        startedAtMs: now(),
        isWithVolumes,
        digest: before?.digest ?? (await digestOf(name, {})),
        request: before?.request ?? {},
        ...(call.client && { client: call.client }),
      };
      return await recordedWork(
        record,
        async (begun) =>
          await release(api, name, { isWithVolumes, isKnown: before !== undefined, begun, say: call.progress, signal: call.signal }),
        async () => await ledger.commit([{ kind: 'delete', key: keys.deployment(name) }]),
      );
    });
  }

  const list = (): readonly DeploymentReport[] => ledger.list<DeploymentRecord>(keys.deployments).map(([, record]) => reportOf(record));

  return {
    list,
    find(name) {
      const record = recordOf(name);
      return record && reportOf(record);
    },
    async plan(name, request, client) {
      using api = calls(client, '');
      return await planOf(
        api,
        await prepare(api, sentProject(request), name, { profiles: request.profiles, only: request.services ?? [] }),
        request.removeOrphans === true,
      );
    },
    apply,
    release: releaseAll,
    unfinished: () => list().filter(({ name, state }) => (state === 'applying' || state === 'releasing') && !busy.has(name)),
    async goOn(name, call) {
      const record = recordOf(name);
      if (record === undefined) return undefined;
      call.progress('another scheduler leads now, and continues it');
      const whole = { ...call, client: record.client };
      return record.state === 'releasing'
        ? await releaseAll(name, record.isWithVolumes === true, whole)
        : await apply(name, record.request, whole);
    },
  };
}

/** What a client has not seen to: pulled where anybody may. */
function imagesFor({ hasImages = false }: DeployRequest): ImageSource {
  return {
    auth: async () => ({}),
    isBuiltAnew: false,
    isProvided: hasImages,
    async build({ service, image }) {
      throw new ArpanetError(
        'not-found',
        `${service}: no host has the image ${image}, which is built: build and load or push it first, or let "arpanet deploy" do so`,
      );
    },
  };
}

const DIGEST_BYTES = 32;
const slowHash = promisify<BinaryLike, BinaryLike, number, Buffer>(scrypt);

/** A slow hash, because who may only look reads it, and could try to guess a short secret in it. */
const digestOf = async (name: string, request: DeployRequest): Promise<string> =>
  (await slowHash(JSON.stringify(request), `arpanet.deployment/${name}`, DIGEST_BYTES)).toString('hex');

/** Secrets have records of their own. */
function withoutContents({ contents: _secrets, ...kept }: DeployRequest): DeployRequest {
  return kept;
}

function reportOf({ name, state, operation, startedAtMs, endedAtMs, error, client, digest, request }: DeploymentRecord): DeploymentReport {
  return {
    name,
    state,
    operation,
    ...(client && { user: client.user }),
    startedAtMs,
    ...(endedAtMs !== undefined && { endedAtMs }),
    ...(error !== undefined && { error }),
    files: [...Object.keys(request.files ?? {}), ...Object.keys(request.contents ?? {})],
    digest,
  };
}
