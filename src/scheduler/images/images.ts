/** Brings images to the hosts that need them, from hosts that have them: one transfer at a time for each image and host. */
import { ArpanetError, isKind } from '../../model/index.ts';
import type { Core } from '../core.ts';
import { familiarReference, imageName } from '../../text/image-reference.ts';

const COPY_TIMEOUT_MS = 600_000;
const TAG_TIMEOUT_MS = 10_000;

export interface Images {
  /** Makes sure that the host has the image. Resolves with the reference under which its Engine knows it. Throws `not-found` when nobody has it. */
  readonly ensure: (host: string, reference: string, signal: AbortSignal) => Promise<string>;
  /** The host for builds, loads and pulls. */
  readonly builder: () => string;
}

/** `copies` names the transfers under way, so that the view takes an arriving tag for the copy that it is. */
export function createImages(core: Core, copies: Set<string>): Images {
  const { deps, view, images, hub, engines, syncs, keyed } = core;
  let chosen: string | undefined;

  function wanted(reference: string): { readonly id: string; readonly hosts: readonly string[] } {
    const image = images.find(reference);
    if (image !== undefined) return image;
    throw new ArpanetError('not-found', `No such image: ${familiarReference(reference)}`);
  }

  /** A reference that resolved as a tag, and not as an id, a prefix of one, or a digest. */
  const isTag = (reference: string): boolean => images.tags().has(familiarReference(reference));

  /** What the host's Engine calls the image; undefined: it does not have it under any name. */
  function knownAs(host: string, reference: string, id: string): string | undefined {
    const here = images.on(host);
    if (!here.ids.has(id)) return undefined;
    const familiar = familiarReference(reference);
    if (here.tags.get(familiar)?.id === id || here.digests.get(familiar) === id || id.includes(reference)) return reference;
    return isTag(reference) ? undefined : id;
  }

  /** From one host that has it after the other, until one gives it. */
  async function copy(host: string, reference: string, familiar: string, id: string): Promise<void> {
    const tried = new Set<string>();
    let failure: unknown = new ArpanetError('not-found', `No such image: ${familiar}`);
    for (;;) {
      const source = sourceOf(reference, familiar, id, tried);
      const from = source === undefined ? undefined : view.host(source)?.record;
      if (source === undefined || from === undefined) throw failure;
      tried.add(source);
      if (from.hasTls === true && view.host(host)?.record.hasTls !== true) {
        failure = new ArpanetError(
          'unavailable',
          `host ${host} has no certificate to get images from ${source} with: let it join by https://, too`,
        );
        continue;
      }
      deps.log.info({ image: familiar, from: source, to: host }, 'copying an image');
      try {
        const copied = isTag(reference) ? familiar : id;
        await hub.call(
          host,
          { method: 'copy-image', reference: copied, gateway: from.gateway, ...(from.hasTls === true && { host: source }) },
          COPY_TIMEOUT_MS,
        );
        return;
      } catch (error) {
        if (!isKind(error, 'unavailable', 'timeout') || view.host(host)?.state !== 'alive' || core.lost.aborted) throw error;
        failure = error;
        deps.log.warn({ image: familiar, from: source, to: host, err: error }, 'an image did not come; trying the next host that has it');
      }
    }
  }

  /** The host may have the same image under another name only, and then it cannot be saved under this one: those that have this name come first. */
  function sourceOf(reference: string, familiar: string, id: string, tried: ReadonlySet<string>): string | undefined {
    const hosts = images.find(reference)?.hosts.filter((name) => !tried.has(name)) ?? [];
    return hosts.find((name) => images.on(name).tags.get(familiar)?.id === id) ?? hosts[0];
  }

  async function bring(host: string, reference: string, id: string): Promise<void> {
    const familiar = familiarReference(reference);
    const under = `${host}/${familiar}`;
    copies.add(under);
    try {
      if (images.on(host).ids.has(id) && isTag(reference)) {
        const repo = imageName(familiar);
        const query = `repo=${encodeURIComponent(repo)}&tag=${encodeURIComponent(familiar.slice(repo.length + 1))}`;
        const path = `${engines.versionPath(host)}/images/${id}/tag?${query}`;
        await engines.json(host, { method: 'POST', path, timeoutMs: TAG_TIMEOUT_MS });
        // a client that removed the name meanwhile asked every host that had it, and this one not yet
        if (!images.tags().has(familiar)) {
          await engines.json(host, {
            method: 'DELETE',
            path: `${engines.versionPath(host)}/images/${familiar}?noprune=1`,
            timeoutMs: TAG_TIMEOUT_MS,
          });
          throw new ArpanetError('not-found', `No such image: ${familiar}`);
        }
      } else {
        await copy(host, reference, familiar, id);
      }
      await syncs.sync(host, { images: true });
    } finally {
      copies.delete(under);
    }
  }

  return {
    async ensure(host, reference, signal) {
      if (view.host(host)?.state !== 'alive') throw new ArpanetError('unavailable', `host ${host} is unreachable: try again`);
      const { id } = wanted(reference);
      const known = knownAs(host, reference, id);
      if (known !== undefined) return known;
      // The transfer belongs to all who wait for it: one client that leaves does not end it.
      const transfer = keyed.shared(`image/${host}/${id}/${reference}`, () => bring(host, reference, id));
      transfer.catch(() => undefined);
      await orAborted(transfer, signal);
      const now = knownAs(host, reference, images.find(reference)?.id ?? id) ?? knownAs(host, reference, id);
      if (now === undefined) throw new ArpanetError('unavailable', `image ${reference} did not arrive on host ${host}: try again`);
      return now;
    },
    builder() {
      const able = view.hosts().filter((host) => host.state === 'alive' && host.record.availability === 'active');
      if (chosen === undefined || !able.some((host) => host.name === chosen)) chosen = able[0]?.name;
      if (chosen === undefined) throw new ArpanetError('unavailable', 'no host is alive: is an agent running?');
      return chosen;
    },
  };
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(new ArpanetError('unavailable', 'the client disconnected'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (abort !== undefined) signal.removeEventListener('abort', abort);
  }
}
