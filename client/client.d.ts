// Made of the OpenAPI document: ARPANET_WRITE_PAGES=1 npm run test:unit -- client-package
/** The client itself. Effects: the requests that it hands to who sends them; a timer before a watch is opened again. */
import { type Operations } from './operations.js';
/** As the OpenAPI document calls a route: `operationId`. */
export type OperationName = keyof Operations;
type NamesOf<Form extends Operations[OperationName]['form']> = {
    [Name in OperationName]: Operations[Name]['form'] extends Form ? Name : never;
}[OperationName];
type PlannedName = {
    [Name in OperationName]: Operations[Name] extends {
        readonly planned: unknown;
    } ? Name : never;
}[OperationName];
/** Parameters of the path and of the query by their names; the body as `body`. */
export type Given<Name extends OperationName> = Operations[Name]['given'];
/** What a route answers: of long work its result, of lines one of them. */
export type Answer<Name extends OperationName> = Operations[Name]['answer'];
/** One of a list. */
export type Row<Name extends OperationName> = Answer<Name> extends readonly (infer One)[] ? One : Answer<Name>;
/** What is given may be left out where nothing of it is needed. */
type Arguments<Name extends OperationName, More> = Partial<Given<Name>> extends Given<Name> ? [given?: Given<Name>, how?: More] : [given: Given<Name>, how?: More];
/** How a request is sent. */
export interface How {
    readonly signal?: AbortSignal | undefined;
    /** Milliseconds for the whole answer, or for the head of a stream. */
    readonly timeoutMs?: number | undefined;
    /** A change is made only if what is changed has this ETag still. */
    readonly ifMatch?: string | undefined;
}
/** How long work is asked for. */
export interface WorkHow extends How {
    /** Of the request, 8 to 64 of a-z, 0-9 and `-`: the operation has it, and can be looked at by it. */
    readonly id?: string;
    readonly progress?: (line: string) => void;
}
/** A part of a list. */
export interface Page<T> {
    readonly rows: T;
    /** `continue` of the next page; absent: there is none. */
    readonly next?: string;
}
/** What has changed: of a list its rows by key, of `getWatch` all kinds of rows, and what has happened as `event`. */
export interface Change<T> {
    /** A watch that is begun with it gets what came after. */
    readonly version: string;
    /** All that there is, in place of what was known. */
    readonly whole: boolean;
    readonly set: {
        readonly [key: string]: T;
    };
    readonly gone: readonly string[];
    readonly event?: unknown;
}
/** Methods for all forms of routes; which routes a method takes is known by their names. Errors: RequestError, and those of who sends. */
export interface Client {
    /** What is read, or changed at once. Undefined for an empty answer. */
    readonly call: <Name extends NamesOf<'json' | 'list' | 'text'>>(name: Name, ...more: Arguments<Name, How>) => Promise<Answer<Name>>;
    /** The answer with its ETag, which a change takes as `ifMatch`. */
    readonly tagged: <Name extends NamesOf<'json' | 'list'>>(name: Name, ...more: Arguments<Name, How>) => Promise<{
        readonly answer: Answer<Name>;
        readonly etag?: string;
    }>;
    readonly page: <Name extends NamesOf<'list'>>(name: Name, ...more: Arguments<Name, How>) => Promise<Page<Answer<Name>>>;
    /** All rows of a list, page by page. */
    readonly rows: <Name extends NamesOf<'list'>>(name: Name, ...more: Arguments<Name, How>) => AsyncGenerator<Row<Name>, void>;
    /** All rows, then what changes of them, until the signal aborts. A stream that ends is opened again, from where it was. */
    readonly watch: <Name extends NamesOf<'list' | 'events'>>(name: Name, ...more: Arguments<Name, How & {
        readonly version?: string;
    }>) => AsyncGenerator<Change<Row<Name>>, void>;
    /** What work would do. Nothing is changed. */
    readonly plan: <Name extends PlannedName>(name: Name, ...more: Arguments<Name, How>) => Promise<Operations[Name] extends {
        readonly planned: infer Planned;
    } ? Planned : never>;
    /** Long work, to its end. The work itself goes on where its client leaves. */
    readonly work: <Name extends NamesOf<'work'>>(name: Name, ...more: Arguments<Name, WorkHow>) => Promise<Answer<Name>>;
    /** Work that was asked for before, by its id: what has been said so far, and what comes, to its end. */
    readonly follow: (id: string, how?: Pick<WorkHow, 'progress' | 'signal'>) => Promise<unknown>;
    /** An answer of many lines, as they come. */
    readonly lines: <Name extends NamesOf<'lines'>>(name: Name, ...more: Arguments<Name, How>) => AsyncGenerator<Answer<Name>, void>;
}
/** A request as it goes to a scheduler. */
export interface Sent extends How {
    readonly method: string;
    /** From the root: `/arpanet/v1/hosts?limit=2`. */
    readonly path: string;
    readonly headers: {
        readonly [name: string]: string;
    };
    readonly body?: string;
    /** The answer is read as it comes. */
    readonly isStream: boolean;
}
/** Its answer once the head has arrived. */
export interface Received {
    readonly status: number;
    readonly header: (name: string) => string | undefined;
    readonly text: () => Promise<string>;
    readonly chunks: () => AsyncIterable<Uint8Array>;
}
/** Rejects with what it likes where there is no answer: that is what callers get. */
export type Send = (request: Sent) => Promise<Received>;
/**
 * `refused`: the answer's status is 400 or more; nothing was changed. `failed`: work failed after it began; `unavailable`: the leadership ended before
 * the work did, and `cut` the connection; the cluster continues it, and `follow` waits for its end.
 */
export declare class RequestError extends Error {
    readonly kind: 'refused' | 'failed' | 'unavailable' | 'cut';
    readonly status: number | undefined;
    constructor(message: string, kind: RequestError['kind'], { status, cause }?: {
        readonly status?: number;
        readonly cause?: unknown;
    });
}
type Parameters = {
    readonly [name: string]: unknown;
};
/** All routes of `/arpanet/v1`, by the names that the OpenAPI document has for them. Errors: RequestError, and what `send` rejects with. */
export declare function createClient(send: Send): Client;
/** Pure. Parameters that are undefined are left out; a body that is a text is a compose file. */
export declare function requestOf(name: OperationName, { body, ...parameters }: Parameters, { id, ifMatch, signal, timeoutMs, isStream }: WorkHow & Pick<Sent, 'isStream'>): Sent;
export {};
