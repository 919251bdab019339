'use strict';

const { withServer } = require('./index.cjs');

/** The teardowns of this process that are still to come: Jest calls its own from another module. */
const teardowns = new Set();

exports.globalSetup = function globalSetup(...servers) {
  return async function setup() {
    const ends = [];
    const teardown = async () => {
      teardowns.delete(teardown);
      // One that came later may need the earlier ones until it is gone.
      while (ends.length > 0) await ends.pop()();
    };
    teardowns.add(teardown);
    try {
      for (const options of servers) ends.push(await told(options));
    } catch (problem) {
      await teardown();
      throw problem;
    }
    return teardown;
  };
};

exports.globalTeardown = async function globalTeardown() {
  for (const teardown of teardowns) await teardown();
};

exports.useServer = async function useServer(options) {
  const { after } = require('node:test');
  const { server, leave } = await use(options);
  after(leave);
  return server;
};

/** What `withServer` does around a function, for those who are called at the beginning and at the end. */
function use(options) {
  return new Promise((resolve, reject) => {
    const scope = withServer(options, (server) => new Promise((end) => resolve({ server, leave: () => (end(), scope) })));
    scope.catch(reject);
  });
}

/** Uses a server and tells its address to all processes that begin meanwhile; gives the end of that. */
async function told(options) {
  const { server, leave } = await use(options);
  const variables = server.variables();
  const before = Object.keys(variables).map((variable) => [variable, process.env[variable]]);
  Object.assign(process.env, variables);
  return () => {
    for (const [variable, value] of before) {
      if (value === undefined) delete process.env[variable];
      else process.env[variable] = value;
    }
    return leave();
  };
}
