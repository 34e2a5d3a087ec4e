/** Binds, mounts, tmpfs and volumes-from with something wrong in them, and what Engines say of each: asked of 20.10.24, 26.1.5 and 28.5.2, which agree. Pure. */
import type { CreateRequest } from '../../src/model/index.ts';

type Host = NonNullable<CreateRequest['HostConfig']>;

export interface BadMount {
  readonly host: Host;
  /** Undefined: it is taken. */
  readonly refusal?: string;
}

const spec = (bind: string, why: string): BadMount => ({
  host: { Binds: [bind] },
  refusal: `invalid volume specification: '${bind}'${why === '' ? '' : `: invalid mount config for type ${why}`}`,
});
const said = (refusal: string, host: Host): BadMount => ({ host, refusal });
const absolute = (path: string) => `invalid mount path: '${path}' mount path must be absolute`;
const ROOT = "invalid specification: destination can't be '/'";
const nameless = (name: string) =>
  `create ${name}: ${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`;
const short = (name: string) => `create ${name}: volume name is too short, names should be at least two alphanumeric characters`;
const mount = (why: string, one: NonNullable<Host['Mounts']>[number]): BadMount =>
  said(`invalid mount config for type "${one.Type ?? ''}": ${why}`, { Mounts: [one] });

const BINDS: readonly BadMount[] = [
  ...['', ':', '::', ':::', ':/x', 'a:', '/a:', 'vol:', ':ro', ':ab:/x', '::ro', ':/x:ro', 'vol:/x:ro:z'].map((bind) => spec(bind, '')),
  ...['a', 'vol', ' '].map((bind) => spec(bind, `"volume": ${absolute(bind)}`)),
  ...['x', '..', '.', ' /x', 'é'].map((target) => spec(`vol:${target}`, `"volume": ${absolute(target)}`)),
  spec('/a:x', `"bind": ${absolute('x')}`),
  ...['vol:/', 'vol://', 'vol:/..', '/'].map((bind) => spec(bind, `"volume": ${ROOT}`)),
  ...['/a:/', '/:/'].map((bind) => spec(bind, `"bind": ${ROOT}`)),
  ...['vol::', 'vol::ro'].map((bind) => spec(bind, '"volume": field Target must not be empty')),
  spec('/tmp::ro', '"bind": field Target must not be empty'),
  spec('/tmp:/x:nocopy', '"bind": field VolumeOptions must not be specified'),
  spec('vol:/x:shared', '"volume": field BindOptions must not be specified'),
  ...['bad', 'ro,rw', 'ro,ro', 'z,Z', ',', 'ro,', 'RO', 'U', 'private,shared', 'nocopy,nocopy'].map((mode) =>
    said(`invalid mode: ${mode}`, { Binds: [`/tmp:/x:${mode}`] }),
  ),
  said('invalid mode: /x', { Binds: ['C:\\a:/x'] }),
  ...['a', ' ', '.'].map((name) => said(short(name), { Binds: [`${name}:/x`] })),
  ...['./a', '../a', 'a/b', '~/a', 'a b', ' ab', '..', '-a', '_a', '__proto__', 'é', 'a\nb'].map((name) =>
    said(nameless(name), { Binds: [`${name}:/x`] }),
  ),
  said("invalid volume specification: ''", { Binds: ['vol:/x', ''] }),
  ...['vol:/x', 'kept:/x', 'vol:/x/', '/tmp:/y/../x'].map((bind) => said('Duplicate mount point: /x', { Binds: ['vol:/x', bind] })),
  said('Duplicate mount point: /x', { Binds: ['vol:/x/'], Tmpfs: { '/x': '' } }),
  said('Duplicate mount point: /x', { Binds: ['vol:/x'], Mounts: [{ Type: 'bind', Source: '/tmp', Target: '/x' }] }),
];

