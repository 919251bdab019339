'use strict';

const { join } = require('node:path');

/** Where the files for this platform are, once built: the addon and the native command. */
const folder = join(__dirname, '..', 'prebuilt', `${process.platform}-${process.arch}`);

exports.addonFile = join(folder, 'spawnlock.node');
exports.commandFile = join(folder, process.platform === 'win32' ? 'server-init.exe' : 'server-init');

/** Loads the addon. */
exports.load = function load() {
  try {
    return require(exports.addonFile);
  } catch (cause) {
    const problem = cause.code === 'MODULE_NOT_FOUND' ? 'is missing' : 'cannot be loaded';
    const message = `the native part of spawnlock ${problem}: ${exports.addonFile} [ERR_SPAWNLOCK_NATIVE]
  hint     run \`npm rebuild spawnlock\`, which needs Rust where no built files came with the package`;
    throw Object.assign(new Error(message, { cause }), { code: 'ERR_SPAWNLOCK_NATIVE' });
  }
};
