import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { HistoryQuery, HistoryResult } from "../server/index.ts";
import type { ThreadAnswer, ThreadQuestion } from "./historyThread.ts";

const THREAD = fileURLToPath(
  new URL(`./historyThread${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url),
);

const UNREADABLE: HistoryResult = {
  through: 0,
  more: false,
  gaps: [],
  entries: [],
  refusal: "the history cannot be read at the moment",
};

/** Questions to the history, answered by a thread of their own. */
export class HistoryQueries {
  readonly #data: string;
  readonly #onTrouble: (text: string) => void;
  readonly #open = new Map<number, (result: HistoryResult) => void>();
  #thread: Worker | undefined;
  #nextId = 1;
  /** What was told last. */
  #told: string | undefined;

  /**
   * @param data the data directory, in which there is a history
   * @param onTrouble told what keeps it from being read
   */
  constructor(data: string, onTrouble: (text: string) => void) {
    this.#data = data;
    this.#onTrouble = onTrouble;
    this.#thread = this.#start();
  }

  ask(query: HistoryQuery, done: (result: HistoryResult) => void): void {
    this.#thread ??= this.#start();
    const id = this.#nextId;
    this.#nextId += 1;
    this.#open.set(id, done);
    const question: ThreadQuestion = { id, query };
    this.#thread.postMessage(question);
  }

  #start(): Worker {
    const thread = new Worker(THREAD, { workerData: this.#data });
    thread.on("message", ({ id, result, trouble }: ThreadAnswer) => {
      const done = this.#open.get(id);
      this.#open.delete(id);
      if (trouble !== undefined) this.#tell(trouble);
      done?.(result ?? UNREADABLE);
    });
    thread.on("error", (error) => this.#tell(error.message));
    thread.on("exit", () => {
      if (this.#thread === thread) this.#thread = undefined;
      const refused = [...this.#open.values()];
      this.#open.clear();
      for (const done of refused) done(UNREADABLE);
    });
    // Whoever asks lives by itself.
    thread.unref();
    return thread;
  }

  /** The same once, until it is something else. */
  #tell(trouble: string): void {
    if (trouble === this.#told) return;
    this.#told = trouble;
    this.#onTrouble(`looking things up failed: ${trouble}`);
  }
}
