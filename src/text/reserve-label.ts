/**
 * What a container reserves, as its label `arpanet.reserve` has it: `cpus=0.5,memory=512m`, either or both.
 * Source: the two keys of `deploy.resources.reservations` (compose-spec, deploy.md) that clients do not pass on, or only in part.
 */
import { parseSize } from './size.ts';

export interface Reserve {
  /** Thousand-millionths of a core. */
  readonly nanoCpus?: number;
  readonly memoryBytes?: number;
}

/** Undefined for a text of another form. Sizes as `parseSize` reads them. */
export function parseReserve(text: string): Reserve | undefined {
  let reserve: Reserve = {};
  for (const part of text.split(',')) {
    const [, key, value = ''] = /^\s*(cpus|memory)=(\S+)\s*$/.exec(part) ?? [];
    if (key === undefined) return undefined;
    if (key === 'cpus') {
      if (!/^\d{1,6}(?:\.\d{1,9})?$/.test(value)) return undefined;
      reserve = { ...reserve, nanoCpus: Math.round(Number(value) * 1e9) };
    } else {
      const memoryBytes = parseSize(value);
      if (memoryBytes === undefined) return undefined;
      reserve = { ...reserve, memoryBytes };
    }
  }
  return reserve;
}

/** What a container sets aside on its host: what its label says, and else `--memory-reservation`. A label that cannot be read says nothing. */
export function reservedBy(label: string | undefined, memoryReservation = 0): Required<Reserve> {
  const { nanoCpus = 0, memoryBytes = memoryReservation } = parseReserve(label ?? '') ?? {};
  return { nanoCpus, memoryBytes };
}

/** The text that `parseReserve` reads as this many thousand-millionths of a core: `cpus=0.5`. */
export const formatReservedCpus = (nanoCpus: number): string => `cpus=${nanoCpus / 1e9}`;
