/** What this host tells the leader of things that cannot be read, for `arpanet status`. Pure. */
import { type UnreadableContainer, unreadableContainerText } from '../../model/facts.ts';
import type { LeftOut } from '../../telemetry/left-out.ts';

export function leftOutSentences(containers: readonly UnreadableContainer[], entries: readonly LeftOut[]): readonly string[] {
  return [
    ...containers.map(unreadableContainerText),
    ...entries.map(({ kind, name, of, why }) => `the ${kind} ${name} cannot be read and is left out of ${of}: ${why}`),
  ];
}
