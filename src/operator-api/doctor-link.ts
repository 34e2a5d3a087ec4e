/** One link of what the doctor follows. Pure. */

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
