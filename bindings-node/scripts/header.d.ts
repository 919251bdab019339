/** How to tell that a server is ready: as text, as an object with the details, or as a function. */
export type Check =
  | string
  | HttpCheck
  | { tcp: string }
  | { unix: string }
  /** A line for `/bin/sh`, or a program and its arguments; exit code 0 is ready, any other is nobody there. */
  | { exec: string | string[] }
  /** A line of the server's log, of this start; a group `(?<port>…)` is the server's own word for its port. */
  | { log: string }
  | { file: string }
  | CheckFunction;

/**
 * True is ready, false and nothing are nobody there, a word is the verdict of that name; what it throws is nobody there.
 * It is called on the main thread; a promise that takes longer than `probeTimeout` is `busy`.
 */
export type CheckFunction = (() => CheckAnswer) | (() => Promise<CheckAnswer>);
export type CheckAnswer = boolean | Verdict | null | undefined;

/** GET of one page: `http://host:port/path`, or over a Unix socket `http+unix:/path:/page`. */
export interface HttpCheck {
  http: string;
  /** The codes that count as ready: `200`, `"200-299"`, or a list of these. */
  status?: number | string | (number | string)[];
  /** Fields, dotted where nested, and the values they must have; `"auto"` (the default) reads a text `status`, `false` ignores the body. */
  json?: 'auto' | false | Record<string, unknown>;
}

/** A failed call: a code, a text for people, and the facts behind it. */
export declare class SpawnlockError extends Error {
  constructor(failure: Failure);
}
export interface SpawnlockError extends Omit<Failure, 'cause'> {}

/**
 * A lock between processes, worker threads and tasks, held until it is released, collected or its process ends.
 *
 * Tasks of one thread exclude each other: each call asks for itself. Only what would wait for itself is `ERR_SPAWNLOCK_RECURSIVE`,
 * or with `reentrant` a share: a call within the `withLock` of the same lock, and `acquireSync` while its thread holds it.
 */
export declare class SpawnLock {
  private constructor();

  /** Waits for the lock. */
  static acquire(path: string, options?: LockOptions): Promise<SpawnLock>;
  /** The lock if it is to be had now; null while somebody else has it. */
  static tryAcquire(path: string, options?: LockOptions): Promise<SpawnLock | null>;
  /** Waits for the lock, and the whole thread with it. A signal is only looked at before; events come afterwards. */
  static acquireSync(path: string, options?: LockOptions): SpawnLock;
  /** The lock if it is to be had now; null while somebody else has it. */
  static tryAcquireSync(path: string, options?: LockOptions): SpawnLock | null;
  /** Holds the lock for as long as `work` takes, however it ends, and gives what it gives. */
  static withLock<T>(path: string, work: (lock: SpawnLock) => T): Promise<Awaited<T>>;
  static withLock<T>(path: string, options: LockOptions | undefined, work: (lock: SpawnLock) => T): Promise<Awaited<T>>;
  /** Who holds the lock now; null when it is free. */
  static holder(path: string, options?: HolderOptions): LockHolder | null;
  /** What the file system of a directory makes of kernel locks. */
  static testFlock(dir: string): FlockSupport;

  /** Lets go; a lock that is shared is let go with its last share. False when it was no longer ours. */
  release(): Promise<boolean>;
  /** The same at once; with `excl` it may have to wait for the lock's mutex. */
  releaseSync(): boolean;

  /** Whether it is ours still: not once it was released, broken or removed. */
  get held(): boolean;
  /** Its file. */
  get path(): string;
  /** What it is made of. */
  get kind(): Exclude<LockKind, 'auto'>;
  /** This process, as others read it; null once it was released. */
  get holder(): LockHolder | null;

  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A Unix socket of which this process is the only server, until it is closed, its thread or its process ends.
 *
 * It listens already: `createServer(…).listen({ fd: claim.fd })`. It lasts whether or not anybody refers to it.
 */
export declare class ClaimedSocket {
  private constructor();

  /** The whole path of the socket. */
  get path(): string;
  /** Its descriptor. Who reads it serves it: the server that listens on it closes it, the claim no longer does. -1 once it is closed. */
  get fd(): number;
  /** Whether the name still leads to our socket: when somebody has removed or replaced it, no client finds us any more. */
  stillOwned(): boolean;
  /**
   * Gives the socket up: removes its file if that is still ours, closes the descriptor unless it was read, frees the lock.
   * False when the file was no longer ours, or it was closed before. An end of the process in good order does it, too.
   */
  close(): boolean;

  [Symbol.dispose](): void;
}
