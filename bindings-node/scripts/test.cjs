'use strict';

// Runs the tests on this Node and on a newer one, which comes from the registry and is kept in build/.
//   node test.cjs [files…]      SPAWNLOCK_TEST_NODES=path,path runs them on these instead

const { spawnSync } = require('node:child_process');
const { existsSync, readdirSync } = require('node:fs');
const { join } = require('node:path');

const { artifact, build, cargo } = require('./build.cjs');
const { NODES, node } = require('./nodes.cjs');
const { addonFile, commandFile } = require('../js/native.cjs');

const root = join(__dirname, '..', '..');
const tests = join(root, 'bindings-node', 'test');

// An extra file of certificates costs each start of Node more than what some tests allow.
const { NODE_EXTRA_CA_CERTS, ...env } = process.env;

function main() {
  if (!existsSync(addonFile) || !existsSync(commandFile)) build();
  env.SPAWNLOCK_FIXTURE ??= artifact(cargo(['-p', 'spawnlock-tests', '--bin', 'fixture-server']), 'bin', 'fixture-server');
  const given = process.argv.slice(2);
  const files =
    given.length > 0
      ? given
      : readdirSync(tests)
          .filter((file) => file.endsWith('.test.mjs'))
          .map((file) => join(tests, file));
  const nodes = process.env.SPAWNLOCK_TEST_NODES?.split(',') ?? [process.execPath, node(NODES[24])];
  const failed = nodes.filter((path) => !passes(path, files));
  if (failed.length > 0) process.exitCode = 1;
}

function passes(node, files) {
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.trim();
  console.log(`── Node ${version}`);
  return spawnSync(node, ['--test', '--test-reporter=spec', ...files], { stdio: 'inherit', env }).status === 0;
}

main();
