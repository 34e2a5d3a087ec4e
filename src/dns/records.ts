/** Records in wire format, encoded by dns2; one at a time, so that no name is compressed (RFC 2782 forbids it in SRV, and old Go resolvers refuse it). */
import type { Buffer } from 'node:buffer';
import { Packet } from 'dns2';
import type { DnsRecord } from './answer.ts';

/** `name`: the owner name, if the record has none. Throws what dns2 throws for names that it cannot encode. */
export function encodeRecord(name: string, record: DnsRecord): Buffer {
  return Packet.Resource.encode(resource({ name: record.name ?? name, class: Packet.CLASS.IN, ttl: 0, ...fieldsOf(record) }));
}

/** A query with id 0 and recursion desired. */
export function encodeQuestion(name: string, type: number): Buffer {
  const packet = new Packet();
  packet.header.rd = 1;
  packet.questions = [new Packet.Question({ name, type, class: Packet.CLASS.IN })];
  return packet.toBuffer();
}

/** Another server's answer: its RCODE, and its CNAME records and those of the queried type; undefined if it cannot be parsed. */
export function readAnswer(message: Buffer, type: number): { readonly rcode: number; readonly records: readonly DnsRecord[] } | undefined {
  try {
    const { header, answers } = Packet.parse(message);
    return { rcode: header.rcode, records: answers.flatMap((answer) => recordsOf(answer, type)) };
  } catch {
    return undefined;
  }
}

function recordsOf({ name, type, address, domain, priority, weight, port, target, data }: Resource, asked: number): readonly DnsRecord[] {
  const { TYPE } = Packet;
  if (type === TYPE.CNAME && domain !== undefined) return [{ type: 'CNAME', name, target: domain }];
  if (type !== asked) return [];
  if ((type === TYPE.A || type === TYPE.AAAA) && address !== undefined) return [{ type: type === TYPE.A ? 'A' : 'AAAA', name, address }];
  if (type === TYPE.TXT && typeof data === 'string') return [{ type: 'TXT', name, text: data.slice(0, 255) }];
  if (type === TYPE.SRV && target !== undefined)
    return [{ type: 'SRV', name, priority: priority ?? 0, weight: weight ?? 0, port: port ?? 0, target }];
  return [];
}

function fieldsOf(record: DnsRecord): Partial<Resource> {
  const { TYPE } = Packet;
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return { type: TYPE[record.type], address: record.address };
    case 'SRV':
      return { type: TYPE.SRV, priority: record.priority ?? 1, weight: record.weight ?? 1, port: record.port, target: record.target };
    case 'CNAME':
    case 'PTR':
      return { type: TYPE[record.type], domain: record.target };
    default:
      return { type: TYPE.TXT, data: record.text };
  }
}

/** The SOA record of negative answers (RFC 2308); `serial` is the name table's version. Times in seconds. */
export function encodeAuthority(origin: string, serial: number): Buffer {
  const { TYPE, CLASS } = Packet;
  return Packet.Resource.encode(
    resource({
      name: origin,
      class: CLASS.IN,
      ttl: 0,
      type: TYPE.SOA,
      primary: 'ns.service.consul',
      admin: 'hostmaster.service.consul',
      serial,
      refresh: 3600,
      retry: 600,
      expiration: 86400,
      minimum: 0,
    }),
  );
}

type Resource = InstanceType<typeof Packet.Resource>;

const resource = (fields: Partial<Resource>): Resource => new Packet.Resource(fields);
