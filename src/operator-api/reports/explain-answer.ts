/** What `GET /arpanet/v1/explain/<container>` answers. */
import type { Services } from '../../contracts/index.ts';
import { canaryOf, type ContainerView, type Explained, isKind, labels } from '../../model/index.ts';
import { instanceCalled } from '../instance-reference.ts';
import type { Observed } from './report.ts';

export interface ExplainSources {
  /** Throws `not-found`. */
  readonly decision: (reference: string) => Explained;
  readonly observe: () => Pick<Observed, 'containers'>;
  /** Throws `not-found`. */
  readonly container: (reference: string) => ContainerView;
  readonly services: () => Pick<Services, 'canaries'>;
}

/** By the container's name, or what a create that was refused was called; else by what people call an instance. Throws `not-found`. */
export function explainedTo(sources: ExplainSources, reference: string): Explained & { readonly container: string } {
  const found = byName(sources, reference);
  const canary = canaryTold(sources, found.container);
  return { ...found, ...(canary !== undefined && { canary }) };
}

function byName({ decision, observe }: ExplainSources, reference: string): Explained & { readonly container: string } {
  try {
    return { container: reference, ...decision(reference) };
  } catch (error) {
    if (!isKind(error, 'not-found')) throw error;
    const placed = observe().containers.flatMap(({ id, name, record }) =>
      record === undefined ? [] : [{ ...record, container: id, name }],
    );
    const { name } = instanceCalled(reference, placed);
    return { container: name, ...decision(name) };
  }
}

/** Of its service, or of the one that it is a canary's instance of. */
function canaryTold({ container, services }: ExplainSources, name: string): string | undefined {
  try {
    const { record } = container(name);
    if (record === undefined) return undefined;
    const { of: service = record.service } = canaryOf(record.request.Labels?.[labels.canary]) ?? {};
    return services().canaries.summary({ deployment: record.deployment, service });
  } catch (error) {
    // a create that was refused
    if (isKind(error, 'not-found')) return undefined;
    throw error;
  }
}
