import assert from "node:assert/strict";
import { test } from "node:test";
import { TestHistory } from "../../test/support/history.ts";
import { type ChatState, apply, createState, restorePieces } from "../chat/index.ts";
import { FIRST_SEQUENCE } from "../history/index.ts";
import { decode, encode } from "../record/index.ts";
import { Importer, importDirectly } from "./importer.ts";
import type { HistoryPorts, ImportLines } from "./ports.ts";
import { type SeatMessage, decodeSeatMessage, encodeSeatMessage } from "./seatMessage.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const HISTORY_PROCESS = 3;

/** A file with one message in each of these rooms. */
function fileOf(...rooms: string[]): ImportLines & { isClosed: boolean } {
  const lines = rooms.map((room, index) =>
    JSON.stringify({
      sequence: index + 1,
      time: "2020-01-01T00:00:00.000Z",
      kind: "say",
      rooms: [room],
      session: 9,
      nick: "old",
      displayName: "old",
      text: `in ${room}`,
    }),
  );
  return {
    isClosed: false,
    [Symbol.iterator]: () => lines.values(),
    close() {
      this.isClosed = true;
    },
  };
}

/** A history process's importer, a state, and the log between them. */
class World implements Disposable {
  readonly history: TestHistory = new TestHistory();
  readonly state: ChatState = createState();
  readonly sent: SeatMessage[] = [];
  readonly found: string[] = [];
  readonly importer: Importer;
  file: ReturnType<typeof fileOf>;

  constructor(...rooms: string[]) {
    this.file = fileOf(...rooms);
    apply(this.state, { kind: "history", process: HISTORY_PROCESS }, 0, 1, 0);
    const ports = {
      store: this.history.store,
      now: () => NOW_MS,
      openLines: () => this.file,
      wake: () => undefined,
      send: (message: SeatMessage) => this.sent.push(decodeSeatMessage(encodeSeatMessage(message))),
    };
    this.importer = new Importer(ports as unknown as HistoryPorts, {
      state: () => this.state,
      find: (name) => this.found.push(name),
    });
    this.importer.begin(1, "/file");
  }

  /** The log brings the records of the rooms back. */
  bring(): void {
    for (const room of this.found.splice(0)) {
      apply(this.state, { kind: "found", room }, HISTORY_PROCESS, 10, 0);
      this.importer.heard();
    }
  }

  /** As it is where others need the place. */
  forget(name: string): void {
    const id = this.state.roomNames.ownerOf(name)!;
    this.state.roomNames.release(name, id);
    this.state.rooms.delete(id);
  }

  steps(count: number): void {
    for (let step = 0; step < count; step += 1) this.importer.step();
  }

  [Symbol.dispose](): void {
    this.history[Symbol.dispose]();
  }
}

test("a running server's rooms are made through the log before anything is stored", () => {
  using world = new World("#lobby", "#garden", "#GARDEN", "#shed");
  world.steps(10);
  assert.deepEqual(world.found, ["#garden", "#shed"]);
  assert.equal(world.history.counts()["entry"], 0, "nothing is stored before the rooms are there");
  world.bring();
  world.steps(10);
  assert.deepEqual(world.sent, [{ type: "imported", id: 1, stored: 4, skipped: 0, renumbered: false }]);
  assert.ok(world.file.isClosed);
  const garden = [...world.state.rooms.values()].find(({ name }) => name === "#garden")!;
  assert.equal(world.history.store.roomNamed("#garden"), garden.id);
  assert.equal(garden.emptySince, 10);
});

test("a room that cannot be made ends an import before any has been made", () => {
  using world = new World("#garden", "#a b");
  world.steps(10);
  assert.deepEqual(world.found, []);
  const [failure] = world.sent;
  assert.ok(failure?.type === "importFailed");
  assert.match(
    failure.text,
    /^line 2 names the room #a b, which cannot be made: .*; nothing has been imported$/,
  );
  assert.ok(world.file.isClosed);
});

test("rooms that others took meanwhile end an import with a sentence", () => {
  using world = new World("#garden");
  world.steps(2);
  // Every place was taken before the record came.
  for (let room = 0; room < 5000; room += 1)
    apply(world.state, { kind: "found", room: `#room-${room}` }, HISTORY_PROCESS, 5, 0);
  assert.equal(world.state.rooms.size, 4096);
  world.bring();
  world.steps(2);
  const [failure] = world.sent;
  assert.ok(failure?.type === "importFailed");
  assert.match(
    failure.text,
    /^line 1 names the room #garden, which cannot be made: there would be more than 4096 rooms/,
  );
});

