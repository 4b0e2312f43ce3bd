/** What keeps a server from starting, in words for who started it. */
export class StartError extends Error {
  override readonly name = "StartError";
}
