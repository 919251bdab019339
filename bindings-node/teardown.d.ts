import { globalTeardown } from './test';

export = globalTeardown;
