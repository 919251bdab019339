'use strict';

const { SpawnlockError } = require('./error.cjs');
const native = require('./native.cjs').load();

exports.SpawnlockError = SpawnlockError;

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

exports.listServers = async function listServers(options) {
  return (await run(() => native.listServers(options))).map(statusOf);
};

/** Runs a native job to its end. `prepare` checks the options and throws when they are wrong. */
async function run(prepare, options) {
  const { signal, onEvent } = options ?? {};
  try {
    const job = prepare();
    signal?.throwIfAborted();
    return await ended(job, signal, onEvent);
  } catch (problem) {
    if (signal?.aborted && problem.code === 'ERR_SPAWNLOCK_CANCELLED') throw signal.reason;
    // Made here, after an await, the error's stack shows who asked.
    throw isFailure(problem) ? new SpawnlockError(problem) : problem;
  }
}

function ended(job, signal, onEvent) {
  return new Promise((resolve, reject) => {
    const done = signal ? onAbort(signal, () => native.cancel(job)) : () => {};
    native.start(job, (event, failure, outcome) => {
      if (event) return onEvent(eventOf(event));
      done();
      if (failure) reject(failure);
      else resolve(outcome);
    });
  });
}

/** What is to be cancelled with a signal. One listener for all: many calls may share a signal, and eleven listeners are a warning. */
const cancels = new WeakMap();

function onAbort(signal, cancel) {
  if (!cancels.has(signal)) {
    const all = new Set();
    cancels.set(signal, all);
    signal.addEventListener('abort', () => all.forEach((cancel) => cancel()), { once: true });
  }
  cancels.get(signal).add(cancel);
  return () => cancels.get(signal).delete(cancel);
}

function isFailure(problem) {
  return typeof problem?.code === 'string' && problem.code.startsWith('ERR_SPAWNLOCK_');
}

function eventOf(event) {
  if (event.holder) dated(event.holder, 'since');
  return event;
}

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

/** Turns milliseconds since 1970 into a date. */
function dated(object, key) {
  if (object[key] !== null) object[key] = new Date(object[key]);
  return object;
}
