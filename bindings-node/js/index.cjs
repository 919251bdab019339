'use strict';

const { ClaimedSocket, claimSocket } = require('./claim.cjs');
const { SpawnlockError } = require('./error.cjs');
const { SpawnLock } = require('./lock.cjs');
const native = require('./native.cjs').load();
const { dated, errorOf, eventOf, now, run } = require('./run.cjs');

exports.SpawnlockError = SpawnlockError;
exports.SpawnLock = SpawnLock;
exports.ClaimedSocket = ClaimedSocket;
exports.claimSocket = claimSocket;

exports.ensureServer = async function ensureServer(given) {
  const options = named(given);
  return serverOf(await run(() => native.ensureServer(options), options, options?.ready));
};

exports.withServer = async function withServer(given, use) {
  const options = named(given);
  const made = await run(() => native.withServer(options), options, options?.ready);
  const { release } = made;
  try {
    return await use(serverOf(made));
  } finally {
    const end = now(() => native.leaveThis(release));
    if (end) await run(() => end);
  }
};

exports.kickServer = function kickServer(given) {
  const options = named(given);
  if (options?.signal?.aborted) throw options.signal.reason;
  const tell = options?.onEvent && ((event) => options.onEvent(eventOf(event)));
  const { state, server, error } = now(() => native.kickServer(options, tell));
  return { state, server: server && serverOf(server), error: error && errorOf(error) };
};

exports.restartServer = async function restartServer(name, options) {
  return serverOf(await run(() => native.restartServer(name, options), options));
};

exports.serverStatus = async function serverStatus(name, options) {
  return statusOf(await run(() => native.serverStatus(name, options)));
};

exports.stopServer = function stopServer(name, options) {
  return run(() => native.stopServer(name, options), options);
};

exports.waitFor = function waitFor(checks, options) {
  return run(() => native.waitFor(checks, options), options, checks);
};

exports.serverLogs = function serverLogs(name, options) {
  return run(() => native.serverLogs(name, options));
};

exports.pruneServers = function pruneServers(options) {
  return run(() => native.pruneServers(options));
};

exports.listServers = async function listServers(options) {
  return (await run(() => native.listServers(options))).map(statusOf);
};

exports.notifyReady = function notifyReady(notice) {
  return now(() => native.notifyReady(notice));
};

exports.notify = function notify(notice) {
  return now(() => native.notify(notice));
};

/** A name alone is an option as well. */
function named(given) {
  return typeof given === 'string' ? { name: given } : given;
}

function serverOf(server) {
  const { variables, tail, stop, restart, release } = server;
  dated(server, 'startedAt');
  // Not enumerable: printed, compared or cloned, a server is its facts.
  return Object.defineProperties(server, {
    variables: { value: () => native.variablesOfThis(variables), enumerable: false },
    tail: { value: (lines) => run(() => native.tailOfThis(tail, lines)), enumerable: false },
    stop: { value: () => run(() => native.stopThis(stop)), enumerable: false },
    restart: { value: async () => serverOf(await run(() => native.restartThis(restart))), enumerable: false },
    release: { value: () => native.releaseThis(release), enumerable: false },
  });
}

function statusOf(status) {
  if (status.holder) dated(status.holder, 'since');
  for (const lease of status.leases) dated(lease, 'since');
  if (status.ended) dated(status.ended, 'endedAt');
  return dated(status, 'startedAt');
}
