// Never run: the same types, seen from CommonJS.
import spawnlock = require('spawnlock');

const server: Promise<spawnlock.Server> = spawnlock.ensureServer({ name: 'api', ready: 'tcp:localhost:1987' });
const isOurs = (error: unknown): error is spawnlock.SpawnlockError => error instanceof spawnlock.SpawnlockError;
console.log(server, isOurs);
