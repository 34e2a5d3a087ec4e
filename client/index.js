// Made of the OpenAPI document: ARPANET_WRITE_PAGES=1 npm run test:unit -- client-package

// src/client/operations.ts
var OPERATIONS = {
  getHealth: ["get", "/health"],
  getStatus: ["get", "/status"],
  getMe: ["get", "/me"],
  getTop: ["get", "/top"],
  getExplainOne: ["get", "/explain/{container}"],
  getWatch: ["get", "/watch"],
  getOpenapiJson: ["get", "/openapi.json"],
  getReference: ["get", "/reference"],
  postSchedulers: ["post", "/schedulers"],
  postRehearse: ["post", "/rehearse"],
  getDial: ["get", "/dial"],
  getDoctor: ["get", "/doctor"],
  getHosts: ["get", "/hosts"],
  postHosts: ["post", "/hosts"],
  getHostsOne: ["get", "/hosts/{host}"],
  postHostsUpdate: ["post", "/hosts/{host}/update"],
  postHostsActivate: ["post", "/hosts/{host}/activate"],
  postHostsDrain: ["post", "/hosts/{host}/drain"],
  postHostsUpgrade: ["post", "/hosts/{host}/upgrade"],
  postHostsFillup: ["post", "/hosts/{host}/fillup"],
  postHostsRm: ["post", "/hosts/{host}/rm"],
  postHostsReset: ["post", "/hosts/{host}/reset"],
  postHostsRevoke: ["post", "/hosts/{host}/revoke"],
  postHostsReadmit: ["post", "/hosts/{host}/readmit"],
  getHostsMetrics: ["get", "/hosts/{host}/metrics"],
  getHostsClean: ["get", "/hosts/{host}/clean"],
  postHostsClean: ["post", "/hosts/{host}/clean"],
  getRebalance: ["get", "/rebalance"],
  postRebalance: ["post", "/rebalance"],
  getServices: ["get", "/services"],
  postServicesScale: ["post", "/services/scale"],
  getServicesScale: ["get", "/services/scale"],
  postServicesStop: ["post", "/services/stop"],
  postServicesStart: ["post", "/services/start"],
  postServicesRestart: ["post", "/services/restart"],
  postServicesRm: ["post", "/services/rm"],
  getServicesCanary: ["get", "/services/canary"],
  postServicesPromote: ["post", "/services/promote"],
  postServicesAbort: ["post", "/services/abort"],
  postServicesRollback: ["post", "/services/rollback"],
  postServicesUpdate: ["post", "/services/update"],
  postServicesCreate: ["post", "/services/create"],
  postServicesReplace: ["post", "/services/replace"],
  getOperations: ["get", "/operations"],
  getOperationsOne: ["get", "/operations/{operation}"],
  getNetworks: ["get", "/networks"],
  getNames: ["get", "/names"],
  getRecords: ["get", "/records"],
  postRecords: ["post", "/records"],
  postRecordsRm: ["post", "/records/rm"],
  getConfig: ["get", "/config"],
  getConfigOne: ["get", "/config/{name}"],
  putConfigOne: ["put", "/config/{name}"],
  deleteConfigOne: ["delete", "/config/{name}"],
  getUsersOne: ["get", "/users/{name}"],
  getUsers: ["get", "/users"],
  postUsers: ["post", "/users"],
  postUsersRenew: ["post", "/users/{name}/renew"],
  postUsersRm: ["post", "/users/{name}/rm"],
  getPolicy: ["get", "/policy"],
  putPolicy: ["put", "/policy"],
  postPolicyTest: ["post", "/policy/test"],
  getLogs: ["get", "/logs"],
  postTerminals: ["post", "/terminals"],
  postSignIns: ["post", "/sign-ins"],
  postSession: ["post", "/session"],
  deleteSession: ["delete", "/session"],
  getDeployments: ["get", "/deployments"],
  getDeploymentsOne: ["get", "/deployments/{name}"],
  putDeploymentsOne: ["put", "/deployments/{name}"],
  deleteDeploymentsOne: ["delete", "/deployments/{name}"],
  postOperationsStop: ["post", "/operations/{operation}/stop"],
  getToken: ["get", "/token"],
  postToken: ["post", "/token"],
  postTokenRotate: ["post", "/token/rotate"],
  getKeys: ["get", "/keys"],
  postKeysRotate: ["post", "/keys/rotate"],
  getSchema: ["get", "/schema"],
  postSchema: ["post", "/schema"],
  getCas: ["get", "/cas"],
  postCasRotate: ["post", "/cas/rotate"],
  postCasFinish: ["post", "/cas/finish"],
  getCa: ["get", "/ca"],
  postJoin: ["post", "/join"],
  getJoinSh: ["get", "/join.sh"],
  getPackage: ["get", "/package"],
  getInstaller: ["get", "/installer"],
  postJoinCheck: ["post", "/join/check"],
  postJoinPaths: ["post", "/join/paths"],
  getBoot: ["get", "/boot"],
  postBootServers: ["post", "/boot/servers"],
  postBootPass: ["post", "/boot/pass"],
  getBackup: ["get", "/backup"],
  getAuditLog: ["get", "/audit-log"],
  getAudit: ["get", "/audit"],
  postAuditFix: ["post", "/audit/fix"],
  postAuditDiscard: ["post", "/audit/discard"]
};

