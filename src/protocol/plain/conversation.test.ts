import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeUtf8, encodeUtf8 } from "../../base/index.ts";
import type { ChatState, Effect, EffectOf, Entry, LeaveReason, SessionId } from "../../chat/index.ts";
import { Story } from "../../../test/support/story.ts";
import type { Secret } from "./commands.ts";
import { PlainConversation, type PlainPort } from "./conversation.ts";
import { PlainRenderer } from "./render.ts";

const MOMENT = { sequence: 9, timeMs: 9000 };
const DO_TIMING_MARK = "\xff\xfd\x06";
const WONT_TIMING_MARK = Uint8Array.of(0xff, 0xfc, 6);

/** Notes what is done through it. */
class FakePort implements PlainPort {
  readonly session: SessionId;
  readonly state: ChatState;
  /** Everything but what is sent, in words. */
  readonly done: string[] = [];
  readonly sent: Uint8Array[] = [];
  readonly secrets: Secret[] = [];
  hasRoom = true;
  mayAskMore = true;
  isVaultFree = true;

  constructor(state: ChatState, session: SessionId) {
    this.state = state;
    this.session = session;
  }

  nameOf(room: number): string {
    return this.state.rooms.get(room)?.name ?? "#?";
  }

  send(bytes: Uint8Array): void {
    this.sent.push(bytes);
  }

  wish({ kind }: { readonly kind: string }): boolean {
    return this.#do(`wish ${kind}`);
  }

  say(kind: string, room: Uint8Array, text: Uint8Array): boolean {
    return this.#do(`${kind} in "${decodeUtf8(room)}": ${decodeUtf8(text)}`);
  }

  leave(reason: LeaveReason, text: Uint8Array): boolean {
    return this.#do(`leave, ${reason}: ${decodeUtf8(text)}`);
  }

  mayAsk(): boolean {
    return this.mayAskMore;
  }

  askVault(question: Secret): boolean {
    if (this.isVaultFree) this.secrets.push(question);
    return this.isVaultFree;
  }

  catchUp(from: number): void {
    this.#do(`catch up from ${from}`);
  }

  #do(what: string): boolean {
    if (this.hasRoom) this.done.push(what);
    return this.hasRoom;
  }

  /** What was sent since the last time. */
  take(): string {
    return this.sent
      .splice(0)
      .map((bytes) => decodeUtf8(bytes))
      .join("");
  }
}

const renderer = new PlainRenderer("chorus", (timeMs) => `at ${timeMs}`);

/** Alice, who runs #lobby and #tea, and speaks in #tea; bob, who is in both; carol, who is in #lobby. */
class Bench {
  readonly story = new Story("alice", "bob", "carol");
  readonly #ports = new Map<string, FakePort>();

  constructor() {
    for (const line of ["process 5 keeps history", "alice joins #tea", "bob joins #tea", "bob joins #lobby"])
      this.story.apply(line);
  }

  port(person: string): FakePort {
    const known = this.#ports.get(person);
    if (known !== undefined) return known;
    const port = new FakePort(this.story.state, this.story.session(person).id);
    this.#ports.set(person, port);
    return port;
  }

  conversation(person: string): PlainConversation {
    return new PlainConversation(this.port(person), renderer);
  }

  /** The first effect of that kind. */
  effect<Kind extends Effect["kind"]>(kind: Kind, what: string): EffectOf<Kind> {
    const found = this.story.apply(what).find((each): each is EffectOf<Kind> => each.kind === kind);
    assert.ok(found !== undefined, `${what} does not bring ${kind}`);
    return found;
  }

  /** The line that a client is told of what happens in public, or none. */
  heard(person: string, effect: Effect, isOrigin = false): string {
    const conversation = this.conversation(person);
    const key = conversation.publicKey(effect, isOrigin);
    if (key === undefined) return "";
    const parts: string[] = [];
    conversation.publicLine({ append: (bytes) => parts.push(decodeUtf8(bytes)) }, effect, MOMENT, key);
    return parts.join("");
  }
}

function type(conversation: PlainConversation, line: string): string {
  const bytes = Uint8Array.from(
    [...line].flatMap((each) =>
      each >= "\x80" && each <= "\xff" ? [each.charCodeAt(0)] : [...encodeUtf8(each)],
    ),
  );
  return conversation.handle(bytes, 0, bytes.length);
}

test("a newcomer arrives, and is shown what was said; a successor needs to know nothing", () => {
  const conversation = new Bench().conversation("bob");
  assert.deepEqual(conversation.greeting, { kind: "arrive", replay: 20 });
  assert.equal(conversation.speaksFirst, false);
  assert.deepEqual([conversation.version, conversation.notes()], [0, new Uint8Array(0)]);
});

