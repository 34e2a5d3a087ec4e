/**
 * Image references: `docker.io/library/busybox:1` is familiarly `busybox:1`.
 * https://github.com/distribution/reference/blob/main/normalize.go
 */
export interface ImageName {
  /** Without tag and digest, as people write it. */
  readonly familiarName: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/** Undefined when the text is no reference (upper case in the path, or a bare 64-digit id). */
export function parseImageName(text: string): ImageName | undefined {
  if (/^[a-f0-9]{64}$/.test(text)) return undefined;
  const match = /^((?:[^@:/]+(?::\d+)?\/)?[^@:]+)(?::([\w][\w.-]{0,127}))?(?:@([A-Za-z][\w+.-]*:[0-9a-fA-F]{32,}))?$/.exec(text);
  const name = match?.[1];
  if (name === undefined) return undefined;
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasDomain = slash >= 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const domain = hasDomain ? (first === 'index.docker.io' ? 'docker.io' : first) : 'docker.io';
  const path = hasDomain ? name.slice(slash + 1) : name;
  if (!/^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/.test(path)) return undefined;
  const familiarPath = domain === 'docker.io' ? path.replace(/^library\/(?=[^/]+$)/, '') : `${domain}/${path}`;
  return { familiarName: familiarPath, tag: match?.[2], digest: match?.[3] };
}

/** As Engines sort the names of an image: by their whole, `docker.io/library/busybox:1`. */
export function byWholeName(a: string, b: string): number {
  const [one, other] = [wholeName(a), wholeName(b)];
  return one < other ? -1 : one > other ? 1 : 0;
}

function wholeName(text: string): string {
  const familiar = parseImageName(text)?.familiarName;
  if (familiar === undefined) return text;
  const [first = '', ...rest] = familiar.split('/');
  const hasDomain = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  const path = hasDomain ? familiar : `docker.io/${rest.length > 0 ? '' : 'library/'}${familiar}`;
  return path + text.slice(text.lastIndexOf(familiar) + familiar.length);
}

/** The name without its tag; the text itself when it is no reference. */
export function stripTag(text: string): string {
  return parseImageName(text)?.familiarName ?? text;
}
