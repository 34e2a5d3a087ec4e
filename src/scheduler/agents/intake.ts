/** What agents send, in order: first who is alive, then the facts, then who has to act on them. Effects: the view, the feed, tags in the store. */
import type { ContainerFacts, ContainerInspect } from '../../model/index.ts';
import type { Judge } from '../containers/judge.ts';
import type { Feed } from '../events/feed.ts';
import type { Tags } from '../images/tags.ts';
import type { Liveness } from '../loss/liveness.ts';
import type { Triggers } from '../triggers.ts';
import type { Fact } from './resumes.ts';
import type { FactsMessage, View } from '../view/roles.ts';
import { createSharedParts } from '../view/shared-parts.ts';
import { guarded } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';

export interface IntakeParts {
  readonly view: Pick<View, 'read' | 'facts'>;
  readonly feed: Pick<Feed, 'take'>;
  readonly liveness: Pick<Liveness, 'heard'>;
  readonly tags: Tags;
  readonly triggers: Triggers;
  readonly judge: Judge;
  readonly now: () => number;
  readonly log: Logger;
}

export function createIntake({
  view,
  feed,
  liveness,
  tags,
  triggers,
  judge,
  now,
  log,
}: IntakeParts): (host: string, message: Exclude<Fact, { type: 'ask-names' }>) => void {
  const { read, facts } = view;
  const parts = createSharedParts();
  const saveTags = guarded(log, 'storing image tags', tags.save);

  function isStray(host: string, inspect: ContainerInspect): boolean {
    return read.byId(inspect.Id)?.record === undefined && judge(host, inspect).kind === 'proven';
  }

  return (host, message) => {
    if (!liveness.heard(host, message)) return;
    if (message.type === 'event') return feed.take(host, message.event);
    if (message.type === 'engine') return;
    if (message.type === 'tunnel') {
      triggers.emit('keys-changed', host, message.ends);
      return;
    }
    const gone = facts.apply(host, sharing(message, parts.of), now());
    if (message.type === 'snapshot') triggers.emit('snapshot-applied', host);
    // A snapshot may be older than what was created since: only what its Engine itself reports as removed is gone for sure.
    if (message.type === 'containers') {
      for (const container of gone) if (container.record !== undefined) triggers.emit('container-gone', container);
      if (message.upserts.some(({ inspect }) => isStray(host, inspect))) triggers.emit('stray-seen', host);
    }
    if (message.type === 'snapshot' || message.type === 'images') saveTags();
  };
}

function sharing(message: FactsMessage, shared: (facts: ContainerFacts) => ContainerFacts): FactsMessage {
  if (message.type === 'containers') return { ...message, upserts: message.upserts.map(shared) };
  if (message.type !== 'snapshot') return message;
  return { ...message, snapshot: { ...message.snapshot, containers: message.snapshot.containers.map(shared) } };
}
