import { globalSetup } from 'spawnlock/test';

// Declared in spawnlock.toml; the options of ensureServer do as well.
export default globalSetup('api');
