/**
 * Job: names for containers. A DNS server that answers from the name table which the leader pushes, and so with Consul and every scheduler down.
 * In: NameTables; queries by UDP and TCP on every address listened on. Out: answers; what is not ours goes to Consul's DNS or upstream.
 * Invariants: an asker that is an instance learns of nothing that it shares no network with; no answer to one asker is given to another of
 * another scope; an unknown name below `service.consul` is NXDOMAIN, never SERVFAIL; all ready instances are given, or TC is set.
 */
export { createDns, type DnsService } from './server.ts';
