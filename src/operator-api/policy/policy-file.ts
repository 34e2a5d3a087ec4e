/** The file of `arpanet policy set`: YAML or JSON, a role and its rules each. Pure. */
import { parse, YAMLParseError } from 'yaml';
import { hint } from '../../config/nearest.ts';
import { ArpanetError, type PolicyRecord, type PolicyRules } from '../../model/index.ts';
import { isAny, type Policy, ROLES } from '../../security/index.ts';
import { formatSize, parseSize } from '../../text/size.ts';

/** What a file sets, by role. */
export type GivenPolicies = Readonly<Partial<Record<PolicyRecord['role'], PolicyRules>>>;

/** A role's rules as a file has them. */
export type PolicyText = Readonly<Record<string, string | number | boolean | readonly string[]>>;

const WITH_POLICY: readonly PolicyRecord['role'][] = ['deployer', 'operator'];
const NAMESPACES = ['network', 'pid', 'ipc', 'uts', 'user', 'cgroup'];
const TEXT_LIMIT = 64 * 1024;

const invalid = (message: string): ArpanetError => new ArpanetError('invalid', message);

/** Throws `invalid` with role, rule and what it may be, and with the nearest name for one that there is not. */
export function readPolicies(text: string): GivenPolicies {
  if (text.length > TEXT_LIMIT) throw invalid(`a policy has at most ${TEXT_LIMIT} characters`);
  const value = parsed(text);
  if (!isFields(value)) throw invalid('a policy is a mapping of roles, as "deployer:" with its rules below it');
  return Object.fromEntries(
    Object.entries(value).map(([role, rules]) => {
      const known = WITH_POLICY.find((one) => one === role);
      if (known === undefined && ROLES.some((one) => one === role))
        throw invalid(`the role ${role} has no policy: ${WITH_POLICY.join(', ')} may have one`);
      if (known === undefined) throw invalid(`there is no role "${role}": ${hint(role, WITH_POLICY)}`);
      if (rules !== null && !isFields(rules)) throw invalid(`${role}: its rules are a mapping, as "privileged: false"`);
      return [known, rulesOf(role, rules ?? {})];
    }),
  );
}

function parsed(text: string): unknown {
  try {
    return parse(text, { prettyErrors: true });
  } catch (error) {
    throw invalid(error instanceof YAMLParseError ? `the policy is no YAML: ${error.message.split('\n', 1)[0]}` : 'the policy is no YAML');
  }
}

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

type Read = (value: unknown, at: string) => PolicyRules;

/** A list, one text, or `any` or `none`. */
function listOf(value: unknown, at: string): readonly string[] {
  if (value === 'none') return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const texts = list.filter((one): one is string => typeof one === 'string' && one !== '');
  if (texts.length !== list.length) throw invalid(`${at} is ${JSON.stringify(value)}: it is a list of texts, any or none`);
  return isAny(texts) ? ['any'] : [...new Set(texts)];
}

/** Each of the list but `any`. */
function checked(value: unknown, at: string, is: (text: string) => boolean, what: string): readonly string[] {
  const list = listOf(value, at);
  const other = isAny(list) ? undefined : list.find((one) => !is(one));
  if (other !== undefined) throw invalid(`${at} has ${JSON.stringify(other)}: ${what}`);
  return list;
}

const isPath = (text: string): boolean => text.startsWith('/') && !text.split('/').includes('..');

/** In the order in which they are shown. */
const RULES: Readonly<Record<string, Read>> = {
  privileged(value, at) {
    if (typeof value !== 'boolean') throw invalid(`${at} is ${JSON.stringify(value)}: it is true or false`);
    return { privileged: value };
  },
  host_namespaces: (value, at) => ({
    hostNamespaces: checked(value, at, (one) => NAMESPACES.includes(one), `there are ${NAMESPACES.join(', ')}`),
  }),
  cap_add: (value, at) => ({
    capAdd: listOf(value, at).map((one) => (one === 'any' ? one : one.toUpperCase().replace(/^CAP_/, '').replace(/^ALL$/, 'any'))),
  }),
  devices: (value, at) => ({ devices: checked(value, at, isPath, 'it is the whole path of a device or of a folder of devices') }),
  security_opt: (value, at) => ({ securityOpt: listOf(value, at) }),
  sysctls: (value, at) => ({ sysctls: listOf(value, at) }),
  log_drivers: (value, at) => ({ logDrivers: listOf(value, at) }),
  binds: (value, at) => ({ binds: checked(value, at, isPath, 'it is a whole path of hosts, without ..') }),
  registries: (value, at) => ({
    registries: checked(
      value,
      at,
      (one) => /^[\w.-]+(?::\d+)?$|^\[[\da-fA-F:]+\](?::\d+)?$/.test(one),
      'it is a host, as registry.corp:5000',
    ),
  }),
  memory(value, at) {
    const memoryBytes = typeof value === 'number' || typeof value === 'string' ? parseSize(String(value)) : undefined;
    if (memoryBytes === undefined || memoryBytes === 0) throw invalid(`${at} is ${JSON.stringify(value)}: it is a size, as 512m or 2g`);
    return { memoryBytes };
  },
  cpus(value, at) {
    const cpus = typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN;
    if (!(cpus > 0 && cpus < 1e6)) throw invalid(`${at} is ${JSON.stringify(value)}: it is a number above 0, as 1.5`);
    return { cpus };
  },
  labels: (value, at) => ({
    labels: checked(
      value,
      at,
      (one) => /^arpanet\.[\w.-]*\*?$/.test(one),
      'it is a label of arpanet, as arpanet.reserve, or the beginning of one with *',
    ),
  }),
};

function rulesOf(role: string, given: Readonly<Record<string, unknown>>): PolicyRules {
  const rules = Object.entries(given).map(([name, value]) => {
    const read = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
    if (read === undefined) throw invalid(`${role}: there is no rule "${name}": ${hint(name, Object.keys(RULES))}`);
    return read(value, `${role}.${name}`);
  });
  return Object.assign({}, ...rules) as PolicyRules;
}

/** As a file would set it. */
export function shownPolicy(policy: Policy): PolicyText {
  const list = (texts: readonly string[]): string | readonly string[] => (isAny(texts) ? 'any' : texts.length === 0 ? 'none' : texts);
  return {
    privileged: policy.privileged,
    host_namespaces: list(policy.hostNamespaces),
    cap_add: list(policy.capAdd),
    devices: list(policy.devices),
    security_opt: list(policy.securityOpt),
    sysctls: list(policy.sysctls),
    log_drivers: list(policy.logDrivers),
    binds: list(policy.binds),
    registries: list(policy.registries),
    ...(policy.memoryBytes === undefined ? {} : { memory: formatSize(policy.memoryBytes) }),
    ...(policy.cpus === undefined ? {} : { cpus: policy.cpus }),
    labels: list(policy.labels),
  };
}
