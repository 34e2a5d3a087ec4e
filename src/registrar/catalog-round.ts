/**
 * Compares the catalog with what it is known to hold, some nodes at a time: somebody else may have written to it. While its change index stays, nothing is read. Effects: the
 * catalog, a timer.
 */
import type { CatalogService } from '../store/index.ts';

/** Nodes that are read at a time. */
const SLICE = 10;
/** Between two slices. */
const PAUSE_MS = 1_000;

export interface ComparedCatalog {
  /** All services on nodes whose name begins so; `only`: on these. */
  list(nodePrefix: string, only?: readonly string[]): Promise<readonly CatalogService[]>;
  nodes(nodePrefix: string): Promise<readonly string[]>;
  changeIndex(): Promise<number>;
}

export interface CatalogRound {
  /** A round is due: at once, if none is under way. */
  readonly begin: () => void;
  /** Whether nodes wait to be read. */
  readonly isDue: () => boolean;
  /** Reads the next nodes: what they hold. To be called where nobody changes the catalog meanwhile. Throws `unavailable`. */
  readonly look: (
    known: () => Iterable<string>,
  ) => Promise<{ readonly nodes: readonly string[]; readonly found: readonly CatalogService[] }>;
  readonly stop: () => void;
}

/** `wake`: calls `look` soon, if something is due. */
export function createCatalogRound(catalog: ComparedCatalog, nodePrefix: string, wake: () => void, pauseMs = PAUSE_MS): CatalogRound {
  let isDue = false;
  /** Of the round under way, still to be read; undefined: it has not begun. */
  let left: readonly string[] | undefined;
  /** The catalog's change index before the last whole round. */
  let comparedAt: number | undefined;
  let beganAt: number | undefined;
  let timer: NodeJS.Timeout | undefined;

  function end(): void {
    left = undefined;
    isDue = false;
  }

  return {
    begin() {
      if (isDue || timer !== undefined) return;
      isDue = true;
      wake();
    },
    isDue: () => isDue,
    async look(known) {
      if (left === undefined) {
        const now = await catalog.changeIndex();
        if (now === comparedAt) {
          end();
          return { nodes: [], found: [] };
        }
        beganAt = now;
        left = [...new Set([...(await catalog.nodes(nodePrefix)), ...known()])];
      }
      const nodes = left.slice(0, SLICE);
      const found = nodes.length === 0 ? [] : await catalog.list(nodePrefix, nodes);
      left = left.slice(SLICE);
      if (left.length === 0) {
        comparedAt = beganAt;
        end();
        return { nodes, found };
      }
      isDue = false;
      timer = setTimeout(() => {
        timer = undefined;
        isDue = true;
        wake();
      }, pauseMs);
      return { nodes, found };
    },
    stop: () => clearTimeout(timer),
  };
}