// src/client/client.ts
var RequestError = class extends Error {
  kind;
  status;
  constructor(message, kind, { status, cause } = {}) {
    super(message, cause === void 0 ? {} : { cause });
    this.name = "RequestError";
    this.kind = kind;
    this.status = status;
  }
};
var PREFIX = "/arpanet/v1";
var [AGAIN_MS, LONGEST_MS] = [300, 1e4];
var PASSING = /* @__PURE__ */ new Set([429, 502, 503, 504]);
function createClient(send) {
  const ask = async (name, given, how) => {
    const received = await send(requestOf(name, given, how));
    if (received.status < 400) return received;
    throw new RequestError(messageOf(await received.text(), received.status), "refused", { status: received.status });
  };
  const whole = (name, given = {}, how = {}) => ask(name, given, { ...how, isStream: false });
  const stream = (name, given = {}, how = {}) => ask(name, given, { ...how, isStream: true });
  const pageOf = async (name, given, how) => {
    const received = await whole(name, given, how);
    const next = received.header("arpanet-continue");
    return { rows: await answerIn(received), ...next !== void 0 && { next } };
  };
  async function* rows(name, given = {}, how) {
    let next;
    do {
      const page = await pageOf(name, next === void 0 ? given : { ...given, continue: next }, how);
      yield* page.rows;
      ({ next } = page);
    } while (next !== void 0);
  }
  async function* watch(name, given = {}, { version: from, ...how } = {}) {
    let version = from;
    for (let waitMs = AGAIN_MS; how.signal?.aborted !== true; waitMs = Math.min(LONGEST_MS, waitMs * 2)) {
      const isList = name !== "getWatch";
      const asked = { ...given, ...isList && { watch: true }, ...version !== void 0 && { version } };
      try {
        for await (const { id, event, data } of eventsOf((await stream(name, asked, how)).chunks())) {
          waitMs = AGAIN_MS;
          version = id ?? version;
          const said = { version: version ?? "", whole: false, set: {}, gone: [] };
          yield event === "rows" ? { ...said, ...JSON.parse(data) } : { ...said, event: JSON.parse(data) };
        }
      } catch (error) {
        if (error instanceof RequestError && !PASSING.has(error.status ?? 0)) throw error;
      }
      await pause(waitMs, how.signal);
    }
  }
  async function* lines(name, given, how) {
    for await (const line of linesOf((await stream(name, given, how)).chunks())) if (line !== "") yield JSON.parse(line);
  }
  const client = {
    call: async (name, given, how) => answerIn(await whole(name, given, how)),
    async tagged(name, given, how) {
      const received = await whole(name, given, how);
      const etag = received.header("etag");
      return { answer: await answerIn(received), ...etag !== void 0 && { etag } };
    },
    page: pageOf,
    rows,
    watch,
    plan: async (name, given, how) => answerIn(await whole(name, { ...given, "dry-run": true }, how)),
    work: async (name, given, how = {}) => resultIn(await stream(name, given, how), how.progress),
    follow: async (id, how = {}) => resultIn(await stream("getOperationsOne", { operation: id, follow: true }, how), how.progress),
    lines
  };
  return client;
}
function requestOf(name, { body, ...parameters }, { id, ifMatch, signal, timeoutMs, isStream }) {
  const [method, route] = OPERATIONS[name];
  const rest = new Map(Object.entries(parameters));
  const path = route.replaceAll(/\{(\w+)\}/g, (_all, word) => {
    const value = String(rest.get(word));
    rest.delete(word);
    return encodeURIComponent(value);
  });
  const query = new URLSearchParams();
  for (const [word, value] of rest)
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== void 0 && one !== null) query.append(word, String(one));
  const search = query.toString();
  const headers = {
    ...body !== void 0 && { "Content-Type": typeof body === "string" ? "application/yaml" : "application/json" },
    ...id !== void 0 && { "Arpanet-Request-Id": id },
    ...ifMatch !== void 0 && { "If-Match": ifMatch }
  };
  const text = body === void 0 || typeof body === "string" ? body : JSON.stringify(body);
  return {
    method: method.toUpperCase(),
    path: `${PREFIX}${path}${search === "" ? "" : `?${search}`}`,
    headers,
    signal,
    timeoutMs,
    isStream,
    ...text !== void 0 && { body: text }
  };
}
function messageOf(text, status) {
  try {
    const { message } = JSON.parse(text);
    if (typeof message === "string" && message !== "") return message;
  } catch {
  }
  return text.trim() || `status ${status}`;
}
async function answerIn(received) {
  const text = await received.text();
  if (text === "") return void 0;
  return received.header("content-type")?.startsWith("text/") === true ? text : JSON.parse(text);
}
async function resultIn(received, progress = () => void 0) {
  const cut = (cause) => new RequestError("the connection ended before the work was done; the cluster continues it", "cut", { cause });
  try {
    for await (const text of linesOf(received.chunks())) {
      if (text === "") continue;
      const line = JSON.parse(text);
      if (line.progress !== void 0) progress(line.progress);
      else if (line.error !== void 0) throw new RequestError(line.error, line.isUnavailable === true ? "unavailable" : "failed");
      else return line.result;
    }
  } catch (error) {
    throw error instanceof RequestError ? error : cut(error);
  }
  throw cut();
}
async function* linesOf(chunks) {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
  if (rest !== "") yield rest;
}
async function* eventsOf(chunks) {
  let fields = {};
  for await (const line of linesOf(chunks)) {
    const [, field, value = ""] = /^(id|event|data): ?(.*)$/.exec(line) ?? [];
    if (field !== void 0) fields = { ...fields, [field]: value };
    if (line !== "") continue;
    const { event = "message", data, id } = fields;
    if (data !== void 0) yield { event, data, ...id !== void 0 && { id } };
    fields = {};
  }
}
async function pause(ms, signal) {
  if (signal?.aborted === true) return;
  await new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end, { once: true });
  });
}

