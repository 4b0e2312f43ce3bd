export { Killed, Lifetime, WatchedWords } from "./watchedWords.ts";
export { type Report, World, type WorldOptions } from "./world.ts";
