/** Effects: reads which interfaces of this machine lead to other machines, and how fast they are, from /sys/class/net (sysfs, ABI/testing/sysfs-class-net). */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const NETWORKS = '/sys/class/net';
const ETHERNET = '1';
/** Of a link that does not say: a gigabit. */
const UNKNOWN_MBIT = 1_000;
const BYTES_PER_MBIT = 125_000;

/** Bytes per second by interface. Bridges, and what is part of a bridge or a bond (containers, VXLAN devices), are left out. */
export function linkSpeeds(): ReadonlyMap<string, number> {
  const names = existsSync(NETWORKS) ? readdirSync(NETWORKS) : [];
  const isLink = (name: string): boolean => {
    const has = (leaf: string) => existsSync(`${NETWORKS}/${name}/${leaf}`);
    return name !== 'lo' && read(name, 'type') === ETHERNET && !has('bridge') && !has('brport') && !has('master');
  };
  return new Map(
    names.filter(isLink).map((name) => {
      const mbit = Number(read(name, 'speed'));
      return [name, (mbit > 0 ? mbit : UNKNOWN_MBIT) * BYTES_PER_MBIT] as const;
    }),
  );
}

/** Empty where the kernel refuses: the speed of a link that is down, of a device that has just gone. */
function read(name: string, leaf: string): string {
  try {
    return readFileSync(`${NETWORKS}/${name}/${leaf}`, 'utf8').trim();
  } catch {
    return '';
  }
}
