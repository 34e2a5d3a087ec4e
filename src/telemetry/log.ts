/** Job: the logger's type, for rooms that get one as an argument. processes/logger.ts makes it (pino). */
export type { Logger } from 'pino';
