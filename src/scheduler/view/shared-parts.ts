/**
 * What containers have in common is held once: instances of a service have the same settings, and most of what an Engine says of any container are its own
 * defaults. Nothing that is held is ever modified, so nobody sees a difference. No effects; what nobody holds any more is forgotten.
 */
import { createHash } from 'node:crypto';
import type { ContainerFacts, Json } from '../../model/index.ts';

/** Of `Config`: what an image or a service says, and not the container. */
const OF_CONFIG = ['Env', 'Cmd', 'Entrypoint', 'ExposedPorts', 'Volumes', 'Healthcheck'];
/** As JSON: what is shorter is not worth an entry. */
const LEAST_LENGTH = 64;

export interface SharedParts {
  /** The same facts, made of parts that others have too. Facts that came of it are given back as they are. */
  readonly of: (facts: ContainerFacts) => ContainerFacts;
  /** How many parts are known. */
  readonly size: () => number;
}

export function createSharedParts(): SharedParts {
  const known = new Map<string, WeakRef<object>>();
  const gone = new FinalizationRegistry<string>((key) => {
    if (known.get(key)?.deref() === undefined) known.delete(key);
  });
  const made = new WeakSet<ContainerFacts>();

  function shared<T>(part: T): T {
    if (typeof part !== 'object' || part === null) return part;
    const json = JSON.stringify(part);
    if (json.length < LEAST_LENGTH) return part;
    const key = createHash('sha256').update(json).digest('base64');
    const before = known.get(key)?.deref();
    // equal as JSON, keys in the same order
    if (before !== undefined) return before as T;
    known.set(key, new WeakRef(part));
    gone.register(part, key);
    return part;
  }

  function withShared<T extends Json>(whole: T, names: readonly string[]): T {
    const parts = names.flatMap((name) => (name in whole ? [[name, shared(whole[name])] as const] : []));
    return { ...whole, ...Object.fromEntries(parts) };
  }

  return {
    of(facts) {
      if (made.has(facts)) return facts;
      const { summary, inspect } = facts;
      const config = withShared(inspect.Config, OF_CONFIG);
      const isSame = JSON.stringify(summary.Labels) === JSON.stringify(config.Labels);
      const Config = isSame && config.Labels ? { ...config, Labels: summary.Labels } : config;
      const one = { ...facts, inspect: withShared({ ...inspect, Config }, ['HostConfig']) };
      made.add(one);
      return one;
    },
    size: () => known.size,
  };
}
