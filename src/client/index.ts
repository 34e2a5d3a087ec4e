/** How is `/arpanet/v1` asked? A client typed by its OpenAPI document, for the command line, the dashboard, and others as `arpanet/client`. It imports nothing. */
export {
  type Answer,
  type Change,
  type Client,
  createClient,
  type Given,
  type How,
  type OperationName,
  type Page,
  type Received,
  RequestError,
  type Row,
  type Send,
  type Sent,
  type WorkHow,
} from './client.ts';
export { fetchSend } from './fetch-send.ts';
export type { Operations } from './operations.ts';
export type { Schemas } from './schemas.ts';
