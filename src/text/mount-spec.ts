/** The words of `docker run -v` and `--volumes-from`: `NAME:/path:ro`, `/host:/path`, `/path`, `CONTAINER:ro`. Source: moby volume/mounts/linux_parser.go. Pure. */

export interface BindSpec {
  /** A path of the host, or the name of a volume; empty: an anonymous volume. */
  readonly source: string;
  readonly target: string;
  /** `ro,z`; empty: none was said. */
  readonly mode: string;
}

/** Of each kind a mode has one word at most. */
const MODES: readonly ReadonlySet<string>[] = [
  new Set(['rw', 'ro']),
  new Set(['z', 'Z']),
  new Set(['private', 'rprivate', 'slave', 'rslave', 'shared', 'rshared']),
  new Set(['nocopy']),
  new Set(['consistent', 'cached', 'delegated']),
];
const [, , PROPAGATIONS = new Set<string>()] = MODES;

const wordsOf = (mode: string): readonly string[] => (mode === '' ? [] : mode.split(','));

/** How a bind of the host's path sees mounts that are made there later; undefined: the mode says nothing of it. */
export const propagationIn = (mode: string): string | undefined => wordsOf(mode).find((word) => PROPAGATIONS.has(word));
/** Of a mount's `BindOptions.Propagation` (moby api/types/mount, `Propagations`). */
export const isPropagation = (word: string): boolean => PROPAGATIONS.has(word);
/** Whether a new volume is not filled with what the image has there: the word `nocopy`. */
export const isNoCopy = (mode: string): boolean => wordsOf(mode).includes('nocopy');

function isMode(mode: string): boolean {
  const words = wordsOf(mode);
  return words.every((word) => MODES.some((kind) => kind.has(word))) && MODES.every((kind) => words.filter((w) => kind.has(w)).length <= 1);
}

/** What an Engine says of a bind that it cannot read. */
export const badBind = (text: string): string => `invalid volume specification: '${text}'`;

/** One of `HostConfig.Binds`; a text: why it is none, in an Engine's words. */
export function parseBind(text: string): BindSpec | string {
  const [first = '', second, mode = '', ...more] = text.split(':');
  if (first === '' || more.length > 0) return badBind(text);
  if (second === undefined) return { source: '', target: first, mode };
  // a path with a mode is no volume
  if (text.split(':').length === 2 && isMode(second)) return badBind(text);
  return isMode(mode) ? { source: first, target: second, mode } : `invalid mode: ${mode}`;
}

/** The paths of hosts that a HostConfig mounts, as it has them. */
export function hostPathsIn(hostConfig: Readonly<Record<string, unknown>> | null | undefined): readonly string[] {
  const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
  const binds = list(hostConfig?.['Binds']).flatMap((text) => {
    const bind = parseBind(String(text));
    return typeof bind !== 'string' && /^[/.]/.test(bind.source) ? [bind.source] : [];
  });
  const mounts = list(hostConfig?.['Mounts']).flatMap((mount) => {
    const { Type, Source } = (mount ?? {}) as { readonly Type?: unknown; readonly Source?: unknown };
    return Type === 'bind' && typeof Source === 'string' ? [Source] : [];
  });
  return [...binds, ...mounts];
}

/** One of `HostConfig.VolumesFrom`: the container, as it is referred to. Another text under `problem`: why it is none, in an Engine's words. */
export function parseVolumesFrom(text: string): { readonly container: string } | { readonly problem: string } {
  if (text === '') return { problem: 'volumes-from specification cannot be an empty string' };
  const at = text.indexOf(':');
  if (at < 0) return { container: text };
  const mode = text.slice(at + 1);
  if (!isMode(mode) || isNoCopy(mode) || propagationIn(mode) !== undefined) return { problem: `invalid mode: ${mode}` };
  const container = text.slice(0, at);
  return container === '' ? { problem: 'invalid name or ID supplied: ""' } : { container };
}
