/** The formats of values inside compose files (compose-go, format/ and types/): sizes, times, ports, volumes, commands. Pure; each throws `invalid` with what was wrong. */
import { ArpanetError } from '../model/index.ts';
import { parseDuration } from '../text/duration.ts';
import { parseSize } from '../text/size.ts';

/** A scalar as it is written in the file. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

const bad = (message: string) => new ArpanetError('invalid', message);

/** `512M`, `1.5g`, `64kb`, `1048576`. */
export function bytesOf(value: unknown): number {
  const bytes = parseSize(textOf(value).trim());
  if (bytes === undefined) throw bad(`"${textOf(value)}" is not a size: write 512M or 2g`);
  return bytes;
}

/** Memory and swap in bytes; `-1`: no limit. */
export const swapOf = (value: unknown): number => (textOf(value) === '-1' ? -1 : bytesOf(value));

/** `1m30s`, `500ms`; in nanoseconds. */
export function nanosecondsOf(value: unknown): number {
  const nanoseconds = parseDuration(textOf(value).trim());
  if (nanoseconds === undefined || nanoseconds < 0) throw bad(`"${textOf(value)}" is not a time: write 30s or 1m30s`);
  return nanoseconds;
}

/** A command as a shell would part it; no variables, no pipes. */
export function wordsOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.map(String);
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  const text = textOf(value);
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] ?? '';
    if (quote === "'" ? letter === "'" : quote === '"' && letter === '"') quote = '';
    else if (quote === '' && (letter === "'" || letter === '"')) [quote, word] = [letter, word ?? ''];
    else if (letter === '\\' && quote !== "'" && at + 1 < text.length) {
      const next = text[++at] ?? '';
      word = (word ?? '') + (quote === '"' && !'"\\$`\n'.includes(next) ? `\\${next}` : next);
    } else if (quote === '' && /\s/.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + letter;
  }
  if (quote !== '') throw bad(`the ${quote} in "${text}" is never closed`);
  return word === undefined ? words : [...words, word];
}

export interface Port {
  readonly target: string;
  readonly hostIp: string;
  /** Empty: any free one. */
  readonly published: string;
  /** `mode: ingress` of the long form, with a number and no address: every host answers there. */
  readonly isIngress?: true;
}

/** `80`, `8080:80/udp`, `127.0.0.1:8080:80`, `3000-3002:3000-3002`, or the long form. */
export function portsOf(value: unknown): readonly Port[] {
  if (typeof value === 'object' && value !== null) {
    const { target, published = '', protocol = 'tcp', host_ip: hostIp = '' } = value as Readonly<Record<string, unknown>>;
    if (!/^\d+$/.test(textOf(target))) throw bad(`a port in long form needs its target, the container's port`);
    const { mode } = value as Readonly<Record<string, unknown>>;
    const isEverywhere = mode === 'ingress' && /^\d+$/.test(textOf(published)) && hostIp === '' && protocol !== 'sctp';
    const port = { target: `${textOf(target)}/${textOf(protocol)}`, published: textOf(published), hostIp: textOf(hostIp) };
    return [isEverywhere ? { ...port, isIngress: true } : port];
  }
  const text = textOf(value);
  const groups = /^(?:(?:(\[[^\]]*\]|[\d.]+):)?(\d+(?:-\d+)?)?:)?(\d+(?:-\d+)?)(?:\/(tcp|udp|sctp))?$/.exec(text);
  if (groups === null) throw bad(`"${text}" is not a port: write 8080:80, 127.0.0.1:8080:80 or 53:53/udp`);
  const [, hostIp = '', published = '', target = '', protocol = 'tcp'] = groups;
  const range = (ports: string) => {
    const [first = 0, last = first] = ports.split('-').map(Number);
    if (last < first || last > 65_535) throw bad(`"${text}": ${ports} is no range of ports`);
    return Array.from({ length: last - first + 1 }, (_, index) => String(first + index));
  };
  const targets = range(target);
  const outside = published === '' ? targets.map(() => '') : range(published);
  // `8000-8010:80` means any of them
  if (targets.length === 1 && outside.length > 1) return [{ target: `${target}/${protocol}`, published, hostIp }];
  if (targets.length !== outside.length) throw bad(`"${text}": the two ranges are not of one length`);
  return targets.map((one, index) => ({ target: `${one}/${protocol}`, published: outside[index] ?? '', hostIp }));
}

const MOST_PORTS = 25_000;

/** Of all instances of a service: a range of ports is as many as it has, and the leader plans them all at once. Throws `invalid`. */
export function refuseManyPorts(count: number): void {
  if (count > MOST_PORTS)
    throw bad(
      `${count} published ports: a service has at most ${MOST_PORTS}, those of all instances together; publish fewer, or use network_mode: host`,
    );
}

