import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeUtf8, encodeUtf8 } from "../../base/index.ts";
import {
  type ChatRecord,
  type EffectOf,
  type RestrictionKind,
  type RoomFlag,
  type Session,
  cleanDisplayName,
} from "../../chat/index.ts";
import {
  HISTORY,
  conversation,
  hi,
  line,
  nothing,
  renderer,
  spoken,
  whispered,
} from "../../../test/support/plainChat.ts";
import { parseLine } from "./commands.ts";
import {
  type NeighbourEffect,
  type RedactedEffect,
  type RoomEffect,
  caughtUpNotice,
  missedNotice,
  stoppingNotice,
  tooLongNotice,
  tooManyUsers,
} from "./render.ts";
import { cleanText } from "./text.ts";

/** As clients of IRC hand it on: formatted, with a screen to be cleared, text to be turned around, another line. */
const HOSTILE = encodeUtf8("\u0002be\u0002 \u000304,01nice\u0003\u001b[2J\u009b\u202e");
const HARMLESS = "be nice\ufffd[2J\ufffd\ufffd";

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

test("what a room has, and what it is called, is told like what it is", () => {
  const chat = conversation();
  const inDev = { session: 1, room: "#dev" };
  const set = (setting: "key" | "limit" | "slowSeconds", value: string): RoomEffect =>
    chat.effect("settingSet", { kind: "set", ...inDev, setting, value });
  const mask = (list: RestrictionKind, on: boolean): RoomEffect =>
    chat.effect("restricted", { kind: "mask", ...inDev, list, mask: "eve!*@*", on });
  const flag = (mode: RoomFlag, on: boolean): RoomEffect =>
    chat.effect("modeSet", { kind: "mode", ...inDev, mode, on, target: "" });
  const cases: readonly (readonly [RoomEffect, line: string])[] = [
    [set("key", "sesame"), "alice put a key on the room"],
    [set("key", ""), "alice took the key off"],
    [set("limit", "5"), "alice lets 5 in at most"],
    [set("limit", ""), "alice ended the limit"],
    [set("slowSeconds", "30"), "alice lets everybody speak once in 30 seconds"],
    [set("slowSeconds", "1"), "alice lets everybody speak once in 1 second"],
    [set("slowSeconds", ""), "alice ended the slow mode"],
    [mask("ban", true), "alice banned eve!*@*"],
    [mask("mute", true), "alice muted eve!*@*"],
    [mask("exception", true), "alice made an exception for eve!*@*"],
    [mask("exception", false), "alice made an exception for eve!*@* no more"],
    [mask("invitation", true), "alice lets eve!*@* enter without an invitation"],
    [mask("invitation", false), "alice does not let eve!*@* enter without an invitation any more"],
    [flag("membersOnly", false), "alice lets those speak who are not in the room"],
    [flag("accountsOnly", true), "alice lets only those enter who have an account"],
    [flag("accountsSpeak", true), "alice lets only those speak who have an account"],
    [flag("noCtcp", true), "alice lets nobody send requests to programs"],
    [flag("inviteOnly", true), "alice made the room one for the invited: nobody else may enter"],
    [
      chat.effect("knocked", { kind: "knock", session: 3, room: "#dev", text: hi }),
      "bob asks to be invited (/invite): hi 👋",
    ],
  ];
  for (const [effect, expected] of cases) {
    assert.equal(line(effect), `-- ${expected}\n`);
    assert.equal(line(effect, false), `[#dev] -- ${expected}\n`);
  }
  const rename = { kind: "renameRoom", session: 1, room: "#dev", to: "#tea", text: nothing } as const;
  const renamed = (wish: ChatRecord, isFocused: boolean): string =>
    decodeUtf8(renderer.renamedLine(chat.effect("roomRenamed", wish), isFocused));
  assert.equal(renamed(rename, false), "[#tea] -- alice renamed #dev to #tea\n");
  const said = chat.effect("said", { kind: "say", session: 1, room: "#tea", text: hi });
  assert.equal(line(said, false), "[#tea] <alice> hi 👋\n");
  const back = { ...rename, room: "#tea", to: "#dev", text: HOSTILE };
  assert.equal(renamed(back, true), `-- alice renamed #tea to #dev: ${HARMLESS}\n`);
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
  assert.equal(line(chat.effect("renamed", rename)), "-- bob is now known as 李 娜 (user2)\n");
  const back = { kind: "nick", session: 3, nick: "bob", displayName: "bob", derived: false } as const;
  assert.equal(line(chat.effect("renamed", back)), "-- 李 娜 is now known as bob\n");
  const left = (reason: EffectOf<"left">["reason"], text: Uint8Array): string =>
    line({ kind: "left", session: chat.session(3), reason, text });
  assert.equal(left("connection lost", nothing), "-- bob left (connection lost)\n");
  assert.equal(left("hung up", nothing), "-- bob left\n");
  assert.equal(left("too slow", hi), "-- bob left (too slow)\n");
  assert.equal(left("quit", nothing), "-- bob left\n");
  assert.equal(left("quit", hi), "-- bob left: hi 👋\n");
});

