/** Effects: keeps containers to their own addresses in what they say to IPv6 neighbours, with `nft`. The table stays when the agent stops. */
import { run } from '../overlay/run.ts';
import { whyNot } from '../vip/namespaces.ts';
import type { GuardedPort } from './guards-plan.ts';
import { NEIGHBOURS_TABLE, neighbourRules, NO_NEIGHBOURS } from './neighbours-plan.ts';

export interface Neighbours {
  /** Throws `unavailable` as `run` does, where somebody has an IPv6 address. */
  readonly bind: (ports: readonly GuardedPort[]) => Promise<void>;
  /** Somebody may have changed it: it is written again with the next `bind` where it is not as it was. Never throws. */
  readonly look: () => Promise<void>;
  /** Why containers are not bound; undefined: they are. Never throws. */
  readonly fault: () => Promise<string | undefined>;
}

export function createNeighbours(): Neighbours {
  /** As it was asked for, and as the kernel prints it; undefined: not known. */
  let applied: { readonly text: string | undefined; readonly printed: string } | undefined;
  let failure: string | undefined;
  const print = (): Promise<string> => run('nft', ['list', 'table', 'bridge', NEIGHBOURS_TABLE]).catch(() => '');

  return {
    async bind(ports) {
      const text = neighbourRules(ports);
      if (applied !== undefined && applied.text === text) return;
      applied = undefined;
      try {
        await run('nft', ['-f', '-'], text ?? NO_NEIGHBOURS);
        applied = { text, printed: text === undefined ? '' : await print() };
        failure = undefined;
      } catch (error) {
        failure = text === undefined ? undefined : whyNot(error);
        if (text !== undefined) throw error;
        // without nft there is nothing to remove
        applied = { text, printed: '' };
      }
    },
    async look() {
      if (applied?.text !== undefined && (await print()) !== applied.printed) applied = undefined;
    },
    async fault() {
      if (failure !== undefined || applied === undefined) return failure ?? 'it is not made yet';
      if (applied.text === undefined || (await print()) === applied.printed) return undefined;
      return `the rules of nft’s table ${NEIGHBOURS_TABLE} are not as they should be`;
    },
  };
}
