import type { StoreState } from "../chat/index.ts";
import type { Role } from "./ports.ts";

/** How a server is doing, as far as the supervisor knows. */
export interface SupervisorStatus {
  clients: number;
  greeting: number;
  waiting: number;
  /** `version`: of the program that it runs; empty until it is ready. */
  processes: { process: number; role: Role; version: string; ready: boolean; clients: number }[];
  stopping: boolean;
  /** Whether what is said is kept, as the history process says; "none": by nobody, or it has not said anything yet. */
  history: StoreState;
}