/** From `folder` where it does not begin with `/`; `~` is the home of the person, if it is known. */
export function absolutePath(folder: string, path: string, home: string | undefined): string {
  const whole =
    home !== undefined && /^~(?:\/|$)/.test(path) ? `${home}${path.slice(1)}` : path.startsWith('/') ? path : `${folder}/${path}`;
  if (whole === path) return path;
  if (folder === '' && whole === `/${path}`)
    throw new ArpanetError(
      'invalid',
      `"${path}" is a relative path, and nobody has said what folder it is in: write a whole path, or say "folder"`,
    );
  const steps: string[] = [];
  for (const step of whole.split('/'))
    if (step === '..') steps.pop();
    else if (step !== '' && step !== '.') steps.push(step);
  return `/${steps.join('/')}`;
}

export interface Mount {
  readonly type: string;
  readonly source: string;
  readonly target: string;
  readonly mode: string;
  /** A bind whose source an Engine must not make. */
  readonly mustExist?: boolean;
  /** The part of a volume that is mounted. */
  readonly subpath?: string;
}

/** `/data`, `name:/data:ro`, `./here:/data`, or the long form. */
export function mountOf(value: unknown): Mount {
  if (typeof value === 'object' && value !== null) {
    return longMountOf(value as Readonly<Record<string, unknown>>);
  }
  const [first = '', target, mode = '', more] = textOf(value).split(':');
  if (more !== undefined || first === '') throw bad(`"${textOf(value)}" is not a volume: write NAME:/PATH, ./HERE:/PATH or /PATH`);
  if (target === undefined) return { type: 'volume', source: '', target: first, mode: '' };
  return { type: /^[./~]/.test(first) ? 'bind' : 'volume', source: first, target, mode };
}

/** In the long form, as compose writes it. */
export function longMount(value: unknown, pathOf: (path: string) => string): Readonly<Record<string, unknown>> {
  const given = (typeof value === 'object' && value !== null ? value : {}) as Map;
  const { type, source, target, mode, subpath } = mountOf(value);
  const words = mode.split(',');
  const isLong = given['target'] !== undefined;
  const bind = (given['bind'] ?? {}) as Map;
  const propagation = bind['propagation'] ?? words.find((word) => /^r?(shared|slave|private)$/.test(word));
  const selinux = bind['selinux'] ?? words.find((word) => word === 'z' || word === 'Z');
  const tmpfs = (given['tmpfs'] ?? {}) as Map;
  const options = {
    bind: {
      ...(selinux === undefined ? {} : { selinux }),
      ...(propagation === undefined ? {} : { propagation }),
      ...(isLong
        ? bind['create_host_path'] === undefined
          ? {}
          : { create_host_path: isTrue(bind['create_host_path']) }
        : { create_host_path: true }),
    },
    volume: { ...(words.includes('nocopy') ? { nocopy: true } : {}), ...(subpath === undefined ? {} : { subpath }) },
    tmpfs: {
      ...(tmpfs['size'] === undefined ? {} : { size: String(bytesOf(tmpfs['size'])) }),
      ...(tmpfs['mode'] === undefined ? {} : { mode: Number(tmpfs['mode']) }),
    },
  }[type as 'bind' | 'volume' | 'tmpfs'];
  return {
    type,
    ...(source === '' ? {} : { source: type === 'bind' ? pathOf(source) : source }),
    target,
    ...(words.includes('ro') ? { read_only: true } : {}),
    ...(!isLong || given[type] !== undefined ? { [type]: options } : {}),
  };
}

type Map = Readonly<Record<string, unknown>>;
const isTrue = (value: unknown) => value === true || value === 'true';

function longMountOf({ type = 'volume', source = '', target, read_only: readOnly, bind, volume, tmpfs }: Map): Mount {
  if (typeof target !== 'string') throw bad('a volume in long form needs its target, a path in the container');
  if (type !== 'volume' && type !== 'bind' && type !== 'tmpfs')
    throw bad(`a volume's type is volume, bind or tmpfs, not "${textOf(type)}"`);
  const { propagation, selinux, recursive, create_host_path: isMade = true } = (bind ?? {}) as Map;
  const { nocopy, subpath } = (volume ?? {}) as Map;
  const { size, mode } = (tmpfs ?? {}) as Map;
  if (recursive !== undefined) throw bad('bind.recursive is not supported: what is mounted below the source is in the container, too');
  if (subpath !== undefined && (type !== 'volume' || source === ''))
    throw bad('volume.subpath is a part of a volume that has a name: give it a source');
  const words =
    type === 'tmpfs'
      ? [size === undefined ? '' : `size=${bytesOf(size)}`, mode === undefined ? '' : `mode=${Number(mode).toString(8)}`]
      : [isTrue(readOnly) ? 'ro' : '', isTrue(nocopy) ? 'nocopy' : '', textOf(propagation ?? ''), textOf(selinux ?? '')];
  const mustExist = type === 'bind' && !isTrue(isMade);
  return {
    type,
    source: textOf(source),
    target,
    mode: words.filter(Boolean).join(','),
    ...(mustExist ? { mustExist } : {}),
    ...(subpath === undefined ? {} : { subpath: textOf(subpath) }),
  };
}
