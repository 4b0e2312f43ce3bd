import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../../base/index.ts";
import {
  type ChatRecord,
  type Effect,
  type EffectOf,
  FIRST_ACCOUNT,
  type PolicyChange,
  type RefusalReason,
} from "../../chat/index.ts";
import {
  HISTORY,
  NOTHING,
  PlainChat,
  conversation,
  hi,
  nothing,
  whispered,
} from "../../../test/support/plainChat.ts";

test("a newcomer is welcomed, and told where it is", () => {
  const chat = new PlainChat();
  const arrive = (session: number): string => {
    chat.do({ kind: "seat", session, process: session, protocol: "plain", host: "" });
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

test("who proves an account, or loses it, is told so, and what it may do by that", () => {
  const chat = conversation();
  const person = FIRST_ACCOUNT;
  chat.do({ kind: "history", process: HISTORY });
  const account = (role: "user" | "moderator" | "operator" | undefined): ChatRecord => ({
    kind: "account",
    person,
    name: "alice",
    role,
  });
  chat.do(account("user"));
  const name = chat.session(1).nick;
  assert.notEqual(name, "alice");
  const login = (session: number): readonly Effect[] => chat.do({ kind: "login", session, person });
  const told = (effects: readonly Effect[], session: number): string[] =>
    effects.map((effect) => chat.reply(effect, session));
  assert.deepEqual(told(login(1), 1), [
    "-- you are logged in as alice\n",
    `-- ${name} is now known as alice\n`,
  ]);
  for (const [role, text] of [
    ["moderator", "a moderator of this server"],
    ["operator", "an operator of this server"],
  ] as const)
    assert.deepEqual(told(chat.do(account(role)), 1), [`-- you are ${text}\n`]);
  assert.deepEqual(told(chat.do(account("user")), 1), ["-- you have no part in running this server\n"]);
  // One more client of hers, which was somebody else in #lobby until now.
  const attached = login(3).filter(({ kind }) => kind === "attached");
  assert.deepEqual(told(attached, 3), ["-- you are logged in as alice, who is in #lobby, #dev\n"]);
  const who = chat.effect("replied", { kind: "ask", session: 3, question: "who", room: "" });
  assert.equal(chat.reply(who, 3), "-- 1 in #dev: @alice\n");
  for (const session of [1, 3])
    assert.equal(
      chat.reply(chat.effect("parted", { kind: "part", session: 3, room: "", text: nothing }), session),
      session === 1
        ? "-- you left #dev; you are in #lobby now\n"
        : "-- you left #lobby; you are in no room now; /join #lobby\n",
    );
  assert.deepEqual(told(chat.do(account(undefined)), 1), ["-- you are logged in no more\n"]);
});

test("who invites and is invited is told, and who asks to be", () => {
  const chat = conversation();
  chat.do({ kind: "mode", session: 1, room: "#dev", mode: "inviteOnly", on: true, target: "" });
  const knocked = chat.effect("knocked", { kind: "knock", session: 3, room: "#dev", text: nothing });
  assert.equal(chat.reply(knocked, 3), "-- those who run #dev know that you want to come in\n");
  const invited = chat.effect("invited", { kind: "invite", session: 1, room: "#dev", target: "bob" });
  assert.equal(chat.reply(invited, 1), "-- you invited bob to #dev\n");
  assert.equal(chat.reply(invited, 3), "-- alice invites you to #dev; /join #dev\n");
});

test("moderators are told what holds on the whole server", () => {
  const chat = conversation();
  chat.do({ kind: "history", process: HISTORY });
  chat.do({ kind: "account", person: FIRST_ACCOUNT, name: "mod", role: "moderator" });
  chat.do({ kind: "login", session: 1, person: FIRST_ACCOUNT });
  const police = (what: PolicyChange, on: boolean, value: string): string =>
    chat.reply(chat.effect("policySet", { kind: "police", session: 1, what, on, value }), 1);
  assert.equal(police("filter", true, "spam"), '-- alice lets nobody say "spam"\n');
  assert.equal(police("filter", false, "spam"), '-- alice lets "spam" be said again\n');
  assert.equal(police("links", true, "accounts"), "-- alice lets accounts send links\n");
  assert.equal(police("links", false, "everybody"), "-- alice lets everybody send links\n");
  assert.equal(police("silence", true, "bob"), "-- alice silenced bob\n");
  assert.equal(police("silence", false, "bob"), "-- alice lets bob speak again\n");
  const shield = "raised the shield: whoever comes without an account can only read";
  assert.equal(police("shield", true, ""), `-- alice ${shield}\n`);
  assert.equal(police("shield", false, ""), "-- alice lowered the shield\n");
  const fromOutside = chat.effect("policySet", { kind: "shield", on: true });
  assert.equal(chat.reply(fromOutside, 1), `-- whoever runs this server ${shield}\n`);
});

test("what nobody is to read is no line", () => {
  const chat = conversation();
  const [alice, bob] = [chat.session(1), chat.session(3)];
  assert.equal(chat.reply(whispered(alice, bob, nothing, "tag"), 3), NOTHING);
  // It was her real name that changed.
  assert.equal(chat.reply({ kind: "described", session: alice, previous: alice }, 1), NOTHING);
  assert.equal(chat.reply({ kind: "flagSet", session: alice, flag: "bot", on: true }, 1), NOTHING);
  assert.equal(
    chat.reply({ kind: "described", session: { ...alice, displayName: "Ålice" }, previous: alice }, 1),
    "-- alice is now known as Ålice (alice)\n",
  );
  assert.equal(chat.reply(whispered(alice, bob, hi, "act"), 3), "*alice* * hi 👋\n");
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
  const chat = new PlainChat();
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

  const empty = new PlainChat();
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
  nameReserved: ["bob", "the name bob is somebody's account; /identify bob PASSWORD if it is yours"],
  inviteOnly: ["#dev", "only who was invited may enter #dev"],
  needsAccount: ["#dev", "#dev is for those who have an account: /register PASSWORD makes one of your name"],
  wrongKey: ["#dev", "#dev needs a key: /join #dev KEY"],
  roomFull: ["#dev", "#dev is full"],
  alreadyInRoom: ["bob", "bob is in the room already"],
  roomOpen: ["#dev", "anybody may enter #dev; /join #dev"],
  tooSoon: ["#dev", "#dev is in slow mode: wait a little before you speak again"],
  filtered: ["#dev", "that was not sent: a word or a link in it is not allowed here"],
  silenced: ["#dev", "you may not speak on this server"],
  shielded: [
    "#dev",
    "for the moment, who has no account can only read; /register PASSWORD makes one of your name",
  ],
  noCtcp: ["#dev", "#dev wants no requests to programs"],
  notPrivileged: ["", "only those who moderate this server may do that"],
  outranked: ["bob", "bob has a higher rank than you"],
  badValue: ["soon", "soon cannot be set"],
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
  const refusal = (reason: RefusalReason): string =>
    chat.reply({ kind: "refused", session: chat.session(1), reason, about: "" }, 1);
  assert.equal(refusal("alreadySo"), "-- nothing to change: it is so already\n");
  assert.equal(refusal("tooManyRestrictions"), "-- there are too many of those already\n");
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
