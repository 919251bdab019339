'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');

const native = require('./native.cjs').load();
const { dated, eventOf, now, run } = require('./run.cjs');

/** The owners of the `withLock` calls around the one that asks. */
const within = new AsyncLocalStorage();

/** Only what is known here may make one. */
const made = Symbol('made');

/** A lock between processes, worker threads and tasks, held until it is released. */
class SpawnLock {
  #guard;

  constructor(key, guard) {
    if (key !== made) throw new TypeError('Illegal constructor');
    this.#guard = guard;
  }

  static acquire(path, options) {
    return acquired((terms, owners) => native.acquire(path, terms, owners, false), options);
  }

  static tryAcquire(path, options) {
    return acquired((terms, owners) => native.tryAcquire(path, terms, owners), options);
  }

  static acquireSync(path, options) {
    return now(() => {
      const terms = termsOf(options);
      options?.signal?.throwIfAborted();
      const tell = options?.onEvent && ((event) => options.onEvent(eventOf(event)));
      return new SpawnLock(made, native.acquireSync(path, terms, tell));
    });
  }

  static tryAcquireSync(path, options) {
    return now(() => {
      const terms = termsOf(options);
      options?.signal?.throwIfAborted();
      const guard = native.tryAcquireSync(path, terms, within.getStore());
      return guard && new SpawnLock(made, guard);
    });
  }

  static async withLock(path, options, work) {
    if (work === undefined) [options, work] = [undefined, options];
    const lock = await acquired((terms, owners) => native.acquire(path, terms, owners, true), options);
    try {
      return await within.run([...(within.getStore() ?? []), native.lockOwner(lock.#guard)], work, lock);
    } finally {
      await lock.release();
    }
  }

  static holder(path, options) {
    return now(() => holderOf(native.holderOf(path, options)));
  }

  static testFlock(dir) {
    return now(() => native.testFlock(dir));
  }

  release() {
    return run(() => native.release(this.#guard));
  }

  releaseSync() {
    return native.releaseSync(this.#guard);
  }

  get held() {
    return native.lockHeld(this.#guard);
  }

  get path() {
    return native.lockPath(this.#guard);
  }

  get kind() {
    return native.lockKind(this.#guard);
  }

  get holder() {
    return holderOf(native.lockHolder(this.#guard));
  }
}

// For `using` and `await using`, where the runtime knows them.
if (Symbol.dispose) define(Symbol.dispose, (lock) => void lock.releaseSync());
if (Symbol.asyncDispose) define(Symbol.asyncDispose, async (lock) => void (await lock.release()));

function define(name, release) {
  const value = function () {
    return release(this);
  };
  Object.defineProperty(SpawnLock.prototype, name, { value, writable: true, configurable: true });
}

/** No more promises than one: each of them costs a waiter some microseconds. */
function acquired(prepare, options) {
  return run(() => prepare(termsOf(options), within.getStore()), options, undefined, lockOf);
}

function lockOf(job) {
  const guard = native.acquired(job);
  return guard && new SpawnLock(made, guard);
}

const names = native.lockOptionNames();
const none = native.lockOptions();
let last = { terms: none, given: copyOf({}) };

/** The options as the native part reads them. Most programs ask with the same ones over and over, and to read them costs half a lock. */
function termsOf(options) {
  if (options === undefined) return none;
  if (isAsLast(options)) return last.terms;
  const terms = native.lockOptions(options);
  // What belongs to one call is not kept.
  if (!options.signal && !options.onEvent) last = { terms, given: copyOf(options) };
  return terms;
}

function isAsLast(options) {
  if (typeof options !== 'object' || options === null) return false;
  for (const name in options) if (!(name in last.given)) return false;
  return names.every((name) => options[name] === last.given[name]);
}

function copyOf(options) {
  return Object.assign(Object.create(null), Object.fromEntries(names.map((name) => [name, options[name]])));
}

function holderOf(holder) {
  return holder && dated(holder, 'since');
}

exports.SpawnLock = SpawnLock;
