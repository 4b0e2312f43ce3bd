/*
 * Where the history process looks things up, beside its own thread: a long search keeps nobody's messages from being
 * written. One message asks, one answers.
 */
import { parentPort, workerData } from "node:worker_threads";
import { HistoryReader } from "../history/index.ts";
import { type HistoryQuery, type HistoryResult, answerQuery } from "../server/index.ts";
import { openHistoryReadOnly } from "./historyDatabase.ts";

export interface ThreadQuestion {
  readonly id: number;
  readonly query: HistoryQuery;
}

export interface ThreadAnswer {
  readonly id: number;
  /** Undefined where looking it up failed. */
  readonly result: HistoryResult | undefined;
  /** Why it did. */
  readonly trouble: string | undefined;
}

const reader = new HistoryReader(openHistoryReadOnly(workerData as string));

parentPort!.on("message", ({ id, query }: ThreadQuestion) => {
  parentPort!.postMessage(answerTo(id, query));
});

/** One question that fails takes no other along. */
function answerTo(id: number, query: HistoryQuery): ThreadAnswer {
  try {
    return { id, result: answerQuery(reader, query, Date.now()), trouble: undefined };
  } catch (error) {
    return { id, result: undefined, trouble: (error as Error).message };
  }
}