test("names in another spelling are the room's, whether it is there or not", () => {
  using world = new World("#straße", "#strasse", "#ＬＯＢＢＹ");
  world.steps(3);
  assert.deepEqual(world.found, ["#strasse"]);
  world.bring();
  world.steps(3);
  assert.deepEqual(world.sent, [{ type: "imported", id: 1, stored: 3, skipped: 0, renumbered: false }]);
});

test("a room that is forgotten while its messages are stored keeps them", () => {
  using world = new World("#garden", ...Array.from({ length: 600 }, () => "#lobby"), "#garden");
  world.steps(2);
  world.bring();
  world.steps(1);
  assert.equal(world.history.counts()["entry"], 500);
  world.forget("#garden");
  world.steps(2);
  assert.deepEqual(world.sent, [{ type: "imported", id: 1, stored: 602, skipped: 0, renumbered: false }]);
});

test("a room that is forgotten before anything is stored ends an import with a sentence", () => {
  using world = new World("#garden");
  world.steps(2);
  world.bring();
  world.forget("#garden");
  world.steps(2);
  const [failure] = world.sent;
  assert.ok(failure?.type === "importFailed");
  assert.match(failure.text, /^line 1 names the room #garden, .*: it was forgotten again at once; nothing/);
});

test("of two rooms that look alike, neither gets entries", () => {
  // The second one is Cyrillic.
  const alike = ["#cop", "#сор"] as const;
  const reason = /line 2 names the room #сор, .*: #сор is too much like the name of another room/;
  using world = new World(...alike);
  world.steps(2);
  world.bring();
  world.steps(2);
  const [failure] = world.sent;
  assert.ok(failure?.type === "importFailed");
  assert.match(failure.text, reason);
  using history = new TestHistory();
  const before = history.counts();
  assert.throws(() => Array.from(importDirectly(history.store, fileOf(...alike), NOW_MS)), reason);
  assert.deepEqual(history.counts(), before);
});

test("one import at a time; one that is stopped makes place for the next", () => {
  using world = new World("#lobby");
  world.importer.begin(2, "/other");
  assert.deepEqual(world.sent.shift(), {
    type: "importFailed",
    id: 2,
    text: "another import is under way; try again later",
  });
  world.importer.stop("enough");
  assert.deepEqual(world.sent.shift(), { type: "importFailed", id: 1, text: "enough" });
  world.importer.begin(3, "/file");
  world.steps(10);
  assert.equal(world.sent.at(-1)?.type, "imported");
});

test("only the history process finds rooms, and none twice", () => {
  const state = createState();
  apply(state, { kind: "history", process: HISTORY_PROCESS }, 0, 1, 0);
  const { changes } = state;
  for (const [room, process] of [
    ["#garden", 0],
    ["#garden", 4],
    ["#LOBBY", HISTORY_PROCESS],
    ["garden", HISTORY_PROCESS],
    ["", HISTORY_PROCESS],
  ] as const)
    assert.deepEqual(apply(state, { kind: "found", room }, process, 2, 0), []);
  assert.equal(state.changes, changes);
  const { kind, payload } = encode({ kind: "found", room: "#Garden" });
  const record = decode(kind, payload, 0, payload.length);
  assert.deepEqual(record, { kind: "found", room: "#Garden" });
  assert.equal(decode(kind, payload, 0, payload.length - 1), undefined);
  apply(state, record!, HISTORY_PROCESS, 7, 0);
  apply(state, record!, HISTORY_PROCESS, 8, 0);
  assert.deepEqual(
    [...state.rooms.values()].map(({ id, name, emptySince }) => [id, name, emptySince]).slice(1),
    [[2, "#garden", 7]],
  );
});

test("without a server, rooms get ids with which the next server goes on", () => {
  using history = new TestHistory();
  const steps = importDirectly(history.store, fileOf("#garden", "#lobby", "#shed"), NOW_MS);
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  assert.deepEqual(step.value, { stored: 3, skipped: 0, renumbered: false });
  assert.equal(history.store.through, FIRST_SEQUENCE - 1);
  const state = restorePieces(history.store.loadState());
  assert.deepEqual(
    [...state.rooms.values()].map(({ id, name }) => [id, name]),
    [
      [1, "#lobby"],
      [2, "#garden"],
      [3, "#shed"],
    ],
  );
  assert.equal(state.nextRoom, 4);
  assert.equal(history.store.roomNamed("#shed"), 3);
});

test("without a server, a room that cannot be made ends an import before anything is changed", () => {
  using history = new TestHistory();
  const before = history.counts();
  const refused = importDirectly(history.store, fileOf("#garden", "#b,c"), NOW_MS);
  assert.throws(() => Array.from(refused), /line 2 names the room #b,c, which cannot be made/);
  assert.deepEqual(history.counts(), before);
});
