// Made of the OpenAPI document: ARPANET_WRITE_PAGES=1 npm run test:unit -- client-package
/** Requests by the fetch of a browser or of Node. Effects: HTTP requests. */
import type { Send } from './client.js';
/**
 * `base`: `https://s1:2376`, or nothing in a page that a scheduler has served. A client certificate is what `init` has (Node: a `dispatcher` of undici), or the
 * browser's.
 */
export declare function fetchSend(base?: string, init?: RequestInit): Send;
