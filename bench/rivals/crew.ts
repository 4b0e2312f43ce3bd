/*
 * The parent's side of a rival: it gives its members their orders, round after round, and prints what they report.
 * Each rival runs in a parent process of its own, so that none runs on code that another has made hot or slow.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  type News,
  type Post,
  type Report,
  type Role,
  type Round,
  costReport,
  cpuUs,
  nowMs,
  onJsonLines,
} from "./task.ts";

/** What a rival's parent is started with, as its only argument. */
export interface Assignment {
  readonly producers: number;
  readonly consumers: number;
  readonly rounds: readonly Round[];
}

/** Of each round, what everybody reported. */
export type Results = readonly (readonly Report[])[];

/** A member as its parent sees it, process or thread. */
export interface Hand {
  readonly role: Role;
  order(round: Round): void;
  /** Called for everything that the member says. */
  onNews: (news: News) => void;
  end(): Promise<void>;
}

export function posts(assignment: Assignment, more: Pick<Post, "path"> = {}): Post[] {
  const { producers, consumers } = assignment;
  const of = (role: Role, count: number): Post[] =>
    Array.from({ length: count }, (_, index) => ({ role, index, producers, ...more }));
  return [...of("consumer", consumers), ...of("producer", producers)];
}

/** A child whose orders and news are lines (see `standardPort`). */
export function processHand(role: Role, child: ChildProcess): Hand {
  const hand: Hand = {
    role,
    order: (round) => void child.stdin!.write(`${JSON.stringify(round)}\n`),
    onNews: () => undefined,
    end: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, "exit");
      child.kill();
      await exit;
    },
  };
  onJsonLines(child.stdout!, (news) => hand.onNews(news as News));
  return hand;
}

/**
 * @param cpuOfOthersUs what processes use that are neither the parent nor a member
 */
export async function conduct(
  hands: readonly Hand[],
  rounds: readonly Round[],
  cpuOfOthersUs: () => number = () => 0,
): Promise<void> {
  const results: Report[][] = [];
  await all(hands, (news) => "state" in news && news.state === "ready");
  for (const round of rounds) {
    const consumers = hands.filter((hand) => hand.role === "consumer");
    const listening = all(consumers, (news) => "state" in news && news.state === "listening");
    for (const hand of consumers) hand.order(round);
    await listening;
    const startedMs = nowMs();
    const cpuBeforeUs = cpuUs() + cpuOfOthersUs();
    const reports: Report[] = [];
    const reported = all(hands, (news) => {
      if ("report" in news) reports.push(news.report);
      return "report" in news;
    });
    for (const hand of hands) if (hand.role === "producer") hand.order(round);
    await reported;
    reports.push(costReport("parent", startedMs, cpuUs() + cpuOfOthersUs() - cpuBeforeUs));
    results.push(reports);
  }
  for (const hand of hands) await hand.end();
  process.stdout.write(JSON.stringify(results));
}

/** Waits until each of them has said what `isIt` waits for. */
async function all(hands: readonly Hand[], isIt: (news: News) => boolean): Promise<void> {
  await Promise.all(
    hands.map(
      (hand) =>
        new Promise<void>((resolve) => {
          hand.onNews = (news) => {
            if (isIt(news)) resolve();
          };
        }),
    ),
  );
}

/** What this process, a rival's parent, was started for. */
export function assignment(): Assignment {
  return JSON.parse(process.argv[2]!) as Assignment;
}
