/** Answers one query (RFC 1035, RFC 2308), or says where to forward it. Caches answers by the client's scope, until the next name table. */
import type { Buffer } from 'node:buffer';
import type { NameChange, NameTable } from '../model/index.ts';
import { type Decision, type DnsRecord, decide, type LeadsTo } from './answer.ts';
import {
  encodeAddresses,
  encodeSections,
  nameOf,
  noSections,
  parseAddresses,
  parseQuery,
  type Query,
  RCODE,
  type Sections,
} from './encode.ts';
import { encodeAuthority, encodeQuestion, encodeRecord, readAnswer } from './records.ts';
import { candidates, type SearchList } from './search.ts';
import { openZone, type Scope } from './zone.ts';

export type Reply =
  | { readonly kind: 'answer'; readonly packet: Buffer }
  | { readonly kind: 'drop' }
  /**
   * `to`: these servers, or what is set for all. `otherwise`: the answer if no server there answers. `instead`: another query to send there, and how to make the
   * answer from its answer. `first`: queries that are sent before, until one has an answer.
   */
  | {
      readonly kind: 'forward';
      readonly to: 'upstream' | 'consul' | { readonly servers: readonly string[] };
      readonly otherwise: Buffer;
      readonly instead?: { readonly message: Buffer; readonly answer: (theirs: Buffer) => Buffer };
      readonly first?: readonly { readonly message: Buffer; readonly answer: (theirs: Buffer) => Buffer | undefined }[];
    };

export interface Responder {
  readonly table: (table: NameTable) => void;
  /** Must be of the table that it has. */
  readonly change: (change: NameChange) => void;
  /** Its table is what the leader had at this time. */
  readonly confirm: (atMs: number) => void;
  /** `client`: its IP address. May throw: on a record that dns2 cannot encode. */
  readonly respond: (message: Buffer, client: string, transport: 'udp' | 'tcp') => Reply;
  readonly stats: () => RespondStats;
  /** Whether a container of the table has this address. */
  readonly knows: (client: string) => boolean;
  /** Whether Consul's DNS can be asked from now on. */
  readonly consul: (isThere: boolean) => void;
  /** Which clients can use services' addresses; none before the first call. */
  readonly services: (leadsTo: LeadsTo) => void;
  /** The search list that the Engine gives to containers. */
  readonly search: (list: SearchList) => void;
}

export interface RespondStats {
  readonly queries: number;
  readonly malformed: number;
  readonly nxdomain: number;
  readonly instances: number;
  readonly version: number;
}

export interface RespondDeps {
  readonly now: () => number;
  /** [0, 1) */
  readonly random: () => number;
  readonly hasConsul: boolean;
  readonly pool?: string;
}

/** A cached answer; the same for all clients of one scope. */
type Known = { readonly addresses: Uint32Array } | { readonly rcode: number; readonly sections: Sections; readonly isInOrder?: boolean };

/** Cached answers at most: clients may ask for any name below `service.consul`. */
const maxKnown = 20_000;
const tcpLimit = 65_535;

