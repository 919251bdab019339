// What the package offers, held to the contract that every language is held to.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import * as spawnlock from '../js/index.cjs';

const contract = JSON.parse(readFileSync(new URL('../../tests/surface/contract.json', import.meta.url), 'utf8'));
const types = readFileSync(new URL('../index.d.ts', import.meta.url), 'utf8');
const spelled = (list) => contract[list].map((entry) => entry.node).filter(Boolean);

/** The members of an interface of the types. */
const members = (name) => {
  const body = types.split(`export interface ${name} {\n`)[1].split('\n}')[0];
  return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, member]) => member);
};

/** The words of a union of the types. */
const union = (name) => [...types.split(`export type ${name} =`)[1].split('\n\n')[0].matchAll(/'([\w-]+)'/g)].map(([, word]) => word);

test('every call of the contract is a function', () => {
  for (const call of spelled('calls')) assert.equal(typeof spawnlock[call], 'function', call);
});

test('the options are those of the contract', () => {
  assert.deepEqual(members('EnsureServerOptions').sort(), spelled('options').sort());
});

test('the options of a wait for anything are those of the contract', () => {
  assert.deepEqual(members('WaitForOptions').sort(), spelled('waitOptions').sort());
});

test('the facts of a server are those of the contract', () => {
  assert.deepEqual(members('Server').sort(), spelled('server').sort());
});

test('the lock alone offers what the contract says, and its types say the same', () => {
  const { SpawnLock } = spawnlock;
  const own = (object) => Object.getOwnPropertyNames(object).filter((name) => !['constructor', 'length', 'name', 'prototype'].includes(name));
  const offered = new Set([...own(SpawnLock), ...own(SpawnLock.prototype)]);
  assert.deepEqual([...offered].sort(), [...new Set(spelled('lock'))].sort());
  const body = types.split('export declare class SpawnLock {\n')[1].split('\n}')[0];
  const declared = new Set([...body.matchAll(/^ {2}(?:static |get )?(?!private)(\w+)[<(]/gm)].map(([, member]) => member));
  assert.deepEqual([...declared].sort(), [...offered].sort());
});

test('the options of the lock alone are those of the contract', () => {
  assert.deepEqual(members('LockOptions').sort(), spelled('lockOptions').sort());
});

test('a claim and a notice offer what the contract says', () => {
  const offered = Object.getOwnPropertyNames(spawnlock.ClaimedSocket.prototype).filter((name) => name !== 'constructor');
  assert.deepEqual(offered.sort(), spelled('claim').sort());
  assert.deepEqual(members('Notice').sort(), spelled('notice').sort());
});

test('the lists of words are those of the contract', () => {
  assert.deepEqual(union('ErrorCode'), contract.codes);
  assert.deepEqual(union('Origin'), contract.origins);
  assert.deepEqual(union('State'), contract.states);
  assert.deepEqual(union('EndReason'), contract.endReasons);
  assert.deepEqual(union('Reuse'), contract.reuse);
  assert.deepEqual(union('OnMismatch'), contract.onMismatch);
  assert.deepEqual(union('Unresponsive'), contract.unresponsive);
  assert.deepEqual(union('StopSignal'), contract.stopSignals);
  assert.deepEqual(union('Verdict'), contract.verdicts);
  assert.deepEqual(union('EventKind'), contract.events);
  assert.deepEqual(union('LockKind'), contract.lockKinds);
  assert.deepEqual(union('FlockSupport'), contract.flockSupport);
  assert.deepEqual(union('KickState'), contract.kickStates);
  assert.deepEqual(union('StopWhen'), contract.stopWhens);
});
