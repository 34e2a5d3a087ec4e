// Made of the OpenAPI document: ARPANET_WRITE_PAGES=1 npm run test:unit -- client-package
/** How is `/arpanet/v1` asked? A client typed by its OpenAPI document, for the command line, the dashboard, and others as `arpanet/client`. It imports nothing. */
export { type Answer, type Change, type Client, createClient, type Given, type How, type OperationName, type Page, type Received, RequestError, type Row, type Send, type Sent, type WorkHow, } from './client.js';
export { fetchSend } from './fetch-send.js';
export type { Operations } from './operations.js';
export type { Schemas } from './schemas.js';
