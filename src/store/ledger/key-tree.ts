/** Values by key. Lists a directory (`a/b/` of `a/b/c`) in time proportional to its size. No effects. */
export type Listed<T> = readonly (readonly [string, T])[];

interface Directory<T> {
  readonly keys: Set<string>;
  /** The last result of list(), until something in the directory changes. */
  listed?: Listed<T> | undefined;
}

/** Keys are as the store's: `a/b/c`. A value is handed out as it was set. */
export class KeyTree<T> {
  readonly #entries = new Map<string, readonly [string, T]>();
  readonly #directories = new Map<string, Directory<T>>();

  get(key: string): T | undefined {
    return this.#entries.get(key)?.[1];
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  set(key: string, value: T): void {
    this.#entries.set(key, [key, value]);
    for (const name of directoriesOf(key)) {
      const directory = this.#directories.get(name) ?? { keys: new Set() };
      directory.keys.add(key);
      directory.listed = undefined;
      this.#directories.set(name, directory);
    }
  }

  delete(key: string): void {
    if (!this.#entries.delete(key)) return;
    for (const name of directoriesOf(key)) {
      const directory = this.#directories.get(name);
      if (directory === undefined) continue;
      directory.keys.delete(key);
      directory.listed = undefined;
      if (directory.keys.size === 0) this.#directories.delete(name);
    }
  }

  /** All entries whose key begins with `prefix`, sorted by key. The result must not be modified. */
  list(prefix: string): Listed<T> {
    const name = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    const listed = this.#listDirectory(name);
    return name === prefix ? listed : listed.filter(([key]) => key.startsWith(prefix));
  }

  #listDirectory(name: string): Listed<T> {
    const directory = this.#directories.get(name);
    if (directory === undefined) return [];
    if (directory.listed === undefined) {
      const entries = Array.from(directory.keys, (key) => this.#entries.get(key)).filter((entry) => entry !== undefined);
      directory.listed = entries.sort(([a], [b]) => (a < b ? -1 : 1));
    }
    return directory.listed;
  }
}

/** `''`, `a/` and `a/b/` of `a/b/c`. */
function* directoriesOf(key: string): Generator<string> {
  yield '';
  for (let slash = key.indexOf('/'); slash >= 0; slash = key.indexOf('/', slash + 1)) yield key.slice(0, slash + 1);
}
