/**
 * Counts the entries that code walks: what array methods are called on, and what iterators of arrays, maps and sets give. It counts all of this process's own
 * code, whatever it looks for, so that nothing that walks a list of hosts, containers or records escapes it.
 */
const METHODS = [
  'map',
  'filter',
  'flatMap',
  'find',
  'findIndex',
  'findLast',
  'some',
  'every',
  'forEach',
  'reduce',
  'sort',
  'toSorted',
  'includes',
  'indexOf',
  'join',
];

type Method = (this: readonly unknown[], ...given: readonly unknown[]) => unknown;

/** Counts while `act` runs. */
export async function walkedIn(act: () => Promise<void>): Promise<number> {
  let walked = 0;
  const undo: (() => void)[] = [];
  const replace = (of: object, key: string, by: (original: Method) => Method): void => {
    const before = Object.getOwnPropertyDescriptor(of, key);
    if (before === undefined) return;
    Object.defineProperty(of, key, { ...before, value: by(before.value as Method) });
    undo.push(() => Object.defineProperty(of, key, before));
  };
  for (const method of METHODS)
    replace(Array.prototype, method, (original) => {
      return function counted(this: readonly unknown[], ...given: readonly unknown[]): unknown {
        walked += this.length;
        return original.apply(this, given as unknown[]);
      };
    });
  for (const iterator of [[][Symbol.iterator](), new Map().entries(), new Set().values()])
    replace(Object.getPrototypeOf(iterator) as object, 'next', (original) => {
      return function counted(this: readonly unknown[]): unknown {
        walked += 1;
        return original.call(this);
      };
    });
  try {
    await act();
  } finally {
    for (const restore of undo) restore();
  }
  return walked;
}
