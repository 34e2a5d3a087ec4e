/** What all hosts are sent of names: which deployments there are, and what operators added. Kept as a bounded journal of what came and went. Pure. */
import type { NameChange, NameTable, OutsideName } from '../../model/index.ts';

type Common = Pick<NameChange, 'outside' | 'deployments' | 'deploymentsCome' | 'deploymentsGone'>;

export interface CommonNames {
  /** Grows with every change. */
  readonly version: () => number;
  readonly replace: (outside: readonly OutsideName[], deployments: readonly string[]) => void;
  /** `outside`: all of them; undefined: as before. */
  readonly change: (outside: readonly OutsideName[] | undefined, come: readonly string[], gone: readonly string[]) => void;
  readonly all: () => Required<Pick<NameTable, 'outside' | 'deployments'>>;
  /** What is new since that version: what came and went as far as that is remembered, or all. */
  readonly since: (version: number) => Common;
}

/** Hosts that are further behind get all: each is sent what has changed with its heartbeats, once a second. */
const MOST_REMEMBERED = 256;

interface Step {
  readonly come: readonly string[];
  readonly gone: readonly string[];
}

export function createCommonNames(): CommonNames {
  const deployments = new Set<string>();
  let outside: readonly OutsideName[] = [];
  let outsideSince = 0;
  let version = 0;
  let steps: Step[] = [];

  return {
    version: () => version,
    replace(all, names) {
      version += 1;
      outside = all;
      outsideSince = version;
      steps = [];
      deployments.clear();
      for (const name of names) deployments.add(name);
    },
    change(all, come, gone) {
      if (all === undefined && come.length === 0 && gone.length === 0) return;
      version += 1;
      if (all !== undefined) {
        outside = all;
        outsideSince = version;
      }
      for (const name of gone) deployments.delete(name);
      for (const name of come) deployments.add(name);
      steps.push({ come, gone });
      if (steps.length > MOST_REMEMBERED) steps.shift();
    },
    all: () => ({ outside, deployments: [...deployments].sort() }),
    since(known) {
      const added = outsideSince > known ? { outside } : {};
      if (known === version) return {};
      const missed = version - known;
      if (missed > steps.length) return { ...added, deployments: [...deployments].sort() };
      // what came and went meanwhile ends as it is now
      const touched = new Set(steps.slice(-missed).flatMap(({ come, gone }) => [...come, ...gone]));
      const here = [...touched].filter((name) => deployments.has(name));
      const gone = [...touched].filter((name) => !deployments.has(name));
      return {
        ...added,
        ...(here.length > 0 && { deploymentsCome: here }),
        ...(gone.length > 0 && { deploymentsGone: gone }),
      };
    },
  };
}
