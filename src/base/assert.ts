/** Thrown where only a bug of ours can bring us: never for what the world sends. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** Stays on in production: a broken promise must stop the process that broke it before it spreads. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** For the `default` of a switch over a union: the compiler proves that it is never reached. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${String(value)}`);
}