test("a text of several lines is several, each as if it were alone", () => {
  const chat = conversation();
  const text = encodeUtf8("one\n\n-- bob left");
  const say = (kind: "say" | "act" | "notice"): ChatRecord => ({ kind, session: 1, room: "#dev", text });
  const said = chat.effect("said", say("say"));
  assert.equal(line(said), "<alice> one\n<alice> \n<alice> -- bob left\n");
  assert.equal(line(said, false), "[#dev] <alice> one\n[#dev] <alice> \n[#dev] <alice> -- bob left\n");
  assert.equal(line(chat.effect("acted", say("act"))), "* alice one\n* alice \n* alice -- bob left\n");
  assert.equal(line(chat.effect("noticed", say("notice"))), "-alice- one\n-alice- \n-alice- -- bob left\n");
  const whisper = whispered(chat.session(1), chat.session(3), encodeUtf8("one\n*eve* two"));
  assert.equal(chat.reply(whisper, 3), "*alice* one\n*alice* *eve* two\n");
  assert.equal(chat.reply(whisper, 1), "-> *bob* one\n-> *bob* *eve* two\n");
});

test("wherever what other clients have said is shown, it is harmless", () => {
  const chat = conversation();
  const inDev = { session: 1, room: "#dev", text: HOSTILE } as const;
  chat.do({ kind: "join", session: 3, room: "#dev", replay: 0 });
  assert.equal(line(chat.effect("said", { kind: "say", ...inDev })), `<alice> ${HARMLESS}\n`);
  const topic = chat.effect("topicSet", { kind: "topic", ...inDev });
  assert.equal(line(topic), `-- the topic is now: ${HARMLESS} (set by alice)\n`);
  const focused = chat.effect("focused", { kind: "join", session: 1, room: "#dev", replay: 0 });
  assert.ok(chat.reply(focused, 1).includes(` It is about: ${HARMLESS}. `));
  const ask = (question: "topic" | "rooms" | "who"): string =>
    chat.reply(chat.effect("replied", { kind: "ask", session: 1, question, room: "" }), 1);
  assert.ok(ask("topic").startsWith(`-- the topic of #dev: ${HARMLESS} (`));
  assert.ok(ask("rooms").includes(`: ${HARMLESS}\n`));
  chat.do({ kind: "away", session: 3, text: HOSTILE });
  assert.ok(ask("who").includes(`bob [away: ${HARMLESS}]`));
  const whisper = chat.effect("whispered", { kind: "whisper", session: 1, to: "bob", text: HOSTILE });
  assert.equal(chat.reply(whisper, 3), `*alice* ${HARMLESS}\n`);
  assert.equal(chat.reply(whisper, 1), `-> *bob* ${HARMLESS}\n-- bob is away: ${HARMLESS}\n`);
  const kicked = chat.effect("kicked", { kind: "kick", ...inDev, target: "bob" });
  assert.equal(line(kicked), `-- bob was taken out of the room by alice: ${HARMLESS}\n`);
  assert.ok(chat.reply(kicked, 3).startsWith(`-- alice took you out of #dev: ${HARMLESS}\n-- `));
  const parted = chat.effect("parted", { kind: "part", session: 3, room: "#lobby", text: HOSTILE });
  assert.equal(line(parted), `-- bob left the room: ${HARMLESS}\n`);
  const left: NeighbourEffect = { kind: "left", session: chat.session(3), reason: "quit", text: HOSTILE };
  assert.equal(line(left), `-- bob left: ${HARMLESS}\n`);
  const by = chat.session(1);
  assert.equal(
    chat.reply({ kind: "killed", session: chat.session(3), by, text: HOSTILE }, 3),
    `-- alice threw you out: ${HARMLESS}\n`,
  );
  assert.equal(
    chat.reply({ kind: "announced", session: by, text: HOSTILE }, 3),
    `-- alice to all: ${HARMLESS}\n`,
  );
});

test("that a message is taken back is told where it was, or to both of a whisper", () => {
  const chat = conversation();
  chat.do({ kind: "history", process: HISTORY });
  const redact = (room: number, peer: number): RedactedEffect =>
    chat.effect("redacted", { kind: "redacted", session: 1, room, peer, message: 7, text: "" });
  const inDev = redact(chat.session(1).focus, 0);
  assert.equal(line(inDev), "-- alice took a message back\n");
  assert.equal(line(inDev, false), "[#dev] -- alice took a message back\n");
  for (const self of [1, 2]) assert.equal(chat.reply(redact(0, 2), self), "-- alice took a message back\n");
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
        ? chat.reply(whispered(session, chat.session(3), text), 3)
        : line(spoken(kind as "said", session, room, text), isFocused);
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
  for (const [displayName, acted, heard, noticed] of cases) {
    const session: Session = { ...chat.session(1), nick: "user", displayName };
    assert.equal(line(spoken("acted", session, room, text)), `${acted}\n`);
    assert.equal(line(spoken("noticed", session, room, text)), `${noticed}\n`);
    assert.equal(line(spoken("said", session, room, text)), `<${displayName}> waves\n`);
    assert.equal(chat.reply(whispered(session, chat.session(3), text), 3), `${heard}\n`);
    assert.equal(chat.reply(whispered(chat.session(3), session, text), 3), `-> ${heard}\n`);
  }
});
