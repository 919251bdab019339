/** How to tell that a server is ready: as text, or as an object with the details. */
export type Check = string | HttpCheck | { tcp: string } | { unix: string };

/** GET of one page: `http://host:port/path`, or over a Unix socket `http+unix:/path:/page`. */
export interface HttpCheck {
  http: string;
  /** The codes that count as ready: `200`, `"200-299"`, or a list of these. */
  status?: number | string | (number | string)[];
  /** Fields, dotted where nested, and the values they must have; `"auto"` (the default) reads a text `status`, `false` ignores the body. */
  json?: 'auto' | false | Record<string, unknown>;
}

/** A failed call: a code, a text for people, and the facts behind it. */
export declare class SpawnlockError extends Error {
  constructor(failure: Failure);
}
export interface SpawnlockError extends Omit<Failure, 'cause'> {}
