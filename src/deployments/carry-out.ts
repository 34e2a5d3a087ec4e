/** A deploy: wave after wave, what changed of a service a few instances at a time. Effects: HTTP requests, timers. */
import { ArpanetError, type ContainerInspect, isKind, composeLabels } from '../model/index.ts';
import type { Step, Wave } from '../compose/index.ts';
import { assertCompleted, type ClusterCalls, type How, worked } from './calls.ts';
import { type Job, missing } from './job.ts';
import { deployGlobal } from './global-service.ts';
import { ensureImages, type ImageSource, withImage } from './images.ts';
import { createContent } from './stored-content.ts';
import { runHooks } from './hooks.ts';
import { refuseUnfit, rehearse } from './rehearse.ts';
import { stillWanted, unfinished } from './unfinished.ts';
import { until } from './until.ts';

type Say = (line: string) => void;

/** What became of an instance. */
export interface Done {
  readonly container: string;
  readonly action: Step['action'];
  /** Absent: it was removed. */
  readonly id?: string | undefined;
}

/** What a deploy is carried out with. */
export interface Course extends How {
  readonly images: ImageSource;
  readonly removeOrphans: boolean;
  /** Called once nothing speaks against it, before anything is changed. */
  readonly begun: () => Promise<void>;
}

/**
 * Reads the job again after an image was pulled or built (its tag may mean another one now) or a secret created (its id is known only then). Once the
 * signal aborts, what has begun is done to its end, and nothing else begun: throws Stopped. Whatever ends it early, it says what is done and what is not.
 */
export async function carryOut(api: ClusterCalls, read: () => Promise<Job>, course: Course): Promise<readonly Done[]> {
  const done: Done[] = [];
  const known = { waves: [] as Job['waves'] };
  try {
    await carriedOut(api, read, course, done, known);
    return done;
  } catch (error) {
    for (const line of known.waves.length === 0 ? [] : unfinished(known.waves, done)) course.say(line);
    throw error;
  }
}

async function carriedOut(
  api: ClusterCalls,
  read: () => Promise<Job>,
  course: Course,
  done: Done[],
  known: { waves: Job['waves'] },
): Promise<void> {
  const { say, signal } = course;
  let job = await read();
  const make = await missing(api, job);
  refuseUnfit(job, await rehearse(api, job, make, false));
  stillWanted(signal);
  await course.begun();
  known.waves = job.waves;
  for (const { kind, name, create } of make) {
    await api.json(`/${kind}s/create`, { method: 'POST', body: create });
    say(`${kind} ${name}: created`);
  }
  for (const content of job.newContents) {
    await createContent(api, content);
    say(`${content.kind} ${content.name}: created`);
  }
  const isChanged = await ensureImages(api, job, course.images, course);
  if (isChanged || job.newContents.length > 0) job = await read();
  known.waves = job.waves;
  refuseUnfit(job, await rehearse(api, job, [], true));
  const ids = new Map<string, readonly string[]>();
  for (const wave of job.waves) {
    stillWanted(signal);
    for (const { service, condition } of wave.after) await held(api, service, condition, ids.get(service) ?? [], course);
    if (wave.isGlobal) {
      const { instances, desired } = await deployGlobal(api, job.project, wave, course);
      say(`${wave.service}: runs on ${desired} host${desired === 1 ? '' : 's'}`);
      for (const { id, name } of instances) done.push({ container: name, action: globalAction(wave, id), id });
      ids.set(
        wave.service,
        instances.map(({ id }) => id),
      );
      continue;
    }
    const steps = wave.steps.some((step) => step.action === 'recreate') ? await rolled(api, job, wave, course) : wave.steps;
    const found: string[] = [];
    // each to its end, whatever becomes of the others: nothing is left half made
    const ended = await Promise.allSettled(
      steps.map(async (step) => {
        const id = await stepDone(api, step, say);
        if (id !== undefined) found.push(id);
        done.push({ container: step.container, action: step.action, id });
        say(`${step.container}: ${SAID[step.action]}`);
      }),
    );
    const failed = ended.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    ids.set(wave.service, found);
  }
  for (const orphan of job.orphans) {
    stillWanted(signal);
    const name = orphan.Names[0]?.slice(1) ?? orphan.Id;
    if (course.removeOrphans) await removeContainer(api, orphan.Id, say);
    say(course.removeOrphans ? `${name}: removed` : `${name} is of a service that the files do not have: --remove-orphans removes it`);
  }
}

/** What happened to an instance of a global service: existing ones are kept or started; others are new. */
const globalAction = ({ steps }: Wave, id: string): Step['action'] => steps.find((step) => step.id === id)?.action ?? 'create';

const SAID = { create: 'created', recreate: 'recreated', start: 'started', keep: 'unchanged', remove: 'removed' } as const;

