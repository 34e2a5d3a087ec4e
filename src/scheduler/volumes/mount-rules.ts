/**
 * What every Engine refuses of a create request's binds, mounts and tmpfs, in its words: moby volume/mounts/linux_parser.go (`ParseMountRaw`,
 * `validateMountConfigImpl`) and daemon/volumes_unix.go (`registerMountPoints`), Engines 20.10 to 28. What only some refuse, they say themselves. Pure.
 */
import { posix } from 'node:path';
import { ArpanetError, type CreateRequest } from '../../model/index.ts';
import { hasTemplate } from '../../text/go-template/index.ts';
import { badBind, isNoCopy, isPropagation, parseBind, propagationIn } from '../../text/mount-spec.ts';
import { volumeNameProblem } from '../../text/names.ts';

type Mount = NonNullable<NonNullable<CreateRequest['HostConfig']>['Mounts']>[number];

/** Throws `invalid` with the first of them. `isKnown`: whether there is a volume of the name, whatever its driver lets it be called. */
export function refuseMounts(request: CreateRequest, isKnown: (volume: string) => boolean): void {
  const problem = [...problemsOf(request, isKnown)][0];
  if (problem !== undefined) throw new ArpanetError('invalid', problem);
}

/** In the order in which an Engine looks. */
function* problemsOf({ HostConfig }: CreateRequest, isKnown: (volume: string) => boolean): Generator<string> {
  const { Binds, Mounts, VolumeDriver = '' } = HostConfig ?? {};
  const tmpfs = Object.keys(HostConfig?.['Tmpfs'] ?? {});
  for (const mount of Mounts ?? []) {
    const problem = problemOf(mount);
    if (problem !== undefined) yield `invalid mount config for type "${mount.Type ?? ''}": ${problem}`;
  }
  for (const target of tmpfs) {
    const problem = problemOfPath(target);
    if (problem !== undefined) yield problem;
  }
  const named = function* (volume: string, driver: string): Generator<string> {
    if (volume === '' || !['', 'local'].includes(driver) || hasTemplate(volume) || isKnown(volume)) return;
    const problem = volumeNameProblem(volume);
    if (problem !== undefined) yield problem;
  };
  const taken = new Set<string>();
  for (const text of Binds ?? []) {
    const mount = mountOfBind(text);
    if (typeof mount === 'string') {
      yield mount;
      continue;
    }
    const target = posix.normalize(slashed(mount.Target));
    if (taken.has(trimmed(target)) || tmpfs.includes(trimmed(target))) yield `Duplicate mount point: ${trimmed(target)}`;
    taken.add(trimmed(target));
    if (mount.Type === 'volume') yield* named(mount.Source, VolumeDriver);
  }
  for (const { Type, Source = '', Target = '', VolumeOptions } of Mounts ?? []) {
    const target = trimmed(posix.normalize(slashed(Target)));
    if (taken.has(target)) yield `Duplicate mount point: ${Target}`;
    taken.add(target);
    if (Type === 'volume') yield* named(Source, driverIn(VolumeOptions));
  }
}

/** What a bind means; a text: why it means nothing. */
function mountOfBind(text: string): (Mount & { readonly Source: string; readonly Target: string }) | string {
  const bind = parseBind(text);
  if (typeof bind === 'string') return bind;
  const { source, target, mode } = bind;
  const Type = source.startsWith('/') ? 'bind' : 'volume';
  const propagation = propagationIn(mode);
  const mount = {
    Type,
    Source: source,
    Target: target,
    ...(isNoCopy(mode) ? { VolumeOptions: { NoCopy: true } } : {}),
    ...(propagation === undefined ? {} : { BindOptions: { Propagation: propagation } }),
  };
  const problem = problemOf(mount);
  return problem === undefined ? mount : `${badBind(text)}: invalid mount config for type "${Type}": ${problem}`;
}

function problemOf(mount: Mount): string | undefined {
  const { Type = '', Source = '', Target = '', ReadOnly, BindOptions, VolumeOptions } = mount;
  if (Target === '') return 'field Target must not be empty';
  // a path may be made of one
  const path = hasTemplate(Target) ? undefined : problemOfPath(Target);
  if (path !== undefined) return path;
  switch (Type) {
    case 'bind': {
      if (Source === '') return 'field Source must not be empty';
      const { Propagation = '' } = (BindOptions ?? {}) as { readonly Propagation?: string };
      if (Propagation !== '' && !isPropagation(Propagation)) return `invalid propagation mode: ${Propagation}`;
      if (isThere(VolumeOptions)) return 'field VolumeOptions must not be specified';
      return hasTemplate(Source) ? undefined : problemOfAbsolute(Source);
    }
    case 'volume':
      if (isThere(BindOptions)) return 'field BindOptions must not be specified';
      return Source === '' && ReadOnly === true ? 'must not set ReadOnly mode when using anonymous volumes' : undefined;
    case 'tmpfs':
      if (isThere(BindOptions)) return 'field BindOptions must not be specified';
      return Source === '' ? undefined : 'field Source must not be specified';
    case 'image':
      // Engines since 28.0 know it
      return undefined;
    default:
      return 'mount type unknown';
  }
}

const isThere = (options: unknown): boolean => options !== undefined && options !== null;
const driverIn = (options: unknown): string =>
  (options as { readonly DriverConfig?: { readonly Name?: string } | null } | null | undefined)?.DriverConfig?.Name ?? '';

/** As moby's `filepath.FromSlash` turned round. */
const slashed = (path: string): string => path.replaceAll('\\', '/');
/** Go's `path.Clean` has no slash at the end. */
const trimmed = (path: string): string => path.replace(/(.)\/$/, '$1');

function problemOfPath(target: string): string | undefined {
  if (posix.normalize(slashed(target)) === '/') return "invalid specification: destination can't be '/'";
  return problemOfAbsolute(target);
}

const problemOfAbsolute = (path: string): string | undefined =>
  slashed(path).startsWith('/') ? undefined : `invalid mount path: '${slashed(path)}' mount path must be absolute`;