test("what somebody types is said where it is, wished, or answered", () => {
  const bench = new Bench();
  const port = bench.port("bob");
  const conversation = bench.conversation("bob");
  const lines = ["hi 小明", "/me waves", "/notice done", "/join #x", "", "/quit see you"];
  for (const line of lines) assert.equal(type(conversation, line), "done", line);
  assert.deepEqual(port.done, [
    'say in "": hi 小明',
    'act in "": waves',
    "wish notice",
    "wish join",
    "leave, quit: see you",
  ]);
  assert.equal(port.take(), "");
  type(conversation, "/help me");
  assert.match(port.take(), /^-- \/me TEXT {2,}says what you do/);
  type(conversation, "/me");
  assert.match(port.take(), /^-- \/me TEXT: says what you do.*\n$/);
  conversation.tooLong();
  assert.match(port.take(), /^-- that line is longer than 4096 bytes and was not sent\n$/);
  assert.equal(port.done.length, 5);
});

test("where the log has no room nothing has happened, and the line comes once more", () => {
  const bench = new Bench();
  const port = bench.port("bob");
  const conversation = bench.conversation("bob");
  port.hasRoom = false;
  for (const line of [`hi${DO_TIMING_MARK}`, "/me waves", "/away", "/quit"])
    assert.equal(type(conversation, line), "full", line);
  assert.deepEqual([port.done, port.sent], [[], []]);
  port.hasRoom = true;
  assert.equal(type(conversation, `hi${DO_TIMING_MARK}`), "done");
  assert.deepEqual(port.done, ['say in "": hi']);
  assert.deepEqual(port.sent, [WONT_TIMING_MARK]);
});

test("who has asked history for much has to wait for the answers", () => {
  const bench = new Bench();
  const port = bench.port("bob");
  const conversation = bench.conversation("bob");
  port.mayAskMore = false;
  for (const line of ["/history", "/search tea"]) {
    assert.equal(type(conversation, line), "done");
    assert.equal(port.take(), "-- wait for the answers to what you have asked\n");
  }
  assert.equal(type(conversation, "/who"), "done");
  assert.deepEqual(port.done, ["wish ask"]);
});

test("passwords go to the vault and nowhere else, for the account or the name of whoever says them", () => {
  const bench = new Bench();
  const port = bench.port("bob");
  const conversation = bench.conversation("bob");
  const say = (line: string): Secret | undefined => {
    assert.equal(type(conversation, line), "done");
    return port.secrets.pop();
  };
  const password = "pa55word";
  assert.deepEqual(say(`/register ${password}`), { kind: "register", account: "bob", password });
  const check = { kind: "check", as: "login", password } as const;
  assert.deepEqual(say(`/identify ${password}`), { ...check, account: "bob" });
  assert.deepEqual(say(`/identify Rob ${password}`), { ...check, account: "Rob" });
  bench.story.apply("account Rob is user");
  bench.story.apply("bob proves Rob");
  assert.equal(bench.story.session("bob").nick, "bob");
  assert.deepEqual(say(`/drop ${password}`), { kind: "drop", account: "Rob", password });
  const change = { kind: "changePassword", account: "Rob", old: password } as const;
  assert.deepEqual(say(`/password ${password} other`), { ...change, password: "other" });
  assert.deepEqual([port.done, port.take()], [[], ""]);
  // What was to be told a service is no whisper.
  for (const line of [`/msg NickServ IDENTIFY ${password}`, "/nick NickServ"]) {
    assert.equal(say(line), undefined);
    assert.equal(port.take(), "-- there is no NickServ here; /register and /identify are for accounts\n");
  }
  assert.deepEqual(port.done, []);
  port.isVaultFree = false;
  assert.equal(say(`/identify ${password}`), undefined);
  assert.equal(port.take(), "-- wait for the answer to what you have asked\n");
});

test("nobody registers a name that the next guest may be given", () => {
  const bench = new Bench();
  for (const line of ["dave is seated", "dave arrives"]) bench.story.apply(line);
  type(bench.conversation("dave"), "/register pa55word");
  const port = bench.port("dave");
  assert.deepEqual([port.secrets, port.take()], [[], "-- choose a name first: /nick NAME\n"]);
});

test("what the vault answers is told; what the log says to it is not told twice", () => {
  const bench = new Bench();
  const port = bench.port("bob");
  const conversation = bench.conversation("bob");
  conversation.vaultAnswered({ kind: "failed", text: "somebody has that name" }, { kind: "register" });
  assert.equal(port.take(), "-- somebody has that name\n");
  for (const kind of ["register", "check"]) conversation.vaultAnswered({ kind: "done" }, { kind });
  assert.equal(port.take(), "");
  conversation.vaultAnswered({ kind: "done" }, { kind: "changePassword" });
  conversation.vaultAnswered({ kind: "done" }, { kind: "drop" });
  assert.equal(port.take(), "-- your password is another one now\n-- the account is gone\n");
  // Asked once more after a death, and it had been done.
  bench.story.apply("account Rob is user");
  bench.story.apply("bob proves Rob");
  const taken = { kind: "failed", text: "somebody has that name" } as const;
  conversation.vaultAnswered(taken, { kind: "register", account: "Rob" });
  assert.equal(port.take(), "");
});