/** What differs is replaced as the file's update_config says; then what the count still lacks or has too much of. What is left to do. */
async function rolled(
  api: ClusterCalls,
  job: Job,
  { service, steps, count: wanted, update }: Wave,
  { say, signal }: How,
): Promise<readonly Step[]> {
  const step = steps.find(({ action }) => action === 'recreate');
  if (step?.request === undefined) return steps;
  const number = Number(step.request.Labels?.[composeLabels.number] ?? 1);
  const request = await withImage(api, step.request);
  const reference = `${job.project}/${service}`;
  const body = { service: reference, desired: wanted, template: { name: step.container, number, request }, settings: update };
  assertCompleted(await worked(api, 'postServicesReplace', { body }, { say, signal }));
  const look = async () => {
    const [found] = await api.v1.call('getServices', { of: reference });
    return found?.instances.length === wanted && found.running === wanted ? found : undefined;
  };
  const now = await until(`there are not ${wanted} instance${wanted === 1 ? '' : 's'}`, ': "arpanet ls" says why', look, signal);
  return now.instances.map(({ id, name }): Step => ({ service, container: name, action: 'keep', id }));
}

/** The container's id, unless it was removed. */
async function stepDone(api: ClusterCalls, step: Step, say: Say): Promise<string | undefined> {
  const { action, id } = step;
  if (action === 'keep') return id;
  if (id !== undefined && action === 'remove') await removeContainer(api, id, say);
  if (action === 'remove') return undefined;
  const mine = action === 'start' && id !== undefined ? id : await created(api, step);
  await api.json(`/containers/${mine}/start`, { method: 'POST' });
  await runHooks(api, mine, 'post_start');
  return mine;
}

async function created(api: ClusterCalls, { container, request, platform }: Step): Promise<string> {
  const query = new URLSearchParams({ name: container, ...(platform === undefined ? {} : { platform }) });
  const whole = await withImage(api, request ?? {});
  // An Engine's API takes one network at a create before 1.44: the others are joined before the start, as compose does.
  const [primary, ...others] = Object.entries(whole.NetworkingConfig?.EndpointsConfig ?? {});
  const body = primary === undefined ? whole : { ...whole, NetworkingConfig: { EndpointsConfig: Object.fromEntries([primary]) } };
  const { Id } = await api.json<{ Id: string }>(`/containers/create?${query.toString()}`, { method: 'POST', body });
  try {
    for (const [network, EndpointConfig] of others)
      await api.json(`/networks/${encodeURIComponent(network)}/connect`, { method: 'POST', body: { Container: Id, EndpointConfig } });
  } catch (error) {
    await api.json(`/containers/${Id}?v=1`, { method: 'DELETE' }).catch(() => undefined);
    throw error;
  }
  return Id;
}

/** A command before the stop that fails is said, and keeps nothing from being removed. */
export async function removeContainer(api: ClusterCalls, id: string, say: Say): Promise<void> {
  await runHooks(api, id, 'pre_stop').catch((error: unknown) => {
    if (!isKind(error, 'engine') || error.engineStatus !== 404) say(error instanceof Error ? error.message : String(error));
  });
  await api.json(`/containers/${id}/stop`, { method: 'POST' }).catch((error: unknown) => {
    if (!isKind(error, 'engine') || error.engineStatus !== 404) throw error;
  });
  await api.json(`/containers/${id}?v=0`, { method: 'DELETE' });
}

/** Waits for what a service needs of another. */
async function held(api: ClusterCalls, service: string, condition: string, ids: readonly string[], { say, signal }: How): Promise<void> {
  if (condition === 'service_started') return;
  say(`waiting for ${service}: ${condition}`);
  for (const id of ids) {
    const { Name } = await api.json<ContainerInspect>(`/containers/${id}/json`);
    const name = Name.slice(1);
    const look = async () => {
      const { State } = await api.json<ContainerInspect>(`/containers/${id}/json`);
      return (condition === 'service_healthy' ? isHealthy(service, name, State) : hasCompleted(name, State)) ? true : undefined;
    };
    await until(`${name} is not ${condition}`, '', look, signal);
  }
}

/** Throws `conflict` where it can never become healthy. */
function isHealthy(service: string, name: string, { Health, Running, Status }: ContainerInspect['State']): boolean {
  if (Health?.Status === 'healthy') return true;
  if (Health === undefined || Health === null)
    throw new ArpanetError('conflict', `${service} is to be healthy, but has no healthcheck: give it one, or depend on service_started`);
  if (Health.Status === 'unhealthy' || !Running)
    throw new ArpanetError('conflict', `${name} is ${Running ? 'unhealthy' : Status}: "docker logs ${name}" may say why`);
  return false;
}

/** Throws `conflict` for one that failed. */
function hasCompleted(name: string, { Status, ExitCode }: ContainerInspect['State']): boolean {
  if (Status !== 'exited') return false;
  if (ExitCode === 0) return true;
  throw new ArpanetError(
    'conflict',
    `${name} ended with ${ExitCode}, and service_completed_successfully was wanted: "docker logs ${name}" may say why`,
  );
}
