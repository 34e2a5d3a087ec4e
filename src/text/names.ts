/** Which names things may have. */

/** Of a container, in a request's query: letters, digits, `_`, `.` and `-`, two at least, not begun by a sign. One slash before it is let pass. */
const CONTAINER = /^\/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
/** Said by Engines of a name that is none. */
export const CONTAINER_NAME_FORM = '[a-zA-Z0-9][a-zA-Z0-9_.-]';

/** Source: moby daemon/names/names.go, `RestrictedNamePattern`. */
export function isContainerName(name: string): boolean {
  return CONTAINER.test(name);
}

/** Of a container or volume. An Engine's file system has names of as many bytes at most (`NAME_MAX`), and a store's keys are bounded, too. */
export const MAX_NAME_LENGTH = 255;

/** Why no volume of the driver `local` may be called so, in an Engine's words; undefined: one may. Source: moby volume/local/local.go, `validateName`. */
export function volumeNameProblem(name: string): string | undefined {
  // Go counts bytes
  if (Buffer.byteLength(name) < 2) return `create ${name}: volume name is too short, names should be at least two alphanumeric characters`;
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name))
    return `create ${name}: ${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`;
  return name.length > MAX_NAME_LENGTH
    ? `create ${name.slice(0, 40)}…: a volume's name has at most ${MAX_NAME_LENGTH} characters`
    : undefined;
}

/** Whether a person named the volume: anonymous ones have 64 hex digits, and are one container's. Source: moby volume/service, `stringid.GenerateRandomID`. */
export const isNamedVolume = (name: string): boolean => !/^[0-9a-f]{64}$/.test(name);

/**
 * Whether the name of a deployment or service is one label of a DNS name as it is (RFC 1035 section 2.3.4, 63 octets).
 * `_` is no host name's letter, but compose makes such names and resolvers take them.
 */
export function isServiceName(name: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$/.test(name);
}

/** A name or reference without the one slash that Engines write before names. */
export function withoutSlash(name: string): string {
  return name.startsWith('/') ? name.slice(1) : name;
}

/** For messages: what `isHostName` takes. */
export const HOST_NAME_FORM = '1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit';

/**
 * Whether a host of the cluster may be called so: one label of a DNS name in lower case, because it becomes part of DNS names
 * (`arpanet-<host>.node.consul`), store keys and file names, and for DNS `Node-A` and `node-a` are one name.
 * Source: RFC 1123 section 2.1, RFC 1035 section 2.3.4 (63 octets).
 */
export function isHostName(name: string): boolean {
  return /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name);
}