test("who is elsewhere is told where it happens, and nobody is told what stands on its screen", () => {
  const bench = new Bench();
  const said = bench.effect("said", "alice says #tea: hi");
  assert.equal(bench.heard("bob", said), "[#tea] <alice> hi\n");
  assert.equal(bench.heard("alice", said, true), "");
  // Another client of the one who said it.
  assert.equal(bench.heard("alice", said), "<alice> hi\n");
  const topic = bench.effect("topicSet", "alice topic #tea: green");
  assert.equal(bench.heard("alice", topic, true), "-- the topic is now: green (set by alice)\n");
  const renamed = bench.effect("renamed", "carol nick caro");
  assert.equal(bench.heard("bob", renamed), "-- carol is now known as caro\n");
  const described = bench.effect("described", "carol describes caro Carol of London");
  assert.equal(bench.heard("bob", described), "");
  bench.conversation("bob").tell(bench.effect("roomRenamed", "alice renames #tea #cafe no milk"));
  assert.equal(bench.port("bob").take(), "[#cafe] -- alice renamed #tea to #cafe: no milk\n");
  const redacted = bench.effect("redacted", "alice deleted #cafe 7");
  assert.equal(bench.heard("bob", redacted), "[#cafe] -- alice took a message back\n");
  for (const kind of ["tagged", "invited", "accountChanged", "awaySet"] as const)
    assert.equal(bench.conversation("bob").publicKey({ kind }, false), undefined, kind);
});

test("what is for those alone who have a rank is told to nobody else", () => {
  const bench = new Bench();
  const said = bench.effect("said", "carol speaks @#lobby say help");
  assert.equal(bench.heard("bob", said), "");
  assert.equal(bench.heard("alice", said), "[#lobby] <carol> help\n");
  bench.story.apply("alice sets #tea +inviteOnly");
  const knocked = bench.effect("knocked", "carol knocks #tea: please");
  assert.equal(bench.heard("bob", knocked), "");
  assert.equal(bench.heard("alice", knocked), "-- carol asks to be invited (/invite): please\n");
});

test("one of several clients of a person is where that person is", () => {
  const bench = new Bench();
  for (const line of [
    "account Alice is user",
    "alice proves Alice",
    "dave is seated",
    "dave arrives",
    "dave proves Alice",
  ])
    bench.story.apply(line);
  assert.equal(bench.story.session("dave").principal, bench.story.session("alice").id);
  const said = bench.effect("said", "bob says #tea: hi");
  assert.equal(bench.heard("dave", said), "<bob> hi\n");
  bench.story.apply("alice sets #tea +inviteOnly");
  assert.match(bench.heard("dave", bench.effect("knocked", "carol knocks #tea")), /^-- carol asks/);
  type(bench.conversation("dave"), "/identify pa55word");
  assert.equal(bench.port("dave").secrets[0]?.account, "Alice");
});

test("who comes back to what stayed here for it is told what it missed", () => {
  const bench = new Bench();
  for (const line of [
    "persistence on",
    "account Alice is user",
    "alice proves Alice",
    "alice leaves",
    "bob says #tea: hi",
    "dave is seated",
    "dave arrives",
  ])
    bench.story.apply(line);
  const attached = bench.effect("attached", "dave proves Alice");
  assert.ok(attached.missedFrom !== undefined);
  bench.conversation("dave").tell(attached);
  const port = bench.port("dave");
  assert.equal(port.take(), "-- you are logged in as Alice, who is in #lobby, #tea\n");
  assert.deepEqual(port.done, [`catch up from ${attached.missedFrom}`]);
});

test("what is for one alone is sent, and what is for programs is not", () => {
  const bench = new Bench();
  const port = bench.port("bob");
  const conversation = bench.conversation("bob");
  conversation.tell(bench.effect("whispered", "alice whispers bob psst"));
  assert.equal(port.take(), "*alice* psst\n");
  conversation.tell(bench.effect("refused", "bob kicks #lobby alice"));
  assert.equal(port.take(), "-- only those who run #lobby may do that; /who shows them with @\n");
  conversation.tell(bench.effect("flagSet", "bob flags +bot"));
  assert.deepEqual(port.sent, []);
});

test("in the past, what somebody whispered itself is told from what it was told, with an account, too", () => {
  const bench = new Bench();
  bench.story.apply("account Bob2 is user");
  bench.story.apply("bob proves Bob2");
  const { person } = bench.story.session("bob");
  assert.notEqual(person, bench.story.session("bob").id);
  const entry: Entry = {
    sequence: 1,
    timeMs: 1000,
    kind: "whisper",
    rooms: [],
    session: person,
    nick: "bob",
    displayName: "bob",
    peer: { session: 1, nick: "alice", displayName: "alice" },
    text: "psst",
    tags: "",
    account: "Bob2",
    address: "",
  };
  const answer = { entries: [entry], gaps: [], more: false, refusal: undefined };
  const bytes = bench.conversation("bob").answer({ kind: "range", from: 1 }, 5, answer);
  assert.equal(decodeUtf8(bytes), "[at 1000] -> *alice* psst\n");
});

test("the server's own words are lines of its own", () => {
  const conversation = new Bench().conversation("bob");
  assert.equal(decodeUtf8(conversation.notice("hear")), "-- hear\n");
  assert.equal(decodeUtf8(conversation.farewell("it is over")), "-- it is over\n");
  assert.equal(conversation.goodbye(), undefined);
});
