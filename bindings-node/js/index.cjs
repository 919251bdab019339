'use strict';

const { SpawnlockError } = require('./error.cjs');
const { SpawnLock } = require('./lock.cjs');
const native = require('./native.cjs').load();
const { dated, run } = require('./run.cjs');

exports.SpawnlockError = SpawnlockError;
exports.SpawnLock = SpawnLock;

exports.ensureServer = async function ensureServer(options) {
  return serverOf(await run(() => native.ensureServer(options), options));
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

exports.serverLogs = function serverLogs(name, options) {
  return run(() => native.serverLogs(name, options));
};

exports.pruneServers = function pruneServers(options) {
  return run(() => native.pruneServers(options));
};

exports.listServers = async function listServers(options) {
  return (await run(() => native.listServers(options))).map(statusOf);
};

function serverOf(server) {
  const { tail, stop, restart } = server;
  dated(server, 'startedAt');
  // Not enumerable: printed, compared or cloned, a server is its facts.
  return Object.defineProperties(server, {
    tail: { value: (lines) => run(() => native.tailOfThis(tail, lines)), enumerable: false },
    stop: { value: () => run(() => native.stopThis(stop)), enumerable: false },
    restart: { value: async () => serverOf(await run(() => native.restartThis(restart))), enumerable: false },
  });
}

function statusOf(status) {
  if (status.holder) dated(status.holder, 'since');
  for (const lease of status.leases) dated(lease, 'since');
  if (status.ended) dated(status.ended, 'endedAt');
  return dated(status, 'startedAt');
}
