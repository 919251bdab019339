'use strict';

const { SpawnlockError } = require('./error.cjs');
const { SpawnLock } = require('./lock.cjs');
const native = require('./native.cjs').load();
const { dated, run } = require('./run.cjs');

exports.SpawnlockError = SpawnlockError;
exports.SpawnLock = SpawnLock;

exports.ensureServer = async function ensureServer(options) {
  return serverOf(await run(() => native.ensureServer(options), options, options?.ready));
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

exports.listServers = async function listServers(options) {
  return (await run(() => native.listServers(options))).map(statusOf);
};

function serverOf(server) {
  const { stop, restart } = server;
  dated(server, 'startedAt');
  // Not enumerable: printed, compared or cloned, a server is its facts.
  return Object.defineProperties(server, {
    stop: { value: () => run(() => native.stopThis(stop)), enumerable: false },
    restart: { value: async () => serverOf(await run(() => native.restartThis(restart))), enumerable: false },
  });
}

function statusOf(status) {
  if (status.holder) dated(status.holder, 'since');
  return dated(status, 'startedAt');
}
