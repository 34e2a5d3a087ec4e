/** Names that operators add: kept in the store, sent to agents and catalog before the command is answered. Effects: writes to the ledger. */
import { keys, type NamedInstance, type OutsideName } from '../model/index.ts';
import type { OutsideNames } from '../operator-api/index.ts';
import { outsideEntry, outsideName, type Registrar, withEntry, withoutEntries } from '../registrar/index.ts';
import type { Ledger } from '../store/index.ts';

export function outsideNames(ledger: Ledger, registrar: Pick<Registrar, 'flush'>, instances: () => readonly NamedInstance[]): OutsideNames {
  const known = (name: string) => ledger.get<OutsideName>(keys.record(name));
  return {
    list: () => listOutside(ledger),
    async add(text, type, value) {
      const name = outsideName(text);
      const after = withEntry(name, known(name), outsideEntry(type, value), instances());
      await ledger.commit([{ kind: 'put', key: keys.record(name), value: after }]);
      await registrar.flush();
      return after;
    },
    async remove(text, type, value) {
      const name = outsideName(text);
      const before = known(name);
      const after = withoutEntries(name, before, type, value);
      const key = keys.record(name);
      await ledger.commit([after === undefined ? { kind: 'delete', key } : { kind: 'put', key, value: after }]);
      await registrar.flush();
      const left = new Set(after?.entries);
      return { name, entries: (before?.entries ?? []).filter((entry) => !left.has(entry)) };
    },
  };
}

export const listOutside = (ledger: Ledger): readonly OutsideName[] => ledger.list<OutsideName>(keys.records).map(([, value]) => value);
