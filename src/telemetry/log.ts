/** Job: the logger's shape, for rooms that are handed one. cli/ makes the real one (pino). */
export type { Logger } from 'pino';
