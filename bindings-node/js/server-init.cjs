#!/usr/bin/env node
'use strict';

// Stands in for the native command where npm could not put that in its place.
const { existsSync } = require('node:fs');
const { commandFile } = require('./native.cjs');

const args = process.argv.slice(2);

if (!existsSync(commandFile)) {
  console.error(`server-init: the native command is missing: ${commandFile}
  hint     run \`npm rebuild spawnlock\`, which needs Rust where no built files came with the package`);
  process.exitCode = 127;
} else if (process.execve) {
  process.execve(commandFile, ['server-init', ...args], process.env);
} else {
  const child = require('node:child_process').spawn(commandFile, args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`server-init: ${error.message}`);
    process.exitCode = 126;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
