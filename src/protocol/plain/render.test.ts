import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concatBytes, decodeUtf8, encodeUtf8 } from "../../base/index.ts";
import {
  type ChatRecord,
  type ChatState,
  type Effect,
  type EffectOf,
  type RefusalReason,
  type Session,
  apply,
  cleanDisplayName,
  createState,
} from "../../chat/index.ts";
import {
  type NeighbourEffect,
  PlainRenderer,
  type RoomEffect,
  caughtUpNotice,
  cleanText,
  missedNotice,
  parseLine,
  stoppingNotice,
  tooLongNotice,
  tooManyUsers,
} from "./index.ts";

const renderer = new PlainRenderer("chorus", (timeMs) => `time ${timeMs}`);
const nothing = new Uint8Array(0);
const hi = encodeUtf8("hi 👋");

/** A conversation, one record after the other. */
class Conversation {
  readonly state: ChatState = createState();
  #sequence = 0;

  do(record: ChatRecord): readonly Effect[] {
    this.#sequence += 1;
    const process = "session" in record && record.kind !== "seat" ? record.session : 0;
    return apply(this.state, record, process, this.#sequence, this.#sequence * 1000);
  }

  /** The first effect of that kind. */
  effect<Kind extends Effect["kind"]>(kind: Kind, record: ChatRecord): EffectOf<Kind> {
    const effects = this.do(record);
    const found = effects.find((effect): effect is EffectOf<Kind> => effect.kind === kind);
    assert.ok(found !== undefined, `${kind} is not among ${effects.map((effect) => effect.kind).join(", ")}`);
    return found;
  }

  enter(session: number, nick: string, displayName = nick): Session {
    this.do({ kind: "seat", session, process: session, protocol: "plain" });
    this.do({ kind: "arrive", session, replay: 0 });
    this.do({ kind: "nick", session, nick, displayName, derived: nick !== displayName });
    return this.session(session);
  }

  session(id: number): Session {
    return this.state.sessions.get(id)!;
  }

  reply(effect: Parameters<PlainRenderer["reply"]>[0], self: number): string {
    return decodeUtf8(renderer.reply(effect, this.state, self));
  }
}

/** Alice, who runs the lobby and #dev, 小明 and bob, who are in the lobby. */
function conversation(): Conversation {
  const chat = new Conversation();
  chat.enter(1, "alice");
  chat.enter(2, "user", "小明");
  chat.enter(3, "bob");
  chat.do({ kind: "join", session: 1, room: "#dev", replay: 0 });
  return chat;
}

function collect(render: (sink: { append(bytes: Uint8Array): void }) => void): string {
  const parts: Uint8Array[] = [];
  render({ append: (bytes) => parts.push(bytes) });
  return decodeUtf8(concatBytes(parts));
}

function line(effect: RoomEffect, isFocused = true): string {
  return collect((sink) => renderer.line(sink, effect, isFocused));
}

function neighbourLine(effect: NeighbourEffect): string {
  return collect((sink) => renderer.neighbourLine(sink, effect));
}

test("what happens in a room is a line, and elsewhere the same one behind the room's name", () => {
  const chat = conversation();
  const inDev = { session: 1, room: "#dev" };
  const inLobby = { session: 1, room: "#lobby" };
  const text = encodeUtf8("be nice");
  const rank = (mode: "operator" | "voice", on: boolean): RoomEffect =>
    chat.effect("modeSet", { kind: "mode", ...inLobby, mode, on, target: "小明" });
  const set = (mode: "moderated" | "topicLocked" | "secret", on: boolean): RoomEffect =>
    chat.effect("modeSet", { kind: "mode", ...inDev, mode, on, target: "" });
  const restrict = (kind: "ban" | "mute", on: boolean): RoomEffect =>
    chat.effect("restricted", { kind, ...inDev, target: "eve", on });
  const cases: readonly (readonly [RoomEffect, room: string, line: string])[] = [
    [chat.effect("said", { kind: "say", ...inDev, text: hi }), "#dev", "<alice> hi 👋"],
    [chat.effect("acted", { kind: "act", ...inDev, text: hi }), "#dev", "* alice hi 👋"],
    [chat.effect("noticed", { kind: "notice", ...inDev, text: hi }), "#dev", "-alice- hi 👋"],
    [chat.effect("said", { kind: "say", session: 2, room: "", text: nothing }), "#lobby", "<小明> "],
    [chat.effect("joined", { kind: "join", session: 2, room: "#dev", replay: 0 }), "#dev", "-- 小明 joined"],
    [
      chat.effect("parted", { kind: "part", session: 2, room: "#dev", text: nothing }),
      "#dev",
      "-- 小明 left the room",
    ],
    [
      chat.effect("parted", { kind: "part", session: 3, room: "#lobby", text: hi }),
      "#lobby",
      "-- bob left the room: hi 👋",
    ],
    [
      chat.effect("topicSet", { kind: "topic", ...inDev, text: hi }),
      "#dev",
      "-- the topic is now: hi 👋 (set by alice)",
    ],
    [
      chat.effect("topicSet", { kind: "topic", ...inDev, text: nothing }),
      "#dev",
      "-- alice took the topic away",
    ],
    [set("moderated", true), "#dev", "-- alice made the room moderated: only those with a voice may speak"],
    [set("moderated", false), "#dev", "-- alice ended the moderation: everybody may speak"],
    [set("topicLocked", false), "#dev", "-- alice unlocked the topic: everybody may set it"],
    [set("topicLocked", true), "#dev", "-- alice locked the topic: only those who run the room may set it"],
    [set("secret", true), "#dev", "-- alice made the room secret: it is not listed"],
    [set("secret", false), "#dev", "-- alice made the room public: it is listed"],
    [rank("operator", true), "#lobby", "-- alice lets 小明 run the room, too"],
    [rank("operator", false), "#lobby", "-- alice does not let 小明 run the room any more"],
    [rank("voice", true), "#lobby", "-- alice gave 小明 a voice"],
    [rank("voice", false), "#lobby", "-- alice took 小明's voice away"],
    [restrict("ban", true), "#dev", "-- alice banned eve"],
    [restrict("ban", false), "#dev", "-- alice unbanned eve"],
    [restrict("mute", true), "#dev", "-- alice muted eve"],
    [restrict("mute", false), "#dev", "-- alice unmuted eve"],
    [
      chat.effect("kicked", { kind: "kick", ...inLobby, target: "小明", text }),
      "#lobby",
      "-- 小明 was taken out of the room by alice: be nice",
    ],
  ];
  for (const [effect, room, expected] of cases) {
    assert.equal(line(effect), `${expected}\n`);
    assert.equal(line(effect, false), `[${room}] ${expected}\n`);
  }
});

test("who runs a room from now on is told when nobody said so", () => {
  const chat = conversation();
  const heir = chat.effect("modeSet", { kind: "part", session: 1, room: "#lobby", text: nothing });
  assert.equal(line(heir), "-- 小明 runs this room now\n");
  assert.equal(line(heir, false), "[#lobby] -- 小明 runs this room now\n");
});

test("after a change of name the new one stands in front", () => {
  const chat = conversation();
  const say = { kind: "say", session: 1, room: "", text: hi } as const;
  assert.equal(line(chat.effect("said", say)), "<alice> hi 👋\n");
  chat.do({ kind: "nick", session: 1, nick: "al", displayName: "al", derived: false });
  assert.equal(line(chat.effect("said", say)), "<al> hi 👋\n");
});

test("what people say is handed on as it is, behind bytes that are made once", () => {
  const chat = conversation();
  const effect = chat.effect("said", { kind: "say", session: 1, room: "", text: hi });
  const rounds = [true, true, false, false].map((isFocused) => {
    const parts: Uint8Array[] = [];
    renderer.line({ append: (bytes) => parts.push(bytes) }, effect, isFocused);
    return parts;
  });
  const [once, again, aside, asideAgain] = rounds;
  assert.equal(once!.length, 3);
  assert.equal(once![1], hi);
  assert.ok(once!.every((part, index) => part === again![index]));
  assert.equal(aside!.length, 4);
  assert.ok(aside!.every((part, index) => part === asideAgain![index]));
});

test("changes of name and departures are told once, whatever room is shared", () => {
  const chat = conversation();
  const rename = { kind: "nick", session: 3, nick: "user", displayName: "李 娜", derived: true } as const;
  assert.equal(neighbourLine(chat.effect("renamed", rename)), "-- bob is now known as 李 娜 (user2)\n");
  const back = { kind: "nick", session: 3, nick: "bob", displayName: "bob", derived: false } as const;
  assert.equal(neighbourLine(chat.effect("renamed", back)), "-- 李 娜 is now known as bob\n");
  const left = (reason: EffectOf<"left">["reason"], text: Uint8Array): string =>
    neighbourLine({ kind: "left", session: chat.session(3), reason, text });
  assert.equal(left("connection lost", nothing), "-- bob left (connection lost)\n");
  assert.equal(left("hung up", nothing), "-- bob left\n");
  assert.equal(left("too slow", hi), "-- bob left (too slow)\n");
  assert.equal(left("quit", nothing), "-- bob left\n");
  assert.equal(left("quit", hi), "-- bob left: hi 👋\n");
});

test("a newcomer is welcomed, and told where it is", () => {
  const chat = new Conversation();
  const arrive = (session: number): string => {
    chat.do({ kind: "seat", session, process: session, protocol: "plain" });
    const effects = chat.do({ kind: "arrive", session, replay: 0 }) as EffectOf<"arrived" | "joined">[];
    return effects.map((effect) => chat.reply(effect, session)).join("");
  };
  const welcome = (guest: number): string =>
    `-- welcome to chorus, guest${guest}. /help lists the commands.\n-- you are in #lobby.`;
  assert.equal(arrive(1), `${welcome(1)} Nobody else is here. You run it.\n`);
  assert.equal(arrive(2), `${welcome(2)} 1 other here: guest1.\n`);
  chat.do({ kind: "topic", session: 1, room: "", text: encodeUtf8("tea") });
  assert.equal(arrive(3), `${welcome(3)} It is about: tea. 2 others here: guest1, guest2.\n`);
  for (let session = 4; session < 22; session += 1) arrive(session);
  const names = Array.from({ length: 20 }, (_, index) => `guest${index + 1}`).join(", ");
  assert.equal(arrive(22), `${welcome(22)} It is about: tea. 21 others here: ${names}, and 1 more.\n`);
});

test("who does something is told what came of it", () => {
  const chat = conversation();
  const focused = chat.effect("focused", { kind: "join", session: 1, room: "#lobby", replay: 0 });
  assert.equal(chat.reply(focused, 1), "-- you are back in #lobby. 2 others here: 小明, bob. You run it.\n");
  const parted = chat.effect("parted", { kind: "part", session: 1, room: "", text: hi });
  assert.equal(chat.reply(parted, 1), "-- you left #lobby; you are in #dev now\n");
  const last = chat.effect("parted", { kind: "part", session: 1, room: "", text: nothing });
  assert.equal(chat.reply(last, 1), "-- you left #dev; you are in no room now; /join #lobby\n");
  const away = chat.effect("awaySet", { kind: "away", session: 1, text: encodeUtf8("lunch") });
  assert.equal(chat.reply(away, 1), "-- you are marked as away\n");
  const back = chat.effect("awaySet", { kind: "away", session: 1, text: nothing });
  assert.equal(chat.reply(back, 1), "-- you are back\n");
});

test("who is taken out of a room is told by whom, and where it is now", () => {
  const chat = conversation();
  const kick = (target: string, text: Uint8Array): EffectOf<"kicked"> =>
    chat.effect("kicked", { kind: "kick", session: 1, room: "#lobby", target, text });
  assert.equal(
    chat.reply(kick("bob", hi), 3),
    "-- alice took you out of #lobby: hi 👋\n-- you are in no room now; /join #lobby\n",
  );
  chat.do({ kind: "join", session: 2, room: "#dev", replay: 0 });
  assert.equal(
    chat.reply(kick("小明", nothing), 2),
    "-- alice took you out of #lobby\n-- you are in #dev now\n",
  );
});

test("what is whispered is told to both, and that the other is away", () => {
  const chat = conversation();
  const whisper = (to: string): EffectOf<"whispered"> =>
    chat.effect("whispered", { kind: "whisper", session: 1, to, text: hi });
  assert.equal(chat.reply(whisper("小明"), 2), "*alice* hi 👋\n");
  assert.equal(chat.reply(whisper("小明"), 1), "-> *小明* hi 👋\n");
  assert.equal(chat.reply(whisper("alice"), 1), "-> *alice* hi 👋\n");
  chat.do({ kind: "away", session: 2, text: encodeUtf8("lunch") });
  assert.equal(chat.reply(whisper("小明"), 2), "*alice* hi 👋\n");
  assert.equal(chat.reply(whisper("小明"), 1), "-> *小明* hi 👋\n-- 小明 is away: lunch\n");
});

test("who asked is answered", () => {
  const chat = conversation();
  const ask = (question: EffectOf<"replied">["question"], room = "", session = 1): string =>
    chat.reply(chat.effect("replied", { kind: "ask", session, question, room }), session);
  assert.equal(ask("who"), "-- 1 in #dev: @alice\n");
  chat.do({ kind: "mode", session: 1, room: "#lobby", mode: "voice", on: true, target: "bob" });
  chat.do({ kind: "away", session: 2, text: encodeUtf8("lunch") });
  assert.equal(ask("who", "#lobby"), "-- 3 in #lobby: @alice, 小明 (user) [away: lunch], +bob\n");

  assert.equal(ask("topic"), "-- #dev has no topic\n");
  chat.do({ kind: "topic", session: 1, room: "#dev", text: encodeUtf8("tea") });
  assert.match(ask("topic"), /^-- the topic of #dev: tea \(set by alice, time \d+000\)\n$/);

  assert.equal(ask("rooms"), "-- #lobby (3, you are in it)\n-- #dev (1, you are in it): tea\n");
  assert.equal(ask("rooms", "", 2), "-- #lobby (3, you are in it)\n-- #dev (1): tea\n");
  chat.do({ kind: "join", session: 1, room: "#tea", replay: 0 });
  chat.do({ kind: "join", session: 2, room: "#tea", replay: 0 });
  const fullestFirst = ["#lobby (3, you are in it)", "#tea (2)", "#dev (1): tea"];
  assert.equal(ask("rooms", "", 3), fullestFirst.map((room) => `-- ${room}\n`).join(""));
  for (const session of [1, 2]) chat.do({ kind: "part", session, room: "#tea", text: nothing });

  chat.do({ kind: "mode", session: 1, room: "#dev", mode: "secret", on: true, target: "" });
  assert.equal(ask("rooms", "", 2), "-- #lobby (3, you are in it)\n");

  assert.equal(ask("bans"), "-- nobody is banned from #dev\n");
  assert.equal(ask("mutes"), "-- nobody is muted in #dev\n");
  for (const target of ["eve", "mallory"])
    chat.do({ kind: "ban", session: 1, room: "#dev", target, on: true });
  chat.do({ kind: "mute", session: 1, room: "#dev", target: "小明", on: true });
  assert.match(
    ask("bans"),
    /^-- 2 banned from #dev:\n-- eve \(by alice, time \d+\)\n-- mallory \(by alice, time \d+\)\n$/,
  );
  assert.match(ask("mutes"), /^-- 1 muted in #dev:\n-- user \(by alice, time \d+\)\n$/);
});

test("of many rooms the fullest are listed; of those that nobody is in, the ones with a topic", () => {
  const chat = new Conversation();
  for (let session = 1; session <= 6; session += 1) {
    chat.enter(session, `n${session}`);
    for (let room = 0; room < 45; room += 1)
      chat.do({ kind: "join", session, room: `#r${session}-${room}`, replay: 0 });
  }
  const rooms = (session: number): string[] => {
    const asked = chat.effect("replied", { kind: "ask", session, question: "rooms", room: "" });
    return chat.reply(asked, session).split("\n");
  };
  assert.equal(rooms(1).length, 202);
  assert.equal(rooms(1)[0], "-- #lobby (6, you are in it)");
  assert.deepEqual(rooms(1).slice(-2), ["-- and 71 more", ""]);

  const empty = new Conversation();
  empty.enter(1, "alice");
  empty.do({ kind: "topic", session: 1, room: "", text: hi });
  empty.do({ kind: "part", session: 1, room: "", text: nothing });
  const asked = empty.effect("replied", { kind: "ask", session: 1, question: "rooms", room: "" });
  assert.equal(empty.reply(asked, 1), "-- #lobby (0): hi 👋\n");
  empty.do({ kind: "join", session: 1, room: "#lobby", replay: 0 });
  empty.do({ kind: "topic", session: 1, room: "", text: nothing });
  empty.do({ kind: "part", session: 1, room: "", text: nothing });
  const again = empty.effect("replied", { kind: "ask", session: 1, question: "rooms", room: "" });
  assert.equal(empty.reply(again, 1), "-- there are no rooms with anybody in\n");
});

const REFUSALS: Readonly<Record<RefusalReason, readonly [about: string, line: string]>> = {
  nameTaken: ["bob", "the name bob is taken, or looks like one that is"],
  nameMalformed: ["b b", "b b cannot be a name"],
  roomNameTaken: ["#dev", "#dev looks like the name of another room; /rooms lists them"],
  roomNameMalformed: ["#a,b", "#a,b cannot be a room: # and up to 50 letters, digits and -_.+ of any script"],
  noSuchName: ["bob", "nobody here is called bob; /who tells who is here"],
  noSuchRoom: ["#dev", "there is no room #dev; /rooms lists them, and /join makes a new one"],
  noRoom: ["", "you are in no room; /join #lobby"],
  notInRoom: ["#dev", "you are not in #dev; /join #dev"],
  targetNotInRoom: ["bob", "bob is not in this room"],
  notOperator: ["#dev", "only those who run #dev may do that; /who shows them with @"],
  lastOperator: ["#dev", "somebody has to run #dev: /op another first"],
  banned: ["#dev", "you are banned from #dev"],
  muted: ["#dev", "you are muted in #dev"],
  moderated: ["#dev", "#dev is moderated: only those with a voice may speak"],
  tooManyRooms: ["#dev", "there are too many rooms; /part one first"],
  tooManyRestrictions: ["#dev", "#dev has too many bans and mutes; /unban or /unmute somebody first"],
  tooLong: ["400 bytes", "that is too long: at most 400 bytes"],
  notBanned: ["bob", "bob is not banned here; /ban alone lists who is"],
  notMuted: ["bob", "bob is not muted here; /mute alone lists who is"],
  alreadySo: ["#dev", "nothing to change: it is so already for #dev"],
  noHistory: ["", "this server keeps no history"],
};

test("every refusal says what would be right", () => {
  const chat = conversation();
  for (const [reason, [about, expected]] of Object.entries(REFUSALS) as [
    RefusalReason,
    readonly [string, string],
  ][]) {
    const effect: Effect = { kind: "refused", session: chat.session(1), reason, about };
    assert.equal(chat.reply(effect, 1), `-- ${expected}\n`);
  }
});

test("that history fails, and works again, is told to those who run a room", () => {
  const chat = conversation();
  chat.do({ kind: "history", process: 9 });
  const store = (failed: boolean, from: number, to: number, text: string): string =>
    chat.reply(chat.effect("storeChanged", { kind: "store", failed, from, to, text }), 1);
  assert.equal(
    store(true, 0, 0, "history cannot be written: the disk is full"),
    "-- history cannot be written: the disk is full; chat goes on, but what is said is not kept until that is mended\n",
  );
  assert.equal(store(false, 5, 9, ""), "-- history is written again; 5 records are missing\n");
  store(true, 0, 0, "full");
  assert.equal(store(false, 0, 0, ""), "-- history is written again\n");
});

test("notices are whole lines", () => {
  for (const notice of [tooManyUsers, tooLongNotice, stoppingNotice, missedNotice, caughtUpNotice])
    assert.match(decodeUtf8(notice), /^-- [^\n]+\n$/);
  assert.match(decodeUtf8(tooManyUsers), /too many users/);
  assert.match(decodeUtf8(tooLongNotice), /4096 bytes/);
});

/** Who says what how, as a reader would find it out who knows the rules but not who is there. */
function read(line: string): { kind: string; name: string; text: string } | undefined {
  const forms = [
    ["said", /^<([^<>]+)> (.*)$/su],
    ["acted", /^\* (?:"([^"]+)"|([^\s"]+)) (.*)$/su],
    ["noticed", /^-(?:"([^"]+)"|([^\s"]+))- (.*)$/su],
    ["whispered", /^\*(?:"([^"]+)"|([^\s"]+))\* (.*)$/su],
  ] as const;
  const found = forms.flatMap(([kind, form]) => {
    const [, ...groups] = form.exec(line) ?? [];
    const [name, text] = groups.filter((group) => group !== undefined);
    return name === undefined || text === undefined ? [] : [{ kind, name, text }];
  });
  assert.ok(found.length < 2, `${line} can be read in ${found.length} ways`);
  return found[0];
}