// src/client/fetch-send.ts
function fetchSend(base = "", init = {}) {
  return async ({ method, path, headers, body, signal, timeoutMs, isStream }) => {
    const late = new AbortController();
    const isHead = isStream && timeoutMs !== void 0;
    const timer = isHead ? setTimeout(() => late.abort(new DOMException("no answer in time", "TimeoutError")), timeoutMs) : void 0;
    const limit = timeoutMs === void 0 ? [] : [isHead ? late.signal : AbortSignal.timeout(timeoutMs)];
    const signals = [...signal === void 0 ? [] : [signal], ...limit];
    const all = new Headers(init.headers);
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    const answer = await fetch(`${base.replace(/\/$/, "")}${path}`, {
      ...init,
      method,
      headers: all,
      ...body !== void 0 && { body },
      ...signals.length > 0 && { signal: AbortSignal.any(signals) }
    }).finally(() => clearTimeout(timer));
    return {
      status: answer.status,
      header: (name) => answer.headers.get(name) ?? void 0,
      text: () => answer.text(),
      chunks: () => chunksOf(answer.body)
    };
  };
}
async function* chunksOf(body) {
  const reader = body?.getReader();
  if (reader === void 0) return;
  try {
    for (; ; ) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => void 0);
  }
}
export {
  RequestError,
  createClient,
  fetchSend
};