export function createResponder({ now, random, hasConsul: hadConsul, pool }: RespondDeps): Responder {
  const empty: NameTable = { version: 0, epoch: 0, atMs: now(), instances: [] };
  let live = openZone(empty, pool);
  let known = new Map<Scope | undefined, Map<string, Known>>();
  let knownCount = 0;
  const authorities = new Map<string, Buffer>();
  const counts = { queries: 0, malformed: 0, nxdomain: 0 };
  let hasConsul = hadConsul;
  let leadsTo: LeadsTo | undefined;
  let searchList: SearchList = { domains: [], ndots: 0 };

  const forget = (): void => {
    known = new Map();
    knownCount = 0;
  };
  const authority = (origin: string): Buffer => {
    const found = authorities.get(origin) ?? encodeAuthority(origin, live.zone.version);
    authorities.set(origin, found);
    return found;
  };
  const encode = (query: Query, answer: Known, limit: number): Reply => {
    if ('addresses' in answer) return { kind: 'answer', packet: encodeAddresses(query, answer.addresses, limit, random) };
    if (answer.rcode === RCODE.NXDOMAIN) counts.nxdomain += 1;
    const { answers } = answer.sections;
    const sections =
      answers.length > 1 && answer.isInOrder !== true ? { ...answer.sections, answers: shuffled(answers, random) } : answer.sections;
    return { kind: 'answer', packet: encodeSections(query, answer.rcode, sections, limit) };
  };
  const forward = (query: Query, to: Extract<Reply, { readonly kind: 'forward' }>['to'], rcode: number): Reply => ({
    kind: 'forward',
    to,
    otherwise: encodeSections(query, rcode, noSections, query.udpSize),
  });

  /** A container asks for the whole name only: what its resolver would have searched is searched here. */
  const searched = (
    query: Query,
    asked: string,
    limit: number,
  ): readonly { message: Buffer; answer: (theirs: Buffer) => Buffer | undefined }[] =>
    candidates(asked, searchList).map((candidate) => ({
      message: encodeQuestion(candidate, query.type),
      answer: (theirs) => {
        const read = readAnswer(theirs, query.type);
        if (read === undefined || read.rcode !== RCODE.NOERROR) return undefined;
        // the name exists, and has no address of this type: musl takes an NXDOMAIN for one type as one for all
        if (read.records.length === 0) return encodeSections(query, RCODE.NOERROR, noSections, limit);
        const alias: DnsRecord = { type: 'CNAME', name: asked, target: candidate };
        const answers = [alias, ...read.records].map((record) => encodeRecord(asked, record));
        return encodeSections(query, read.rcode, { ...noSections, answers }, limit);
      },
    }));

  const keep = (key: string, answer: Known, answers: Map<string, Known>): void => {
    knownCount += 1;
    if (knownCount > maxKnown) forget();
    else answers.set(key, answer);
  };
  const chase = (query: Query, asked: string, { target, answers }: Extract<Decision, { readonly kind: 'chase' }>, limit: number): Reply => {
    const answered = (rcode: number, more: readonly DnsRecord[]): Buffer => {
      const all = [...answers, ...more].map((record) => encodeRecord(asked, record));
      return encodeSections(query, rcode, { ...noSections, answers: all }, limit);
    };
    const otherwise = answered(RCODE.SERVFAIL, []);
    return {
      kind: 'forward',
      to: hasConsul && target.endsWith('.consul') ? 'consul' : 'upstream',
      otherwise,
      instead: {
        message: encodeQuestion(target, query.type),
        answer: (theirs) => {
          const read = readAnswer(theirs, query.type);
          return read === undefined ? otherwise : answered(read.rcode, read.records);
        },
      },
    };
  };
  const answerTo = (name: string, decision: Exclude<Decision, { readonly kind: 'forward' | 'consul' | 'chase' }>): Known => {
    if (decision.kind === 'refer') return { rcode: RCODE.SERVFAIL, sections: noSections };
    if (decision.kind === 'addresses') return { addresses: parseAddresses(decision.addresses) };
    if (decision.kind === 'records') {
      const each = (record: DnsRecord): Buffer => encodeRecord(name, record);
      const { answers, additional } = decision;
      const sections = { answers: answers.map(each), authority: [], additional: additional.map(each) };
      return { rcode: RCODE.NOERROR, sections, isInOrder: answers[0]?.type === 'CNAME' };
    }
    const start = [authority(decision.origin)];
    if (decision.kind === 'authority') return { rcode: RCODE.NOERROR, sections: { ...noSections, answers: start } };
    return { rcode: decision.kind === 'nodata' ? RCODE.NOERROR : RCODE.NXDOMAIN, sections: { ...noSections, authority: start } };
  };

  return {
    table: (table) => {
      live = openZone(table, pool);
      authorities.clear();
      forget();
    },
    change: (change) => {
      live.change(change);
      authorities.clear();
      forget();
    },
    confirm: (atMs) => live.confirm(atMs),
    respond: (message, client, transport) => {
      counts.queries += 1;
      const parsed = parseQuery(message);
      if (parsed.kind !== 'query') {
        counts.malformed += 1;
        if (parsed.kind === 'drop') return parsed;
        return { kind: 'answer', packet: encodeSections(parsed.query, parsed.rcode, noSections, tcpLimit) };
      }
      const { query } = parsed;
      const limit = transport === 'tcp' ? tcpLimit : query.udpSize;
      const { zone } = live;
      const scope = zone.scopes.get(client);
      let answers = known.get(scope);
      if (!answers) {
        answers = new Map();
        known.set(scope, answers);
      }
      const key = message.toString('latin1', 12, query.end);
      const answer = answers.get(key);
      if (answer) return encode(query, answer, limit);
      const asked = nameOf(query);
      const name = asked.toLowerCase();
      const decision = decide(zone, { name, type: query.type }, client, now(), leadsTo);
      // musl stops its whole search at SERVFAIL, so a bare name that nobody knows is NXDOMAIN.
      if (decision.kind === 'forward') {
        const { isBare, servers } = decision;
        const reply = forward(query, servers === undefined ? 'upstream' : { servers }, isBare ? RCODE.NXDOMAIN : RCODE.SERVFAIL);
        const first = scope === undefined || servers !== undefined ? [] : searched(query, asked, limit);
        return first.length === 0 ? reply : { ...reply, first };
      }
      if (decision.kind === 'chase') return chase(query, asked, decision, limit);
      if (decision.kind === 'consul' && hasConsul) return forward(query, 'consul', RCODE.SERVFAIL);
      const made = answerTo(asked, decision.kind === 'consul' ? { kind: decision.otherwise, origin: 'consul' } : decision);
      if (name === asked && !isAge(decision) && !('isForClient' in decision)) keep(key, made, answers); // there are too many spellings in mixed case
      return encode(query, made, limit);
    },
    stats: () => ({ ...counts, instances: live.zone.owners.size, version: live.zone.version }),
    knows: (client) => live.zone.scopes.has(client),
    services: (now) => {
      leadsTo = now;
    },
    search: (list) => {
      searchList = list;
    },
    consul: (isThere) => {
      if (isThere !== hasConsul) forget();
      hasConsul = isThere;
    },
  };
}

/** The table's age grows, so its answer is not cached. */
const isAge = (decision: Decision): boolean => decision.kind === 'records' && decision.answers.some((record) => record.type === 'TXT');

function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
