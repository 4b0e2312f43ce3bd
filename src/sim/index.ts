export { type Report, World, type WorldOptions } from "./world.ts";
