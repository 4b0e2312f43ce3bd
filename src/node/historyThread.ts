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
  readonly result: HistoryResult;
}

const reader = new HistoryReader(openHistoryReadOnly(workerData as string));

parentPort!.on("message", ({ id, query }: ThreadQuestion) => {
  const answer: ThreadAnswer = { id, result: answerQuery(reader, query, Date.now()) };
  parentPort!.postMessage(answer);
});
