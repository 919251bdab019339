'use strict';

const { SpawnlockError } = require('./error.cjs');
const native = require('./native.cjs').load();

/**
 * Runs a native job to its end. `prepare` checks the options and throws when they are wrong; functions among `checks` are asked;
 * `brought` makes of the job what the caller gets, in place of the outcome.
 */
async function run(prepare, options, checks, brought) {
  const { signal, onEvent } = options ?? {};
  try {
    const job = prepare();
    signal?.throwIfAborted();
    return await ended(job, signal, onEvent, checks, brought);
  } catch (problem) {
    if (signal?.aborted && problem.code === 'ERR_SPAWNLOCK_CANCELLED') throw signal.reason;
    // Made here, after an await, the error's stack shows who asked.
    throw errorOf(problem);
  }
}

function ended(job, signal, onEvent, checks, brought) {
  return new Promise((resolve, reject) => {
    const done = signal ? onAbort(signal, () => native.cancel(job)) : () => {};
    native.start(job, (event, failure, outcome, check, reply) => {
      if (reply) return void ask([checks].flat()[check], reply);
      if (event) return onEvent(eventOf(event));
      done();
      if (failure) reject(failure);
      else resolve(brought ? brought(job) : outcome);
    });
  });
}

/** Puts a question to a check that is a function, and leaves its answer where the waiting thread finds it. */
async function ask(check, reply) {
  try {
    native.answer(reply, await check());
  } catch (problem) {
    native.threw(reply, String(problem));
  }
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

/** Makes a native call that is no job. */
function now(call) {
  try {
    return call();
  } catch (problem) {
    throw errorOf(problem);
  }
}

/** A failure of ours as an error, anything else as it is. */
function errorOf(problem) {
  const ours = typeof problem?.code === 'string' && problem.code.startsWith('ERR_SPAWNLOCK_');
  return ours ? new SpawnlockError(problem) : problem;
}

function eventOf(event) {
  if (event.holder) dated(event.holder, 'since');
  return event;
}

/** Turns milliseconds since 1970 into a date. */
function dated(object, key) {
  if (object[key] !== null) object[key] = new Date(object[key]);
  return object;
}

Object.assign(exports, { dated, errorOf, eventOf, now, run });
