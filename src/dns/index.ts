/**
 * Job: names for containers: a DNS server that answers from the name table which the leader sends, also while Consul and all schedulers are down.
 * In: NameTables; queries by UDP and TCP on every address listened on. Out: answers; other names are forwarded to Consul's DNS or upstream.
 * Invariants: an instance gets only names of instances that it shares a network with; an answer is never reused for a client of another scope; an
 * unknown name below `service.consul` is NXDOMAIN, never SERVFAIL; an answer has all instances that are ready (if none is, all that run), or TC set.
 */
export { createForwarder } from './upstream.ts';
export { createDns, type DnsOptions, type DnsService } from './server.ts';
