// The test runners and Vite, from the registry: fetched once, kept in build/.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { install } from '../../bindings-node/scripts/nodes.cjs';

// The newest that run on Node 20.
const PINNED = ['vitest@4.1.12', 'vite@8.3.8', 'jest@30.5.2', '@playwright/test@1.65.1'];

export const root = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..', '..');
export const home = join(root, 'build', 'runners');
export const modules = join(home, 'node_modules');

export const fetchRunners = () => {
  const wanted = PINNED.join(' ');
  const note = join(home, 'fetched');
  if (existsSync(note) && readFileSync(note, 'utf8') === wanted) return;
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'package.json'), '{ "private": true }');
  install(home, PINNED);
  writeFileSync(note, wanted);
};
