/*
 * The history store by itself: how fast it takes messages in, and how soon it answers. Data is made for it, always the
 * same: 200 rooms, 2,000 people, six languages, words by Zipf's law (support/conversation.ts).
 *
 *   npm run bench:history                          10 million messages: about six minutes, and 2 GB beside the
 *                                                  system's temporary files (TMPDIR chooses another place)
 *   npm run bench:history -- --messages 1000000
 *   node bench/history.ts --smallest               20,000 messages: that it works, not how fast
 *
 * Beside it the same data in a plain table that is searched by LIKE, and in SQLite's trigram index, which finds pieces
 * of words: with fewer messages, because they would take too long with more. Each way of searching has to find
 * what the others find. And at the end what a history costs those who talk: the same conversation with it and without.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { formatBytes, seededRandom } from "../src/base/index.ts";
import type { Entry } from "../src/chat/index.ts";
import {
  type Access,
  type Batch,
  FIRST_SEQUENCE,
  HistoryReader,
  HistoryStore,
  parseSearch,
} from "../src/history/index.ts";
import { historyPath, openHistory, openHistoryReadOnly } from "../src/node/historyDatabase.ts";
import { Conversation, ROOMS } from "./support/conversation.ts";
import { compareDeliveryLatency } from "./support/deliveryLatency.ts";
import { describeMachine, formatNumber, formatTable, median, percentile } from "./support/table.ts";

const SEED = 1;
const PAGE_ENTRIES = 50;
const BATCHES = [500, 5000];
/** As the history process does it in quiet moments. */
const MERGE_PAGES = 64;

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "10000000" },
    smallest: { type: "boolean", default: false },
  },
});
const messages = values.smallest ? 20_000 : Number(values.messages);
if (!Number.isSafeInteger(messages) || messages < 2000) {
  console.error("--messages needs a number from 2000 on");
  process.exit(2);
}
const rivalMessages = Math.min(messages, 500_000);
const repetitions = values.smallest ? 5 : 101;

const everything: Access = { session: 1, rooms: Array.from({ length: ROOMS }, (_, index) => index + 1) };
/** Rooms of which little is heard, more of them than the index is asked for at once. */
const quietRooms: Access = { session: 1, rooms: everything.rooms.slice(-20) };

interface Written {
  readonly batch: number;
  readonly messages: number;
  readonly perSecond: number;
  /** Of the processor's time: alike on a machine that does other things, too. */
  readonly perCpuSecond: number;
  readonly worstMs: number;
}

function batchOf(entries: readonly Entry[], isFirst: boolean): Batch {
  const last = entries.at(-1)!;
  const rooms = isFirst ? everything.rooms.map((id) => ({ id, name: `#room${id}` })) : [];
  const none = { state: { put: [], remove: [] }, gaps: [], redacted: [] };
  return { entries, through: last.sequence, throughTimeMs: last.timeMs, rooms, ...none };
}

/** Writes a share of the messages in batches of each size; what it costs to make them up is not counted. */
function fill(store: HistoryStore, conversation: Conversation, count: number): Written[] {
  return BATCHES.map((batch) => {
    const share = count / BATCHES.length;
    let done = 0;
    let tookMs = 0;
    let cpuMs = 0;
    let worstMs = 0;
    while (done < share) {
      const entries = batchOf(conversation.entries(Math.min(batch, share - done)), store.through === 0);
      const startedMs = performance.now();
      const cpuBefore = process.cpuUsage();
      store.write(entries);
      const { user, system } = process.cpuUsage(cpuBefore);
      const batchMs = performance.now() - startedMs;
      tookMs += batchMs;
      cpuMs += (user + system) / 1000;
      worstMs = Math.max(worstMs, batchMs);
      done += entries.entries.length;
    }
    const [perSecond, perCpuSecond] = [(1000 * share) / tookMs, (1000 * share) / cpuMs];
    return { batch, messages: share, perSecond, perCpuSecond, worstMs };
  });
}

interface Answered {
  readonly name: string;
  readonly timesMs: readonly number[];
  readonly hits: number;
}

