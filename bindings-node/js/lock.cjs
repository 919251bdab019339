'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');

const native = require('./native.cjs').load();
const { dated, eventOf, now, run } = require('./run.cjs');

/** The owners of the `withLock` calls around the one that asks. */
const within = new AsyncLocalStorage();

/** Only what is known here may make one. */
const made = Symbol('made');

/** The locks of this thread, which the native part knows by their owner's number. */
const locks = native.locks();

/** A lock whose object is gone can be released by nobody else. */
const collected = new FinalizationRegistry((owner) => native.forgetLock(locks, owner));

/** A lock between processes, worker threads and tasks, held until it is released. */
class SpawnLock {
  #owner;

  constructor(key, owner) {
    if (key !== made) throw new TypeError('Illegal constructor');
    this.#owner = owner;
    collected.register(this, owner);
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
      return new SpawnLock(made, native.acquireSync(locks, path, terms, tell));
    });
  }

  static tryAcquireSync(path, options) {
    return now(() => {
      const terms = termsOf(options);
      options?.signal?.throwIfAborted();
      return lockOf(native.tryAcquireSync(locks, path, terms, within.getStore()));
    });
  }

  static async withLock(path, options, work) {
    if (work === undefined) [options, work] = [undefined, options];
    const lock = await acquired((terms, owners) => native.acquire(path, terms, owners, true), options);
    try {
      return await within.run([...(within.getStore() ?? []), lock.#owner], work, lock);
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
    return run(() => native.release(locks, this.#owner));
  }

  releaseSync() {
    return native.releaseSync(locks, this.#owner);
  }

  get held() {
    return native.lockHeld(locks, this.#owner);
  }

  get path() {
    return native.lockPath(locks, this.#owner);
  }

  get kind() {
    return native.lockKind(locks, this.#owner);
  }

  get holder() {
    return holderOf(native.lockHolder(locks, this.#owner));
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
  return run(() => prepare(termsOf(options), within.getStore()), options, undefined, (job) => lockOf(native.acquired(locks, job)));
}

function lockOf(owner) {
  return owner === null ? null : new SpawnLock(made, owner);
}

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

/** Name by name, since a loop over the names takes as long as reading the options does. */
function isAsLast(options) {
  if (typeof options !== 'object' || options === null) return false;
  const { given } = last;
  for (const name in options) if (given[name] === undefined) return false;
  return (
    options.lock === given.lock &&
    options.timeout === given.timeout &&
    options.staleAfter === given.staleAfter &&
    options.breakAfter === given.breakAfter &&
    options.reentrant === given.reentrant &&
    options.recordHolder === given.recordHolder &&
    options.signal === undefined &&
    options.onEvent === undefined
  );
}

function copyOf({ lock, timeout, staleAfter, breakAfter, reentrant, recordHolder }) {
  return { __proto__: null, lock, timeout, staleAfter, breakAfter, reentrant, recordHolder };
}

function holderOf(holder) {
  return holder && dated(holder, 'since');
}

exports.SpawnLock = SpawnLock;
