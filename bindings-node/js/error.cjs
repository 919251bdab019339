'use strict';

const { getSystemErrorName } = require('node:util');

/** A failed call: `code`, a text for people, and the facts behind it. */
class SpawnlockError extends Error {
  constructor({ message, cause, errno, hint, logTail, ...facts }) {
    super(message, cause === undefined ? undefined : { cause: causeOf(cause, errno) });
    Object.assign(this, facts);
    if (errno !== undefined) this.errno = errno;
    // The text has these two already, so they are not printed once more with the object.
    if (hint !== undefined) hide(this, 'hint', hint);
    if (logTail !== undefined) hide(this, 'logTail', logTail);
  }
}

hide(SpawnlockError.prototype, 'name', 'SpawnlockError');

/** The system's error behind ours, as Node's own look. */
function causeOf(cause, errno) {
  const error = new Error(cause);
  return errno === undefined ? error : Object.assign(error, { errno, code: getSystemErrorName(-errno) });
}

function hide(object, key, value) {
  Object.defineProperty(object, key, { value, writable: true, configurable: true, enumerable: false });
}

exports.SpawnlockError = SpawnlockError;