function measure(name: string, ask: (round: number) => number): Answered {
  const timesMs: number[] = [];
  const hits: number[] = [];
  for (let round = 0; round < repetitions; round += 1) {
    const startedMs = performance.now();
    hits.push(ask(round));
    timesMs.push(performance.now() - startedMs);
  }
  return { name, timesMs, hits: median(hits) };
}

function answeredRow({ name, timesMs, hits }: Answered, unmerged: Answered): string[] {
  const times = [0.5, 0.95, 0.99].map((fraction) => formatNumber(percentile(timesMs, fraction)));
  return [name, ...times, formatNumber(median(unmerged.timesMs)), String(hits)];
}

/** What the history process does when nobody speaks. */
function mergeAll(store: HistoryStore): string {
  const slicesMs: number[] = [];
  for (let hasMore = true; hasMore;) {
    const startedMs = performance.now();
    hasMore = store.merge(MERGE_PAGES);
    slicesMs.push(performance.now() - startedMs);
  }
  const [half, most] = [median(slicesMs), Math.max(...slicesMs)].map(formatNumber);
  return `merged in ${formatNumber(slicesMs.length)} slices, of ${half} ms mostly, ${most} ms at most`;
}

function searching(reader: HistoryReader, access: Access, before: number, texts: readonly string[]) {
  const queries = texts.map((text) => {
    const query = parseSearch(text, 0);
    if ("error" in query) throw new Error(`${text}: ${query.error}`);
    return query;
  });
  return (round: number): number =>
    reader.search(queries[round % queries.length]!, access, before, PAGE_ENTRIES).entries.length;
}

/** Questions of each class; within a class every round asks something else, so that nothing is warm but by luck. */
function ask(reader: HistoryReader, conversation: Conversation): Answered[] {
  const { next } = conversation;
  const random = seededRandom(SEED);
  const places = Array.from({ length: repetitions }, () => random.between(FIRST_SEQUENCE, next));
  const many = (text: (index: number) => string): string[] =>
    Array.from({ length: repetitions }, (_, i) => text(i));
  const day = (fraction: number): string =>
    new Date(conversation.timeMsOf(FIRST_SEQUENCE + (next - FIRST_SEQUENCE) * fraction)).toISOString();
  const search = (name: string, texts: readonly string[], access: Access = everything): Answered =>
    measure(`search ${name}`, searching(reader, access, next, texts));
  const { word, nick, pair } = {
    word: (rank: number) => conversation.word(rank),
    nick: (rank: number) => conversation.nick(rank),
    pair: (first: number, second: number) => conversation.pair(first, second),
  };
  return [
    measure(
      "last 50 of a busy room, at its end",
      () => reader.last(1, next, PAGE_ENTRIES, "messages").entries.length,
    ),
    measure(
      "last 50 of any room, anywhere",
      (round) => reader.last(1 + (round % ROOMS), places[round]!, PAGE_ENTRIES, "all").entries.length,
    ),
    measure(
      "range of 500, from anywhere, 200 rooms",
      (round) => reader.range(everything, places[round]!, next, 500, 1_000_000).entries.length,
    ),
    measure(
      "range of 500, from anywhere, 3 quiet rooms",
      (round) =>
        reader.range({ session: 1, rooms: [150, 160, 170] }, places[round]!, next, 500, 1_000_000).entries
          .length,
    ),
    search(
      "rare word",
      many((i) => word(40_000 + i * 7)),
    ),
    search(
      "word of the middle",
      many((i) => word(300 + i)),
    ),
    search("the", ["the"]),
    search(
      "two common words",
      many((i) => `the ${word(i % 10)}`),
    ),
    search(
      "common and rare word",
      many((i) => `the ${word(40_000 + i * 7)}`),
    ),
    search(
      "phrase of common words",
      many((i) => `"the ${word(i % 10)}"`),
    ),
    search(
      "phrase of common words that hardly ever meet",
      many((i) => `"${word(100 + i)} the ${word(i)}"`),
    ),
    search(
      "two Chinese characters",
      many((i) => pair(i % 20, (i * 7) % 30)),
    ),
    search(
      "two rare Chinese characters",
      many((i) => pair(1500 + i, 1700 + i)),
    ),
    search(
      "one Chinese character",
      many((i) => pair(i, i).slice(0, 1)),
    ),
    search(
      "from: somebody",
      many((i) => `from:${nick(i)}`),
    ),
    search(
      "from: somebody, with a word",
      many((i) => `from:${nick(100 + i)} the`),
    ),
    search(
      "in: a quiet room, the",
      many((i) => `in:#room${100 + (i % 100)} the`),
    ),
    search("before: the middle, the", [`the before:${day(0.5)}`]),
    search(
      "within a hundredth, the",
      many((i) => `the after:${day(0.009 * (i % 100))} before:${day(0.009 * (i % 100) + 0.01)}`),
    ),
    search(
      "from:, in:, before:, after: together",
      many(
        (i) => `${word(i)} from:${nick(i % 20)} in:#room${1 + (i % 5)} after:${day(0.1)} before:${day(0.9)}`,
      ),
    ),
    search(
      "the, without a common word",
      many((i) => `the -${word(i)}`),
    ),
    search("the, for who is in 20 quiet rooms", ["the"], quietRooms),
    search(
      "rare word, for who is in 20 quiet rooms",
      many((i) => word(40_000 + i * 7)),
      quietRooms,
    ),
    search(
      "nothing is found",
      many((i) => `the zzz${i}`),
    ),
  ];
}