/** The names that somebody gets who asks for this one. */
function namesFor(text: string): { nick: string; displayName: string } | undefined {
  const bytes = encodeUtf8(`/nick ${text}`);
  const command = parseLine(cleanText(bytes, 0, bytes.length));
  if (command.kind !== "wish" || command.wish.kind !== "nick") return undefined;
  const { nick, displayName } = command.wish;
  assert.ok(nick === displayName || cleanDisplayName(displayName) === displayName);
  return { nick, displayName };
}

test("nobody can say a line that looks like the server's or another's", () => {
  const tricks = [
    "-",
    "- ",
    "-- bob left",
    "> ",
    "<bob> ",
    "* bob ",
    "*bob* ",
    "-bob- ",
    "-> *bob* ",
    '"',
    '" ',
  ];
  const more = [
    "[#dev] ",
    "[2026-11-25 07:12] ",
    "\n",
    "\r\n",
    "\u2028",
    "é",
    "bob",
    "小 明",
    " ",
    "\t",
    "\u202e",
  ];
  const piece = fc.oneof(fc.constantFrom(...tricks, ...more), fc.string({ unit: "grapheme", maxLength: 4 }));
  const words = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(""));
  const kinds = fc.constantFrom("said", "acted", "noticed", "whispered");
  const chat = conversation();
  const room = chat.state.rooms.get(1)!;
  let named = 0;
  fc.assert(
    fc.property(words, words, kinds, fc.boolean(), (wanted, typed, kind, isFocused) => {
      const names = namesFor(`${wanted}é`) ?? namesFor(wanted);
      if (names === undefined) return;
      named += 1;
      const bytes = encodeUtf8(typed);
      const text = cleanText(bytes, 0, bytes.length);
      const session: Session = { ...chat.session(1), ...names };
      const isWhisper = kind === "whispered";
      const whole = isWhisper
        ? chat.reply({ kind, session, to: chat.session(3), text }, 3)
        : line({ kind: kind as "said", session, room, text }, isFocused);
      assert.equal(whole.indexOf("\n"), whole.length - 1);
      const aside = isFocused || isWhisper ? "" : "[#lobby] ";
      assert.ok(whole.startsWith(aside));
      const bare = whole.slice(aside.length, -1);
      assert.doesNotMatch(bare, /^(-- |-> |\[)/);
      const heard = read(bare);
      assert.ok(heard !== undefined, JSON.stringify(bare));
      assert.equal(heard.kind, kind);
      assert.equal(heard.text, decodeUtf8(text));
      assert.ok(heard.name === names.displayName || heard.name === names.nick);
    }),
    { numRuns: 5000 },
  );
  assert.ok(named > 500, `only ${named} of the names were any`);
});

