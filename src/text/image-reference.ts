/**
 * Names of images: `docker.io/library/busybox:1`, familiarly `busybox:1`.
 * Source: distribution/reference: the grammar of regexp.go, the defaults of normalize.go.
 */

const DEFAULT_REGISTRY = 'docker.io';

export interface ImageReference {
  /** Without tag and digest, as people write it: `busybox`, `me/app`, `registry:5000/app`. */
  readonly familiarName: string;
  /** With the registry and the default folder: `docker.io/library/busybox`. */
  readonly wholeName: string;
  readonly tag: string | undefined;
  /** `sha256:…` */
  readonly digest: string | undefined;
}

const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const DOMAIN = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const DIGEST = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}';
const REST = new RegExp(`^(${COMPONENT}(?:/${COMPONENT})*)(?::(\\w[\\w.-]{0,127}))?(?:@(${DIGEST}))?$`);
const ID = /^[a-f0-9]{64}$/;

/** Undefined when the text is no reference: capitals in the path, say, or 64 hex digits, which are an id. */
export function parseImageReference(text: string): ImageReference | undefined {
  if (ID.test(text)) return undefined;
  const slash = text.indexOf('/');
  const first = slash < 0 ? '' : text.slice(0, slash);
  // the part before the first slash is a registry only if no user of the default registry can be called so
  const hasDomain = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  if (hasDomain && !DOMAIN.test(first)) return undefined;
  const [, path, tag, digest] = REST.exec(hasDomain ? text.slice(slash + 1) : text) ?? [];
  if (path === undefined) return undefined;
  const domain = !hasDomain || first === 'index.docker.io' ? 'docker.io' : first;
  const isDefault = domain === 'docker.io';
  return {
    familiarName: isDefault ? path.replace(/^library\/(?=[^/]+$)/, '') : `${domain}/${path}`,
    wholeName: `${domain}/${isDefault && !path.includes('/') ? 'library/' : ''}${path}`,
    tag,
    digest,
  };
}

/** The host that an image is pulled from; that of the default registry for what is no reference. */
export const registryOf = (text: string): string => parseImageReference(text)?.wholeName.split('/')[0] ?? DEFAULT_REGISTRY;

/** Whether the text itself says from which host. */
export function namesRegistry(text: string): boolean {
  const slash = text.indexOf('/');
  return (
    parseImageReference(text) !== undefined && slash > 0 && (text.slice(0, slash).includes('.') || registryOf(text) !== DEFAULT_REGISTRY)
  );
}

/** What `docker login` calls a registry's host in its config file. Source: docker/cli, registry/config.go, `IndexServer`. */
export const loginServer = (host: string): string =>
  [DEFAULT_REGISTRY, 'index.docker.io', 'registry-1.docker.io'].includes(host) ? 'https://index.docker.io/v1/' : host;

/**
 * As Engines list it: `docker.io/library/busybox` is `busybox:latest`; a digest takes the tag's place, `app@sha256:…`. The text itself when it is no
 * reference.
 * Source: normalize.go, `ParseDockerRef` and `FamiliarString`.
 */
export function familiarReference(text: string): string {
  const name = parseImageReference(text);
  if (name === undefined) return text;
  return name.digest === undefined ? `${name.familiarName}:${name.tag ?? 'latest'}` : `${name.familiarName}@${name.digest}`;
}

/** `busybox` is `busybox:latest`; what has a tag or a digest, or is an id, stays as it is. Source: normalize.go, `TagNameOnly`. */
export function withDefaultTag(text: string): string {
  return ID.test(text) || /[:@]/.test(text.slice(text.lastIndexOf('/') + 1)) ? text : `${text}:latest`;
}

/** The familiar name without tag and digest; the text itself when it is no reference. */
export function imageName(text: string): string {
  return parseImageReference(text)?.familiarName ?? text;
}

/** A comparator: the order in which Engines list the names of an image, which is by their whole, `docker.io/library/busybox:1`. */
export function byWholeName(a: string, b: string): number {
  const [one, other] = [wholeText(a), wholeText(b)];
  return one < other ? -1 : one > other ? 1 : 0;
}

function wholeText(text: string): string {
  const name = parseImageReference(text);
  if (name === undefined) return text;
  return `${name.wholeName}${name.tag === undefined ? '' : `:${name.tag}`}${name.digest === undefined ? '' : `@${name.digest}`}`;
}

/** Whether the reference may mean this image by its id: hex digits that the id `sha256:…` begins with, with or without that prefix. */
export function isImageIdPrefix(reference: string, id: string): boolean {
  const hex = reference.replace(/^sha256:/, '');
  return /^[0-9a-f]{1,64}$/.test(hex) && id.startsWith(`sha256:${hex}`);
}