interface Way {
  readonly name: string;
  readonly perSecond: number;
  readonly bytes: number;
  readonly find: (text: string) => number[];
}

/** A plain table, and beside it what the ways differ in. */
function rival(
  directory: string,
  name: string,
  schema: string,
  insert: string,
  select: string,
  like: (text: string) => string,
): Way {
  const file = join(directory, `${name.replaceAll(/\W/g, "")}.sqlite`);
  const database = new DatabaseSync(file);
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
    CREATE TABLE message (sequence INTEGER PRIMARY KEY, time_ms INTEGER, room INTEGER, nick TEXT, text TEXT);
    ${schema}`);
  const message = database.prepare("INSERT INTO message VALUES (?, ?, ?, ?, ?)");
  const index = insert === "" ? undefined : database.prepare(insert);
  const conversation = new Conversation(SEED);
  let tookMs = 0;
  for (let done = 0; done < rivalMessages; done += BATCHES[1]!) {
    const entries = conversation.entries(Math.min(BATCHES[1]!, rivalMessages - done));
    const startedMs = performance.now();
    database.exec("BEGIN IMMEDIATE");
    for (const { sequence, timeMs, rooms, nick, text } of entries) {
      message.run(sequence, timeMs, rooms[0]!, nick, text);
      index?.run(sequence, text);
    }
    database.exec("COMMIT");
    tookMs += performance.now() - startedMs;
  }
  const found = database.prepare(select);
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  return {
    name,
    perSecond: (1000 * rivalMessages) / tookMs,
    bytes: statSync(file).size,
    find: (text) => found.all(like(text), PAGE_ENTRIES).map((row) => Number(row["sequence"])),
  };
}

function ours(directory: string): Way {
  const database = openHistory(directory);
  const written = fill(new HistoryStore(database), new Conversation(SEED), rivalMessages);
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  const reader = new HistoryReader(openHistoryReadOnly(directory));
  return {
    name: "this store",
    perSecond: written.at(-1)!.perSecond,
    bytes: statSync(historyPath(directory)).size,
    find: (text) => {
      const query = parseSearch(text, 0);
      if ("error" in query) throw new Error(query.error);
      const { entries } = reader.search(query, everything, Number.MAX_SAFE_INTEGER, PAGE_ENTRIES);
      return entries.map(({ sequence }) => sequence).toReversed();
    },
  };
}

function compare(directory: string): string {
  const ways = [
    ours(directory),
    rival(
      directory,
      "plain table, LIKE",
      "",
      "",
      "SELECT sequence FROM message WHERE text LIKE ? ORDER BY sequence DESC LIMIT ?",
      (text) => `%${text}%`,
    ),
    rival(
      directory,
      "trigram index",
      "CREATE VIRTUAL TABLE pieces USING fts5(text, content = 'message', content_rowid = 'sequence', " +
        "tokenize = 'trigram')",
      "INSERT INTO pieces (rowid, text) VALUES (CAST(? AS INTEGER), ?)",
      "SELECT rowid AS sequence FROM pieces WHERE text LIKE ? ORDER BY rowid DESC LIMIT ?",
      (text) => `%${text}%`,
    ),
  ];
  const conversation = new Conversation(SEED);
  // Pieces of words are found by the rivals alone: "the" as a word of its own is what all can be asked for.
  const questions = [
    ["a rare word", conversation.word(40_007)],
    ["two Chinese characters", conversation.pair(3, 5)],
    ["two rare Chinese characters", conversation.pair(1500, 1700)],
    ["a word that is nowhere", "zzzzzz"],
  ] as const;
  const timed = ways.map((way) =>
    questions.map(([name, text]) => {
      const answer = measure(name, () => way.find(text).length);
      return formatNumber(median(answer.timesMs));
    }),
  );
  for (const [name, text] of questions) {
    const [expected, ...others] = ways.map((way) => way.find(text));
    const missing = others.filter((found) => expected!.some((sequence) => !found.includes(sequence)));
    if (missing.length > 0 && expected!.length < PAGE_ENTRIES)
      throw new Error(`${name} (${text}): not all ways find what this store finds`);
  }
  return formatTable(
    [
      `${formatNumber(rivalMessages)} messages`,
      "messages/s",
      "on disk",
      ...questions.map(([name]) => `${name}, p50 ms`),
    ],
    ways.map((way, index) => [
      way.name,
      formatNumber(way.perSecond),
      formatBytes(way.bytes),
      ...timed[index]!,
    ]),
  );
}

const directory = mkdtempSync(join(tmpdir(), "chorus-bench-"));
try {
  console.log(describeMachine());
  const conversation = new Conversation(SEED);
  const database = openHistory(directory);
  const written = fill(new HistoryStore(database), conversation, messages);
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
  const bytes = statSync(historyPath(directory)).size;
  console.log(
    `${formatNumber(messages)} messages: ${formatBytes(bytes)}, ${formatNumber(bytes / messages)} bytes each\n`,
  );
  console.log(
    formatTable(
      [
        "written in batches of",
        "messages",
        "messages/s",
        "per second of processor time",
        "slowest batch, ms",
      ],
      written.map((each) => [
        String(each.batch),
        formatNumber(each.messages),
        formatNumber(each.perSecond),
        formatNumber(each.perCpuSecond),
        formatNumber(each.worstMs),
      ]),
    ),
  );
  const startedMs = performance.now();
  const store = openHistory(directory);
  const writer = new HistoryStore(store);
  const { through } = writer;
  const openedMs = performance.now() - startedMs;
  if (through !== conversation.next - 1) throw new Error(`history goes through ${through}`);
  const reader = new HistoryReader(openHistoryReadOnly(directory));
  const readyMs = performance.now() - startedMs;
  console.log(
    `\nopened for writing in ${formatNumber(openedMs)} ms, and for reading in ${formatNumber(readyMs - openedMs)} ms\n`,
  );
  const unmerged = ask(reader, conversation);
  console.log(`${mergeAll(writer)}\n`);
  const headings = ["", "p50 ms", "p95 ms", "p99 ms", "p50 ms before merging", "entries given"];
  const rows = ask(reader, conversation).map((answered, at) => answeredRow(answered, unmerged[at]!));
  console.log(formatTable(headings, rows));
  store.close();
} finally {
  rmSync(directory, { recursive: true });
}
const rivals = mkdtempSync(join(tmpdir(), "chorus-bench-"));
try {
  console.log(`\n${compare(rivals)}`);
} finally {
  rmSync(rivals, { recursive: true });
}
const [rounds, seconds] = values.smallest ? [1, 1] : [5, 10];
console.log(`\n${await compareDeliveryLatency(rounds, seconds)}`);
