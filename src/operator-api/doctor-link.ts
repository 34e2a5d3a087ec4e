/** One link of what the doctor follows. Pure. */
import type { NamedInstance } from '../model/index.ts';
import type { DoctorInput } from './doctor-targets.ts';

/** One link of the path from a container to what it calls. */
export interface Link {
  readonly link: 'sender' | 'answer' | 'instance' | 'health' | 'network' | 'allowed' | 'host' | 'kernel' | 'proxy' | 'mtu' | 'port';
  readonly isSound: boolean;
  readonly what: string;
  /** What to do about it; of a broken link only. */
  readonly fix?: string;
}

export const sound = (link: Link['link'], what: string): Link => ({ link, isSound: true, what });
export const broken = (link: Link['link'], what: string, fix: string): Link => ({ link, isSound: false, what, fix });

/**
 * What became of connections to instances from their own hosts, with the name of each as `ready` has it. `leads`: what leads there ("port 80 leads").
 * `todo`: what to try where none was accepted.
 */
export function* answersOf(
  dialled: NonNullable<DoctorInput['dialled']>,
  ready: readonly NamedInstance[],
  leads: string,
  todo: (name: string, port: number) => string,
): Generator<Link> {
  for (const call of dialled) {
    const name = ready.find((one) => one.container === call.container)?.name ?? call.container.slice(0, 12);
    const where = `${name} at ${call.address}:${call.port}`;
    if (call.outcome === 'open') yield sound('port', `${where} accepts connections from its host ${call.host}`);
    else
      yield broken(
        'port',
        `${where} ${call.outcome === 'refused' ? 'refuses connections' : `does not answer (${call.why})`}, though ${leads} there`,
        todo(name, call.port),
      );
  }
}