test("a name with blanks stands in quotes where only a blank would tell where it ends", () => {
  const chat = conversation();
  const room = chat.state.rooms.get(1)!;
  const cases = [
    ["小 明", '* "小 明" waves', '*"小 明"* waves', '-"小 明"- waves'],
    ["- bob é", '* "- bob é" waves', '*"- bob é"* waves', '-"- bob é"- waves'],
    ['a" é', "* user waves", "*user* waves", "-user- waves"],
    ["小明", "* 小明 waves", "*小明* waves", "-小明- waves"],
  ] as const;
  const text = encodeUtf8("waves");
  for (const [displayName, acted, whispered, noticed] of cases) {
    const session: Session = { ...chat.session(1), nick: "user", displayName };
    assert.equal(line({ kind: "acted", session, room, text }), `${acted}\n`);
    assert.equal(line({ kind: "noticed", session, room, text }), `${noticed}\n`);
    assert.equal(line({ kind: "said", session, room, text }), `<${displayName}> waves\n`);
    assert.equal(chat.reply({ kind: "whispered", session, to: chat.session(3), text }, 3), `${whispered}\n`);
    assert.equal(
      chat.reply({ kind: "whispered", session: chat.session(3), to: session, text }, 3),
      `-> ${whispered}\n`,
    );
  }
});
