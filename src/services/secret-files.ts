/** Secrets and configs as files in fresh instances. Effects: calls to Engines. */
import { ArpanetError, type ContainerView, type CreateRequest, keys, labels, type SecretFile, type SecretRecord } from '../model/index.ts';
import { serviceOf } from './counted-service.ts';
import type { ServicesDeps } from './deps.ts';
import { callEngine, removeCreated } from './engine-calls.ts';
import { tarOf } from '../engine/index.ts';

const TIMEOUT_MS = 30_000;

/** The files that a request names. */
export function filesOf(request: Pick<CreateRequest, 'Labels'>): readonly SecretFile[] {
  const label = request.Labels?.[labels.files];
  if (!label) return [];
  try {
    const parsed: unknown = JSON.parse(label);
    return Array.isArray(parsed) ? (parsed as readonly SecretFile[]) : [];
  } catch {
    return [];
  }
}

/** Puts its secrets and configs into an instance that was created and has not started. Throws `not-found` when one no longer exists, `engine`. */
export async function putSecrets(
  { ledger, scheduler, now }: Pick<ServicesDeps, 'ledger' | 'scheduler' | 'now'>,
  made: ContainerView,
): Promise<void> {
  const request = made.record?.request;
  const files = request === undefined || serviceOf(request) === undefined ? [] : filesOf(request);
  if (files.length === 0) return;
  const archive = files.map((file) => {
    const record = ledger.get<SecretRecord>(keys.secret(file.kind, file.id));
    if (record === undefined) throw new ArpanetError('not-found', `${made.name}: the ${file.kind} for ${file.path} no longer exists`);
    return { ...file, path: file.path.replace(/^\/+/, ''), data: Buffer.from(record.data, 'base64') };
  });
  const answer = await callEngine(scheduler.engines, made.host, {
    method: 'PUT',
    path: `/containers/${made.id}/archive?path=%2F`,
    headers: { 'Content-Type': 'application/x-tar' },
    body: await tarOf(archive, now()),
    timeoutMs: TIMEOUT_MS,
  });
  if (answer.status >= 300)
    throw new ArpanetError('engine', `host ${made.host}: secrets and configs of ${made.name}: ${answer.body.toString().trim()}`, {
      engineStatus: answer.status,
    });
}

/** The same for a container that a client created, which starts it. One that cannot have its files is removed again, and the error thrown. */
export async function putClientSecrets(deps: Pick<ServicesDeps, 'ledger' | 'scheduler' | 'now'>, id: string): Promise<void> {
  const created = deps.scheduler.containers.list().find((container) => container.id === id);
  if (created === undefined) return;
  try {
    await putSecrets(deps, created);
  } catch (error) {
    await removeCreated(deps.scheduler, created);
    throw error;
  }
}
