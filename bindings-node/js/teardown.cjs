'use strict';

// Jest names its teardown by a module of its own: `globalTeardown: 'spawnlock/test/teardown'`.
module.exports = require('./test.cjs').globalTeardown;
