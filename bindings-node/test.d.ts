import type { EnsureServerOptions, Server } from './index';

/**
 * A global setup for Vitest, Jest and Playwright: has these servers before the first test, in this order, and tells their addresses
 * to the tests as `SPAWNLOCK_<NAME>_URL` and `SPAWNLOCK_<NAME>_PORT`. It gives its teardown, which leaves them; of all runs
 * that use a server at the same time, the last has it stopped.
 *
 * A server is a name, if the project declares it, or the options of `ensureServer`.
 */
export declare function globalSetup(...servers: (string | EnsureServerOptions)[]): () => Promise<() => Promise<void>>;

/** Leaves all servers that global setups of this process have: for runners that do not take what their setup gives. */
export declare function globalTeardown(): Promise<void>;

/**
 * For `node:test`: gets the server, until the tests of this file, or of the suite around the call, are over.
 *
 * Each test file is a process of its own. `linger` keeps the server from one to the next.
 */
export declare function useServer(options?: string | EnsureServerOptions): Promise<Server>;
