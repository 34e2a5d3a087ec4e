/** Go templates in a service's env, hostname and mounts (Docker API v1.25 and later): found and tried here, filled in for each instance at its create. Pure. */
import { ArpanetError, labels, type ServiceId } from '../../model/index.ts';
import { expandGoTemplate, GoTemplateError, hasTemplate } from '../../text/go-template/index.ts';
import { templateContext } from '../../text/service-template.ts';
import type { ContainerSpec, ServiceSpec } from './types.ts';

interface Templated {
  /** As swarmkit's errors begin (template/expand.go). */
  readonly what: string;
  readonly text: string;
}

/** The label that tells the create of each instance what its templates can name; none where the spec has no template. Throws `invalid` for a bad one. */
export function templateLabels(spec: ServiceSpec, { deployment, service }: ServiceId): Readonly<Record<string, string>> {
  const container = spec.TaskTemplate?.ContainerSpec ?? {};
  const found = [...templatesIn(container)].filter(({ text }) => hasTemplate(text));
  if (found.length === 0) return {};
  const isGlobal = spec.Mode?.Global != null || spec.Mode?.GlobalJob != null;
  const own = spec.Labels ?? {};
  const name = spec.Name ?? service;
  const dummy = { deployment, service, name, labels: own, number: 1, nonce: '', host: 'nodeHostname', arch: 'x86_64', os: 'linux' };
  for (const { what, text } of found) tryOut(what, text, templateContext(dummy));
  const namesLabels = found.some(({ text }) => /Labels|\$|\{\{-?\s*(?:range|with|print|\.Service\s)/.test(text));
  return {
    [labels.templates]: JSON.stringify({ name, ...(isGlobal ? { isGlobal } : {}), ...(namesLabels ? { labels: own } : {}) }),
  };
}

function tryOut(what: string, text: string, context: ReturnType<typeof templateContext>): void {
  try {
    expandGoTemplate(text, context);
  } catch (error) {
    if (!(error instanceof GoTemplateError)) throw error;
    throw new ArpanetError('invalid', `rpc error: code = InvalidArgument desc = ${what}: ${error.message}`, { cause: error });
  }
}

interface VolumeOptions {
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly DriverConfig?: { readonly Options?: Readonly<Record<string, string>> | null } | null;
}

function* templatesIn({ Env, Hostname = '', Mounts }: ContainerSpec): Generator<Templated> {
  for (const line of Env ?? []) {
    const at = line.indexOf('=');
    if (at >= 0) yield { what: `expanding env failed: expanding env ${JSON.stringify(line)}`, text: line.slice(at + 1) };
  }
  yield { what: 'expanding hostname failed', text: Hostname };
  const mounts = 'expanding mounts failed: expanding';
  for (const mount of Mounts ?? []) {
    const { Source = '', Target = '' } = mount;
    yield { what: `${mounts} mount source ${JSON.stringify(Source)}`, text: Source };
    yield { what: `${mounts} mount target ${JSON.stringify(Target)}`, text: Target };
    const { Labels, DriverConfig } = (mount['VolumeOptions'] ?? {}) as VolumeOptions;
    for (const text of Object.values(Labels ?? {})) yield { what: `${mounts} volume labels`, text };
    for (const text of Object.values(DriverConfig?.Options ?? {})) yield { what: `${mounts} volume driver config`, text };
  }
}
