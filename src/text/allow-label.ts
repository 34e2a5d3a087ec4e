/**
 * Which containers of other deployments may call one, as its label `arpanet.allow-from` has it: `xyz/web:80,mon/*:9100/tcp,ops/*`, or `none`. Pure. Source of the names' form: compose-spec
 * (project and service names); deployments and services of any other name cannot be named here.
 */

/** Which callers are let in, and at which port; without one at all of them. */
export interface AllowRule {
  readonly deployment: string;
  /** Undefined: any of the deployment. */
  readonly service?: string;
  readonly port?: number;
  /** Absent: TCP and UDP. */
  readonly protocol?: 'tcp' | 'udp';
}

const MAX_PORT = 65_535;
const PATTERN = /^([\w.-]{1,128})\/([\w.-]{1,128}|\*)(?::(\d{1,5})(?:\/(tcp|udp))?)?$/;

/** What such a label must be like, as the end of a sentence. */
export const ALLOW_FORM =
  'it must be like "xyz/web:80,mon/*", each a DEPLOYMENT/SERVICE (or *) with :PORT or :PORT/udp behind it, or "none"';

/** Empty for `none`; undefined for a text of another form. */
export function parseAllowFrom(text: string): readonly AllowRule[] | undefined {
  if (text.trim() === 'none') return [];
  const rules: AllowRule[] = [];
  for (const part of text.split(',')) {
    const [, deployment, service, port, protocol] = PATTERN.exec(part.trim()) ?? [];
    if (deployment === undefined || service === undefined) return undefined;
    const number = port === undefined ? undefined : Number(port);
    if (number !== undefined && (number < 1 || number > MAX_PORT)) return undefined;
    rules.push({
      deployment,
      ...(service !== '*' && { service }),
      ...(number !== undefined && { port: number }),
      ...((protocol === 'tcp' || protocol === 'udp') && { protocol }),
    });
  }
  return rules;
}

/** Whether these let a caller in, at this port if one is named. */
export function allows(
  rules: readonly AllowRule[],
  caller: { readonly deployment: string; readonly service: string },
  port?: number,
): boolean {
  return rules.some(
    (rule) =>
      rule.deployment === caller.deployment &&
      (rule.service === undefined || rule.service === caller.service) &&
      (rule.port === undefined || port === undefined || rule.port === port),
  );
}
