// Made of the OpenAPI document: ARPANET_WRITE_PAGES=1 npm run test:unit -- client-package
import type { Schemas } from './schemas.js';
type Nothing = {
    readonly nothing?: never;
};
type Needed<T, Names extends keyof T> = {
    readonly [Name in Names]-?: Exclude<T[Name], undefined | null>;
};
/** The routes of `/arpanet/v1`: what each is given and answers. */
export interface Operations {
    /** Whether this scheduler leads, and who does. Answered by any scheduler itself. */
    getHealth: {
        readonly form: 'json';
        readonly given: Nothing;
        readonly answer: Schemas['Health'];
    };
    /** Problems first, then leader, schedulers, hosts and deployments. */
    getStatus: {
        readonly form: 'json';
        readonly given: Nothing;
        readonly answer: Schemas['Status'];
    };
    /** The name and role of the client: one without a name is an admin. */
    getMe: {
        readonly form: 'json';
        readonly given: Nothing;
        readonly answer: Schemas['Me'];
    };
    /** Hosts, and what their containers use now, the busiest first. */
    getTop: {
        readonly form: 'json';
        readonly given: {
            readonly limit?: string | number | boolean | undefined;
        };
        readonly answer: Schemas['Top'];
    };
    /** Why a container is where it is, or why its create was refused. */
    getExplainOne: {
        readonly form: 'json';
        readonly given: {
            readonly container: string | number;
        };
        readonly answer: Schemas['Decision'];
    };
    /** Server-sent events: all rows, then what changes of them (`rows`) and what happens (`event`). It ends with the leadership: open it again. */
    getWatch: {
        readonly form: 'events';
        readonly given: Nothing;
        readonly answer: Schemas['Watch'];
    };
    /** This reference. */
    getOpenapiJson: {
        readonly form: 'json';
        readonly given: Nothing;
        readonly answer: Schemas['Empty'];
    };
    /** This reference as a page. */
    getReference: {
        readonly form: 'text';
        readonly given: Nothing;
        readonly answer: Schemas['Text'];
    };
    /** A follower announces itself to the leader, or that it ends. */
    postSchedulers: {
        readonly form: 'json';
        readonly given: {
            readonly body: Schemas['SchedulerRequest'] & Needed<Schemas['SchedulerRequest'], 'name' | 'url'>;
        };
        readonly answer: Schemas['Empty'];
    };
    /** Where these would go if they were created now, one after the other, and which addresses they would get. Changes nothing. */
    postRehearse: {
        readonly form: 'json';
        readonly given: {
            readonly body: Schemas['RehearseRequest'] & Needed<Schemas['RehearseRequest'], 'creates'>;
        };
        readonly answer: Schemas['Rehearsal'];
    };
    /** Whether a port of a container accepts connections from a host. */
    getDial: {
        readonly form: 'json';
        readonly given: {
            readonly host: string | number;
            readonly container: string | number;
            readonly address: string | number;
            readonly port: string | number;
        };
        readonly answer: Schemas['Dial'];
    };
    /** The path from a container to what it calls by a name, up to the first broken link, with its fix. */
    getDoctor: {
        readonly form: 'json';
        readonly given: {
            readonly from: string | number;
            readonly name: string | number;
        };
        readonly answer: Schemas['Links'];
    };
    /** All hosts, also those that are expected. */
    getHosts: {
        readonly form: 'list';
        readonly given: {
            readonly filter?: readonly string[] | undefined;
            readonly limit?: string | number | boolean | undefined;
            readonly continue?: string | number | boolean | undefined;
        };
        readonly answer: Schemas['Hosts'];
    };
    /** Lets a host join by this name. */
    postHosts: {
        readonly form: 'work';
        readonly given: {
            readonly body: Schemas['HostRequest'] & Needed<Schemas['HostRequest'], 'name'>;
        };
        readonly answer: Schemas['HostAdded'];
    };
    /** All that is known of one host. */
    getHostsOne: {
        readonly form: 'json';
        readonly given: {
            readonly host: string | number;
        };
        readonly answer: Schemas['Host'];
    };
    /** Labels, limits, and whether it takes new containers. null removes a label or a limit. */
    postHostsUpdate: {
        readonly form: 'json';
        readonly given: {
            readonly host: string | number;
            readonly body?: Schemas['HostRequest'] | undefined;
        };
        readonly answer: Schemas['HostRecord'];
    };
    /** The host takes new containers again. */
    postHostsActivate: {
        readonly form: 'json';
        readonly given: {
            readonly host: string | number;
        };
        readonly answer: Schemas['Activated'];
    };
    /** Moves its instances elsewhere. At the deadline it ends and lists what stayed. */
    postHostsDrain: {
        readonly form: 'work';
        readonly given: {
            readonly host: string | number;
            readonly body?: Schemas['HostRequest'] | undefined;
        };
        readonly answer: Schemas['Drained'];
    };
    /** Has it take this scheduler's release, and waits until it is back with it. One that does not come back has its old release again. */
    postHostsUpgrade: {
        readonly form: 'work';
        readonly given: {
            readonly host: string | number;
            readonly body?: Schemas['HostRequest'] | undefined;
        };
        readonly answer: Schemas['Upgraded'];
    };
    /** Activates it, resumes what is paused there, and moves instances onto it from fuller hosts. */
    postHostsFillup: {
        readonly form: 'work';
        readonly given: {
            readonly host: string | number;
        };
        readonly answer: Schemas['FilledUp'];
    };
    /** Takes it out of the cluster. Refused while it has containers or volumes, unless forced. */
    postHostsRm: {
        readonly form: 'work';
        readonly given: {
            readonly host: string | number;
            readonly body?: Schemas['HostRequest'] | undefined;
        };
        readonly answer: Schemas['HostRemoved'];
    };
    /** Removes all that the cluster made there. Refused while containers run, unless forced. */
    postHostsReset: {
        readonly form: 'work';
        readonly given: {
            readonly host: string | number;
            readonly body?: Schemas['HostRequest'] | undefined;
        };
        readonly answer: Schemas['HostReset'];
    };
    /** Its certificate counts no more, its stream ends, and it may not join again until it is readmitted. */
    postHostsRevoke: {
        readonly form: 'json';
        readonly given: {
            readonly host: string | number;
        };
        readonly answer: Schemas['HostName'];
    };
    /** One that was revoked may join again, by the token. */
    postHostsReadmit: {
        readonly form: 'json';
        readonly given: {
            readonly host: string | number;
        };
        readonly answer: Schemas['HostName'];
    };
    /** The metrics of its agent, in Prometheus' text format. */
    getHostsMetrics: {
        readonly form: 'text';
        readonly given: {
            readonly host: string | number;
        };
        readonly answer: Schemas['Text'];
    };
    /** What a clean would remove now. */
    getHostsClean: {
        readonly form: 'json';
        readonly given: {
            readonly host: string | number;
            readonly all?: string | number | boolean | undefined;
            readonly volumes?: string | number | boolean | undefined;
            readonly networks?: string | number | boolean | undefined;
        };
        readonly answer: Schemas['CleanPlan'];
    };
    /** Removes ended one-off containers, images without a name, the build cache; more with the flags. */
    postHostsClean: {
        readonly form: 'work';
        readonly given: {
            readonly host: string | number;
            readonly body?: Schemas['HostRequest'] | undefined;
        };
        readonly answer: Schemas['Cleaned'];
    };
    /** The fewest moves that make hosts evenly full. Changes nothing. */
    getRebalance: {
        readonly form: 'json';
        readonly given: {
            readonly max?: string | number | boolean | undefined;
            readonly onto?: string | number | boolean | undefined;
        };
        readonly answer: Schemas['RebalancePlan'];
    };
    /** Makes these moves. */
    postRebalance: {
        readonly form: 'work';
        readonly given: {
            readonly body?: Schemas['RebalanceRequest'] | undefined;
        };
        readonly answer: Schemas['Moved'];
    };
    /** Services with their counts and instances. */
    getServices: {
        readonly form: 'list';
        readonly given: {
            readonly of?: string | number | boolean | undefined;
            readonly filter?: readonly string[] | undefined;
            readonly limit?: string | number | boolean | undefined;
            readonly continue?: string | number | boolean | undefined;
        };
        readonly answer: Schemas['Services'];
    };
    /** Sets counts, which the cluster then maintains. */
    postServicesScale: {
        readonly form: 'work';
        readonly given: {
            readonly body: Schemas['ServicesRequest'] & Needed<Schemas['ServicesRequest'], 'counts'>;
        };
        readonly answer: Schemas['Scaled'];
    };
    /** Where the instances of another count would go. Changes nothing. */
    getServicesScale: {
        readonly form: 'json';
        readonly given: {
            readonly count: string | number;
        };
        readonly answer: Schemas['ScalePlan'];
    };
    /** Stops all instances; they stay stopped. */
    postServicesStop: {
        readonly form: 'work';
        readonly given: {
            readonly body: Schemas['ServicesRequest'] & Needed<Schemas['ServicesRequest'], 'services'>;
        };
        readonly answer: Schemas['ServiceNames'];
    };
    /** Starts what was stopped. */
    postServicesStart: {
        readonly form: 'work';
        readonly given: {
            readonly body: Schemas['ServicesRequest'] & Needed<Schemas['ServicesRequest'], 'services'>;
        };
        readonly answer: Schemas['ServiceNames'];
    };
    /** Restarts all instances. */
    postServicesRestart: {
        readonly form: 'work';
        readonly given: {
            readonly body: Schemas['ServicesRequest'] & Needed<Schemas['ServicesRequest'], 'services'>;
        };
        readonly answer: Schemas['ServiceNames'];
    };
    /** Removes services or a whole deployment, with all instances. */
    postServicesRm: {
        readonly form: 'work';
        readonly given: {
            readonly body: Schemas['ServicesRequest'] & Needed<Schemas['ServicesRequest'], 'services'>;
        };
        readonly answer: Schemas['ServiceNames'];
    };
    /** How the canary of a service does beside the others. */
    getServicesCanary: {
        readonly form: 'json';
        readonly given: {
            readonly of: string | number;
        };
        readonly answer: Schemas['Canary'];
    };
    /** Updates a service to what its canary is, if that does as well as the others, or with force. */
    postServicesPromote: {
        readonly form: 'work';
        readonly given: {
            readonly body: Schemas['UpdateRequest'] & Needed<Schemas['UpdateRequest'], 'services'>;
        };
        readonly answer: Schemas['Update'];
    };
    /** Takes the canary of a service back. */
    postServicesAbort: {
        readonly form: 'work';
        readonly given: {
            readonly body: Schemas['ServicesRequest'] & Needed<Schemas['ServicesRequest'], 'services'>;
        };
        readonly answer: Schemas['ServiceNames'];
    };
    /** Back to what the service was before its last update. */
    postServicesRollback: {
        readonly form: 'work';
        readonly given: {
            readonly body: Schemas['ServicesRequest'] & Needed<Schemas['ServicesRequest'], 'services'>;
        };
        readonly answer: Schemas['Update'];
    };
    /** Replaces instances a few at a time, each healthy before the next. */
    postServicesUpdate: {
        readonly form: 'work';
        readonly given: {
            readonly body: Schemas['UpdateRequest'] & Needed<Schemas['UpdateRequest'], 'services'>;
        };
        readonly answer: Schemas['Update'];
    };
    /** Makes a service that runs once on every host. */
    postServicesCreate: {
        readonly form: 'work';
        readonly given: {
            readonly body: Schemas['ReplaceRequest'] & Needed<Schemas['ReplaceRequest'], 'service' | 'isGlobal' | 'template'>;
        };
        readonly answer: Schemas['Nothing'];
    };
    /** Brings a service to another template and count. */
    postServicesReplace: {
        readonly form: 'work';
        readonly given: {
            readonly body: Schemas['ReplaceRequest'] & Needed<Schemas['ReplaceRequest'], 'service' | 'desired' | 'template'>;
        };
        readonly answer: Schemas['Update'];
    };
    /** Long work: what runs, and the last that ended. The leader keeps a hundred, since it began to lead. */
    getOperations: {
        readonly form: 'list';
        readonly given: {
            readonly filter?: readonly string[] | undefined;
            readonly limit?: string | number | boolean | undefined;
            readonly continue?: string | number | boolean | undefined;
        };
        readonly answer: Schemas['Operations'];
    };
    /** One of them by the id of its request (Arpanet-Request-Id). */
    getOperationsOne: {
        readonly form: 'json';
        readonly given: {
            readonly operation: string | number;
        };
        readonly answer: Schemas['Operation'];
    };
    /** Networks with the addresses in use. */
    getNetworks: {
        readonly form: 'list';
        readonly given: {
            readonly filter?: readonly string[] | undefined;
            readonly limit?: string | number | boolean | undefined;
            readonly continue?: string | number | boolean | undefined;
        };
        readonly answer: Schemas['Networks'];
    };
    /** Instances that DNS may answer with. */
    getNames: {
        readonly form: 'list';
        readonly given: {
            readonly filter?: readonly string[] | undefined;
            readonly limit?: string | number | boolean | undefined;
            readonly continue?: string | number | boolean | undefined;
        };
        readonly answer: Schemas['Names'];
    };
    /** Names that operators added. */
    getRecords: {
        readonly form: 'list';
        readonly given: {
            readonly filter?: readonly string[] | undefined;
            readonly limit?: string | number | boolean | undefined;
            readonly continue?: string | number | boolean | undefined;
        };
        readonly answer: Schemas['Records'];
    };
    /** Adds an entry to a name. */
    postRecords: {
        readonly form: 'json';
        readonly given: {
            readonly body: Schemas['RecordRequest'] & Needed<Schemas['RecordRequest'], 'name' | 'type' | 'value'>;
        };
        readonly answer: Schemas['Record'];
    };
    /** Removes a name, all entries of a type, or one entry. */
    postRecordsRm: {
        readonly form: 'json';
        readonly given: {
            readonly body: Schemas['RecordRequest'] & Needed<Schemas['RecordRequest'], 'name'>;
        };
        readonly answer: Schemas['Record'];
    };
    /** Settings of the whole cluster. */
    getConfig: {
        readonly form: 'list';
        readonly given: {
            readonly filter?: readonly string[] | undefined;
            readonly limit?: string | number | boolean | undefined;
            readonly continue?: string | number | boolean | undefined;
        };
        readonly answer: Schemas['Settings'];
    };
    /** One of them, with its ETag. */
    getConfigOne: {
        readonly form: 'json';
        readonly given: {
            readonly name: string | number;
        };
        readonly answer: Schemas['Setting'];
    };
    /** Sets one; it counts at once for all schedulers and agents. */
    putConfigOne: {
        readonly form: 'json';
        readonly given: {
            readonly name: string | number;
            readonly body: Schemas['SettingRequest'] & Needed<Schemas['SettingRequest'], 'value'>;
        };
        readonly answer: Schemas['Setting'];
    };
    /** Back to what the leader was started with. */
    deleteConfigOne: {
        readonly form: 'json';
        readonly given: {
            readonly name: string | number;
        };
        readonly answer: Schemas['Setting'];
    };
    /** One of them, with its ETag. */
    getUsersOne: {
        readonly form: 'json';
        readonly given: {
            readonly name: string | number;
        };
        readonly answer: Schemas['User'];
    };
    /** Users of the cluster. For administrators, as all below it. */
    getUsers: {
        readonly form: 'list';
        readonly given: {
            readonly filter?: readonly string[] | undefined;
            readonly limit?: string | number | boolean | undefined;
            readonly continue?: string | number | boolean | undefined;
        };
        readonly answer: Schemas['Users'];
    };
    /** Adds one, and issues a certificate for its key. The private key stays where it was made. */
    postUsers: {
        readonly form: 'json';
        readonly given: {
            readonly body: Schemas['UserRequest'] & Needed<Schemas['UserRequest'], 'name' | 'role'>;
        };
        readonly answer: Schemas['UserBundle'];
    };
    /** Issues another certificate; the one before counts until it is over. */
    postUsersRenew: {
        readonly form: 'json';
        readonly given: {
            readonly name: string | number;
            readonly body: Schemas['UserRequest'] & Needed<Schemas['UserRequest'], 'publicKey'>;
        };
        readonly answer: Schemas['UserBundle'];
    };
    /** Removes one; its connections end at once. */
    postUsersRm: {
        readonly form: 'json';
        readonly given: {
            readonly name: string | number;
        };
        readonly answer: Schemas['User'];
    };
    /** What roles have to obey in what they create. */
    getPolicy: {
        readonly form: 'json';
        readonly given: Nothing;
        readonly answer: Schemas['Policies'];
    };
    /** Sets what roles have to obey, in place of all that was set before. For administrators. */
    putPolicy: {
        readonly form: 'json';
        readonly given: {
            readonly body: Schemas['PolicyRequest'] & Needed<Schemas['PolicyRequest'], 'policy'>;
        };
        readonly answer: Schemas['Policies'];
    };
    /** Which of these would be refused, and by which rules. Changes nothing. */
    postPolicyTest: {
        readonly form: 'json';
        readonly given: {
            readonly body: Schemas['PolicyTestRequest'] & Needed<Schemas['PolicyTestRequest'], 'creates'>;
        };
        readonly answer: Schemas['PolicyRefusals'];
    };
    /** Logs of all instances of services in one stream, as lines of JSON as they come; one that cannot be read has an `error` in place of `text`. */
    getLogs: {
        readonly form: 'lines';
        readonly given: {
            readonly of?: readonly string[] | undefined;
            readonly tail?: string | number | boolean | undefined;
            readonly follow?: string | number | boolean | undefined;
        };
        readonly answer: Schemas['LogLine'];
    };
    /** Prepares a terminal in a container. A WebSocket at /arpanet/v1/terminal with the subprotocols `arpanet.terminal` and the ticket opens it, once, within 10 s. */
    postTerminals: {
        readonly form: 'json';
        readonly given: {
            readonly body: Schemas['TerminalRequest'] & Needed<Schemas['TerminalRequest'], 'container'>;
        };
        readonly answer: Schemas['Terminal'];
    };
    /** Gives who has a certificate a code, with which a browser begins a session, once, within a minute: /ui/sign-in#CODE. */
    postSignIns: {
        readonly form: 'json';
        readonly given: Nothing;
        readonly answer: Schemas['SignIn'];
    };
    /** Begins the session of a browser: a cookie that stands for the certificate of who asked for the code. */
    postSession: {
        readonly form: 'json';
        readonly given: {
            readonly body: Schemas['SessionRequest'] & Needed<Schemas['SessionRequest'], 'code'>;
        };
        readonly answer: Schemas['Empty'];
    };
    /** Takes the cookie from the browser. */
    deleteSession: {
        readonly form: 'json';
        readonly given: Nothing;
        readonly answer: Schemas['Empty'];
    };
    /** Deployments that were applied as a whole, and how far that has come. */
    getDeployments: {
        readonly form: 'list';
        readonly given: {
            readonly filter?: readonly string[] | undefined;
            readonly limit?: string | number | boolean | undefined;
            readonly continue?: string | number | boolean | undefined;
        };
        readonly answer: Schemas['Deployments'];
    };
    /** One of them, with its ETag. */
    getDeploymentsOne: {
        readonly form: 'json';
        readonly given: {
            readonly name: string | number;
        };
        readonly answer: Schemas['Deployment'];
    };
    /** Brings a deployment to what compose files say, which are sent in JSON with what belongs to them, or one of them as it is. What is wrong in them is said with its file and line, before anything is changed. Another leader continues it. */
    putDeploymentsOne: {
        readonly form: 'work';
        readonly given: {
            readonly name: string | number;
            readonly body?: Schemas['DeployRequest'] | string | undefined;
        };
        readonly answer: Schemas['Deployed'];
        readonly planned: Schemas['DeployPlan'];
    };
    /** Removes all of a deployment: services, containers, networks, secrets and configs. Another leader continues it. */
    deleteDeploymentsOne: {
        readonly form: 'work';
        readonly given: {
            readonly name: string | number;
            readonly volumes?: string | number | boolean | undefined;
        };
        readonly answer: Schemas['Released'];
    };
    /** An apply or release begins nothing else; what it has begun it does to its end. Other work cannot be stopped. */
    postOperationsStop: {
        readonly form: 'json';
        readonly given: {
            readonly operation: string | number;
        };
        readonly answer: Schemas['Operation'];
    };
    /** The join token. */
    getToken: {
        readonly form: 'json';
        readonly given: Nothing;
        readonly answer: Schemas['Token'];
    };
    /** Makes a join token that ends after a time (a day), and with the first host that joins by it if it is for a single use. */
    postToken: {
        readonly form: 'json';
        readonly given: {
            readonly body?: Schemas['TokenRequest'] | undefined;
        };
        readonly answer: Schemas['IssuedToken'];
    };
    /** Makes another join token; the one before joins nobody any more. Refused while there are hosts without TLS. */
    postTokenRotate: {
        readonly form: 'json';
        readonly given: Nothing;
        readonly answer: Schemas['Token'];
    };
    /** What the cluster keys are called, and which schedulers lack the one that seals. */
    getKeys: {
        readonly form: 'json';
        readonly given: Nothing;
        readonly answer: Schemas['Keys'];
    };
    /** Makes another cluster key, which seals once every scheduler has it. */
    postKeysRotate: {
        readonly form: 'json';
        readonly given: Nothing;
        readonly answer: Schemas['Keys'];
    };
    /** Which schema the records of the store have, and which one the leader can write. */
    getSchema: {
        readonly form: 'json';
        readonly given: Nothing;
        readonly answer: Schemas['Schema'];
    };
    /** Brings the newest schema into force: releases that cannot read it lead no more. Refused while a scheduler cannot read it. */
    postSchema: {
        readonly form: 'json';
        readonly given: Nothing;
        readonly answer: Schemas['Schema'];
    };
    /** Which CAs are trusted, and who has certificates of one before. */
    getCas: {
        readonly form: 'json';
        readonly given: Nothing;
        readonly answer: Schemas['Cas'];
    };
    /** Lets another CA sign from now on; the one before is trusted still. */
    postCasRotate: {
        readonly form: 'json';
        readonly given: Nothing;
        readonly answer: Schemas['Cas'];
    };
    /** Trusts the CA that signs alone. Refused while hosts or users have certificates of the one before, unless forced. */
    postCasFinish: {
        readonly form: 'json';
        readonly given: {
            readonly body?: Schemas['CaFinishRequest'] | undefined;
        };
        readonly answer: Schemas['Cas'];
    };
    /** The certificates of the cluster's CAs, in PEM form. */
    getCa: {
        readonly form: 'json';
        readonly given: Nothing;
        readonly answer: Schemas['Bundle'];
    };
    /** Gives a host its certificate, for the join token or for one that it has. */
    postJoin: {
        readonly form: 'json';
        readonly given: {
            readonly body: Schemas['JoinRequest'] & Needed<Schemas['JoinRequest'], 'name' | 'publicKey' | 'clockMs'>;
        };
        readonly answer: Schemas['Certificate'];
    };
    /** The script by which a machine joins; it needs no certificate. */
    getJoinSh: {
        readonly form: 'text';
        readonly given: Nothing;
        readonly answer: Schemas['Text'];
    };
    /** The package that this scheduler runs from (tar.gz, with Node); it needs no certificate. */
    getPackage: {
        readonly form: 'text';
        readonly given: Nothing;
        readonly answer: Schemas['Text'];
    };
    /** Where machines reach this scheduler to join, its key there, and the checksum of the package. */
    getInstaller: {
        readonly form: 'json';
        readonly given: Nothing;
        readonly answer: Schemas['Installer'];
    };
    /** What is in the way of a machine that is to join: lines of KIND|WHAT|WHAT TO DO. */
    postJoinCheck: {
        readonly form: 'text';
        readonly given: {
            readonly body: Schemas['JoinCheckRequest'] & Needed<Schemas['JoinCheckRequest'], 'name' | 'token' | 'clockMs'>;
        };
        readonly answer: Schemas['Text'];
    };
    /** Lets hosts answer a machine that is to join by VXLAN for two minutes, so that it can try the way: lines of KIND|HOST|WHERE. */
    postJoinPaths: {
        readonly form: 'text';
        readonly given: {
            readonly body: Schemas['JoinPathsRequest'] & Needed<Schemas['JoinPathsRequest'], 'name' | 'token' | 'address' | 'mtu'>;
        };
        readonly answer: Schemas['Text'];
    };
    /** Boot servers, and machines that may boot as a host or have asked to. */
    getBoot: {
        readonly form: 'json';
        readonly given: Nothing;
        readonly answer: Schemas['Boot'];
    };
    /** What a boot server says of itself every two seconds; the answer says whether it may answer machines. */
    postBootServers: {
        readonly form: 'json';
        readonly given: {
            readonly body: Schemas['BootServerRequest'] & Needed<Schemas['BootServerRequest'], 'name' | 'interface' | 'address' | 'network'>;
        };
        readonly answer: Schemas['BootOrders'];
    };
    /** A token by which a machine that was approved joins as its host, once. */
    postBootPass: {
        readonly form: 'json';
        readonly given: {
            readonly body: Schemas['BootPassRequest'] & Needed<Schemas['BootPassRequest'], 'mac'>;
        };
        readonly answer: Schemas['BootPass'];
    };
    /** All that the store has. */
    getBackup: {
        readonly form: 'json';
        readonly given: Nothing;
        readonly answer: Schemas['Backup'];
    };
    /** The last lines of the audit log of the leader, as lines of JSON. For administrators. */
    getAuditLog: {
        readonly form: 'lines';
        readonly given: {
            readonly follow?: string | number | boolean | undefined;
            readonly user?: string | number | boolean | undefined;
        };
        readonly answer: Schemas['AuditLine'];
    };
    /** Compares store, Engines, networks, names and catalog. */
    getAudit: {
        readonly form: 'json';
        readonly given: Nothing;
        readonly answer: Schemas['Audit'];
    };
    /** Lets the reconcilers run, then compares. */
    postAuditFix: {
        readonly form: 'json';
        readonly given: Nothing;
        readonly answer: Schemas['Audit'];
    };
    /** Deletes a record of the store that cannot be read. */
    postAuditDiscard: {
        readonly form: 'json';
        readonly given: {
            readonly body: Schemas['DiscardRequest'] & Needed<Schemas['DiscardRequest'], 'key'>;
        };
        readonly answer: Schemas['Discarded'];
    };
}
/** Method and path, below `/arpanet/v1`. */
export declare const OPERATIONS: {
    readonly [Name in keyof Operations]: readonly [method: string, path: string];
};
export {};
