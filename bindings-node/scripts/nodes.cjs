'use strict';

// Other versions of Node, which the registry has as packages; kept in build/.

const { spawnSync } = require('node:child_process');
const { existsSync, mkdirSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..', '..');

/** One of each line that is tested. */
exports.NODES = { 20: '20.20.2', 22: '22.20.0', 24: '24.9.0' };

/** The path of that Node for this platform, fetched once. */
exports.node = function node(version) {
  const windows = process.platform === 'win32';
  const name = `node-${windows ? 'win' : process.platform}-${process.arch}`;
  return exports.fetched(`node-${version}`, [`${name}@${version}`], join(name, 'bin', windows ? 'node.exe' : 'node'));
};

/** A file of packages that are installed into a folder of build/ as soon as somebody asks for it. */
exports.fetched = function fetched(folder, packages, file) {
  const prefix = join(root, 'build', folder);
  const path = join(prefix, 'node_modules', file);
  if (existsSync(path)) return path;
  exports.install(prefix, packages);
  if (!existsSync(path)) throw new Error(`npm could not fetch ${packages.join(' ')}`);
  return path;
};

/** Installs packages into a folder that is none of a project, and runs nothing of theirs. */
exports.install = function install(prefix, packages) {
  mkdirSync(prefix, { recursive: true });
  const how = ['--silent', '--ignore-scripts', '--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--prefix', prefix];
  const npm = spawnSync('npm', ['install', ...how, ...packages], { stdio: ['ignore', 'inherit', 'inherit'], env: process.env });
  if (npm.status !== 0) throw new Error(`npm could not fetch ${packages.join(' ')}`);
};
