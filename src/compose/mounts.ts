/** A service's volumes -> what its create request mounts (docker/compose, pkg/compose/create.go). Pure. */
import type { HostConfig, Json } from '../model/index.ts';
import { type Definition, isMap } from './normalize.ts';
import { absolutePath, type Mount, mountOf } from './values.ts';

const mountsIn = (definition: Definition): readonly Mount[] => {
  const { volumes } = definition;
  return Object.values(isMap(volumes) ? volumes : {}).map(mountOf);
};

/** What its paths and names mean. */
interface Place {
  readonly folder: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** The cluster's name of a volume of the file. */
  readonly volume: (name: string) => string;
}

/** Paths at which it has volumes without a name. */
export const anonymousVolumes = (definition: Definition): readonly string[] =>
  mountsIn(definition).flatMap(({ type, source, target }) => (type === 'volume' && source === '' ? [target] : []));

/** `tmpfs`: its `/tmp:size=1048576`, and those among its volumes. */
export function mountsOf(
  definition: Definition,
  tmpfs: readonly string[],
  place: Place,
): Pick<HostConfig, 'Binds' | 'Mounts'> & { readonly Tmpfs?: Json } {
  const mounts = mountsIn(definition);
  const binds = mounts.flatMap((mount) => {
    const { type, source, target, mode } = mount;
    if (type === 'tmpfs' || source === '' || needsForm(mount)) return [];
    const from = type === 'volume' ? place.volume(source) : absolutePath(place.folder, source, place.variables['HOME']);
    return [`${from}:${target}:${mode === '' ? 'rw' : mode}`];
  });
  const long = mounts.filter(needsForm).map((mount) => (mount.type === 'volume' ? partOf(mount, place) : strictBind(mount, place)));
  const all = [...tmpfs, ...mounts.flatMap(({ type, target, mode }) => (type === 'tmpfs' ? [`${target}:${mode}`] : []))];
  return {
    Binds: binds,
    ...(long.length === 0 ? {} : { Mounts: long }),
    ...(all.length === 0 ? {} : { Tmpfs: Object.fromEntries(all.map((one) => [one.split(':')[0] ?? '', one.split(':')[1] ?? ''])) }),
  };
}

/** Only so an Engine refuses a source that is missing, and mounts a part of a volume. */
const needsForm = ({ mustExist = false, subpath }: Mount): boolean => mustExist || subpath !== undefined;

function partOf({ source, target, mode, subpath = '' }: Mount, { volume }: Place): Json {
  const words = mode.split(',');
  const options = { Subpath: subpath, ...(words.includes('nocopy') ? { NoCopy: true } : {}) };
  return { Type: 'volume', Source: volume(source), Target: target, ReadOnly: words.includes('ro'), VolumeOptions: options };
}

function strictBind({ source, target, mode }: Mount, { folder, variables }: Place): Json {
  const words = mode.split(',');
  const propagation = words.find((word) => /^r?(?:shared|slave|private)$/.test(word));
  return {
    Type: 'bind',
    Source: absolutePath(folder, source, variables['HOME']),
    Target: target,
    ReadOnly: words.includes('ro'),
    ...(propagation === undefined ? {} : { BindOptions: { Propagation: propagation } }),
  };
}
