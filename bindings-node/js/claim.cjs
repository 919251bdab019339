'use strict';

const native = require('./native.cjs').load();
const { now, run } = require('./run.cjs');

/** Only what is known here may make one. */
const made = Symbol('made');

/** What is claimed, until it is closed: a server lives without a variable of its program, and so must its claim. */
const claimed = new Set();

/** A Unix socket of which this process is the only server. */
class ClaimedSocket {
  #claim;
  #fd;

  constructor(key, claim) {
    if (key !== made) throw new TypeError('Illegal constructor');
    this.#claim = claim;
    // A process that ends in good order leaves no socket behind.
    if (claimed.size === 0) process.on('exit', closeAll);
    claimed.add(this);
  }

  get path() {
    return native.claimedPath(this.#claim);
  }

  get fd() {
    return (this.#fd ??= native.takeClaimed(this.#claim) ?? -1);
  }

  stillOwned() {
    return native.stillOwned(this.#claim);
  }

  close() {
    if (claimed.delete(this) && claimed.size === 0) process.off('exit', closeAll);
    this.#fd = -1;
    return now(() => native.closeClaimed(this.#claim));
  }
}

if (Symbol.dispose) {
  const value = function () {
    this.close();
  };
  Object.defineProperty(ClaimedSocket.prototype, Symbol.dispose, { value, writable: true, configurable: true });
}

function closeAll() {
  for (const socket of claimed) socket.close();
}

async function claimSocket(path) {
  const claim = native.newClaim();
  await run(() => native.claimSocket(path, claim));
  return new ClaimedSocket(made, claim);
}

Object.assign(exports, { ClaimedSocket, claimSocket });
