// Never run: `npm run check:types` compiles it, and an expected error that does not come is an error.
import { ensureServer, listServers, restartServer, serverStatus, SpawnLock, SpawnlockError, stopServer, waitFor } from 'spawnlock';
import { ClaimedSocket, claimSocket, notify, notifyReady } from 'spawnlock';
import type { Check, CheckFunction, EnsureServerOptions, ErrorCode, FlockSupport, LockHolder, LockOptions } from 'spawnlock';
import type { Origin, Server, ServerEvent, ServerStatus } from 'spawnlock';
import { globalSetup, globalTeardown, useServer } from 'spawnlock/test';
import teardown from 'spawnlock/test/teardown';

const check: Check = { http: 'http://localhost:1987/health', status: [200, '300-399'], json: { 'app.name': 'api' } };

const isThere: CheckFunction = async () => ((await fetch('http://localhost:1987')).ok ? true : 'starting');
const checks: Check[] = ['notify', isThere, () => true, () => {}, { exec: ['pg_isready', '-q'] }, { log: 'listening' }, { file: 'up' }];
const waited: void = await waitFor(checks, { timeout: 1_000, probeTimeout: 500, gone: true, signal: AbortSignal.timeout(1_000) });

const options: EnsureServerOptions = {
  name: 'api',
  command: ['node', 'server.js'],
  cwd: '/',
  env: { PORT: '1987', DEBUG: undefined },
  inheritEnv: false,
  umask: 0o077,
  ready: ['http://localhost:1987/health', check, { tcp: 'localhost:1987' }, { unix: '/run/api' }],
  identity: { app: 'api' },
  timeout: 60_000,
  probeTimeout: 5_000,
  log: '/tmp/log',
  tailLines: 3,
  stateDir: '/tmp',
  lock: 'excl',
  lockFile: '/tmp/lock',
  onLockUnavailable: 'fail',
  lockPatience: 1_000,
  stopTimeout: 1_000,
  config: 'spawnlock.toml',
  signal: AbortSignal.timeout(1_000),
  onEvent: (event: ServerEvent) => console.log(event.kind, event.elapsedMs, event.holder?.since.getTime()),
};

const server: Server = await ensureServer(options);
const declared: Server[] = [await ensureServer('web'), await ensureServer()];
const origin: Origin = server.origin;
const startedAt: Date | null = server.startedAt;
const again: Server = await server.restart();
const stopped: void = await server.stop();

const setup: () => Promise<() => Promise<void>> = globalSetup('web', options);
const teardowns: (() => Promise<void>)[] = [await setup(), globalTeardown, teardown];
const used: Server[] = [await useServer('web'), await useServer({ name: 'web', linger: 5_000 })];
const variables: Record<string, string> = server.variables();

const status: ServerStatus = await serverStatus('api', { stateDir: '/tmp' });
const failed: ErrorCode | undefined = status.lastFailure?.code;
const all: ServerStatus[] = await listServers();
await stopServer('api', { stopTimeout: 1_000 });
const restarted: Server = await restartServer('api', { onlyGeneration: 1, timeout: 60_000, stopTimeout: 1_000, breakAfter: 30_000 });

try {
  await ensureServer({ shell: 'exec node server.js', ready: 'tcp:localhost:1987' });
} catch (error) {
  if (error instanceof SpawnlockError && error.code === 'ERR_SPAWNLOCK_EXITED') {
    const facts: [number | undefined, string | undefined, string[] | undefined, unknown] = [
      error.exitCode,
      error.signal,
      error.logTail,
      error.cause,
    ];
    console.log(error.name, error.message, error.stack, facts);
  }
}

const lockOptions: LockOptions = {
  lock: 'excl',
  timeout: 1_000,
  staleAfter: 10_000,
  breakAfter: 60_000,
  reentrant: true,
  recordHolder: false,
  signal: AbortSignal.timeout(1_000),
  onEvent: ({ kind, name, holder }) => console.log(kind, name, holder?.token),
};
const lock: SpawnLock = await SpawnLock.acquire('/tmp/lock', lockOptions);
const facts: [boolean, string, 'flock' | 'excl', LockHolder | null] = [lock.held, lock.path, lock.kind, lock.holder];
const released: boolean[] = [await lock.release(), lock.releaseSync()];
const free: (SpawnLock | null)[] = [await SpawnLock.tryAcquire('/tmp/lock'), SpawnLock.tryAcquireSync('/tmp/lock', { reentrant: true })];
const five: number = await SpawnLock.withLock('/tmp/lock', async ({ held }) => (held ? 5 : 6));
const word: string = await SpawnLock.withLock('/tmp/lock', { timeout: 1 }, () => 'word');
const since: Date | undefined = SpawnLock.holder('/tmp/lock', { lock: 'excl' })?.since;
const support: FlockSupport = SpawnLock.testFlock('/tmp');
{
  await using scoped = await SpawnLock.acquire('/tmp/lock');
  using sync = SpawnLock.acquireSync('/tmp/other');
  console.log(scoped, sync, facts, released, free, five, word, since, support);
}

const claim: ClaimedSocket = await claimSocket('/tmp/socket');
const claimed: [string, number, boolean, boolean] = [claim.path, claim.fd, claim.stillOwned(), claim.close()];
const heard: boolean[] = [notifyReady(), notifyReady({ port: 1, status: 'warm' }), notify({ ready: true, stopping: false })];
{
  using scoped = await claimSocket('/tmp/socket');
  console.log(scoped, claimed, heard);
}

// @ts-expect-error there is something to say
notify();
// @ts-expect-error nobody makes one so
new SpawnLock('/tmp/lock');
// @ts-expect-error a word that is none of the three
await SpawnLock.acquire('/tmp/lock', { lock: 'fcntl' });
// @ts-expect-error an option that is not known
await ensureServer({ tiemout: 1 });
// @ts-expect-error a command is a list
await ensureServer({ command: 'node server.js' });
// @ts-expect-error a word that is none of the two
await ensureServer({ onLockUnavailable: 'maybe' });
// @ts-expect-error a code that does not exist
const wrong: ErrorCode = 'ERR_SPAWNLOCK_NO_SUCH';

// @ts-expect-error a word that is no verdict
await waitFor(() => 'maybe');

console.log(teardowns, used, variables, waited, declared, origin, startedAt, again, restarted, stopped, failed, all, wrong);