const MOUNTS: readonly BadMount[] = [
  ...['', 'x', 'Volume', 'npipe', 'cluster'].map((Type) => mount('mount type unknown', { Type, Source: 'vol', Target: '/x' })),
  ...['volume', 'bind', 'tmpfs', '', 'x'].map((Type) => mount('field Target must not be empty', { Type, Target: '' })),
  ...['volume', 'bind', 'tmpfs'].flatMap((Type) => [
    ...['x', '.', '..', ' /x', './x'].map((Target) => mount(absolute(Target), { Type, Target })),
    ...['/', '//', '/..'].map((Target) => mount(ROOT, { Type, Target })),
  ]),
  mount('field Source must not be empty', { Type: 'bind', Target: '/x' }),
  ...['a', './a', '..', '~'].map((Source) => mount(absolute(Source), { Type: 'bind', Source, Target: '/x' })),
  mount(absolute('C:/a'), { Type: 'bind', Source: 'C:\\a', Target: '/x' }),
  mount('invalid propagation mode: x', { Type: 'bind', Source: '/tmp', Target: '/x', BindOptions: { Propagation: 'x' } }),
  mount('must not set ReadOnly mode when using anonymous volumes', { Type: 'volume', Target: '/x', ReadOnly: true }),
  mount('field Source must not be specified', { Type: 'tmpfs', Source: 'a', Target: '/x' }),
  ...['a', ' '].map((Source) => said(short(Source), { Mounts: [{ Type: 'volume', Source, Target: '/x' }] })),
  ...['/a', 'a/b', 'ab:cd', '__proto__'].map((Source) => said(nameless(Source), { Mounts: [{ Type: 'volume', Source, Target: '/x' }] })),
  said('Duplicate mount point: /x/', { Mounts: ['/x', '/x/'].map((Target) => ({ Type: 'volume', Source: 'vol', Target })) }),
  said(`invalid mount config for type "x": field Target must not be empty`, { Binds: [''], Mounts: [{ Type: 'x' }] }),
];

const OTHERS: readonly BadMount[] = [
  ...['', 'x', '..', '.'].map((target) => said(absolute(target), { Tmpfs: { [target]: '' } })),
  ...['/', '/..', '/a/../..'].map((target) => said(ROOT, { Tmpfs: { [target]: '' } })),
  said('volumes-from specification cannot be an empty string', { VolumesFrom: [''], Binds: [''] }),
  ...[':', ':ro'].map((from) => said('invalid name or ID supplied: ""', { VolumesFrom: [from] })),
  ...['bad', 'ro:x', 'rshared', 'nocopy', 'ro,rw'].flatMap((mode) =>
    ['web', 'nobody'].map((name) => said(`invalid mode: ${mode}`, { VolumesFrom: [`${name}:${mode}`] })),
  ),
  said('No such container: nobody', { VolumesFrom: ['nobody'], Binds: [''] }),
];

const TAKEN: readonly BadMount[] = [
  { Binds: ['/x', 'vol:/y:', 'vol:/z:rw,z,nocopy', '/tmp:/t/../u', 'vol:/x ', '/a b:/v:cached'] },
  { Binds: ['vol:/x'], Tmpfs: { '/x/': '' } },
  { Tmpfs: { '/x': 'bad' }, Mounts: [{ Type: 'volume', Source: '', Target: '/x/' }] },
  { Mounts: [{ Type: 'volume', Source: 'vol', Target: '/x:y', ReadOnly: true, VolumeOptions: { NoCopy: true, DriverConfig: {} } }] },
  { Mounts: [{ Type: 'bind', Source: '/tmp/', Target: '/x', BindOptions: { Propagation: '' } }] },
  { Mounts: [{ Type: 'tmpfs', Target: '/x', ReadOnly: true }], VolumesFrom: ['web', '/web:ro,z'] },
].map((host) => ({ host }));

export const BAD_MOUNTS: readonly BadMount[] = [...BINDS, ...MOUNTS, ...OTHERS, ...TAKEN];
