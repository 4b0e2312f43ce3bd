import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeUtf8, encodeUtf8 } from "../../base/index.ts";
import { RECALL_MAX, ROOM_FLAGS, cleanDisplayName, isNick } from "../../chat/index.ts";
import { REPLAY_LINES, parseLine } from "./commands.ts";
import { cleanText } from "./text.ts";

type Plain = Record<string, unknown>;

/** With texts as strings, and of a wish the wish alone. */
function parse(line: string): Plain {
  const command = parseLine(encodeUtf8(line));
  const fields: Plain = command.kind === "wish" ? { ...command.wish } : { ...command };
  return fields["text"] instanceof Uint8Array ? { ...fields, text: decodeUtf8(fields["text"]) } : fields;
}

const here = "";
/** What /help begins a command's line with. */
const USAGE_COLUMNS = 24;

test("a line is said, without a copy; an empty or blank one is nothing", () => {
  const line = encodeUtf8("hello there ");
  const command = parseLine(line);
  assert.ok(command.kind === "say");
  assert.equal(command.text, line);
  assert.deepEqual(parse(" indented"), { kind: "say", text: " indented" });
  for (const blank of ["", " ", " \t "]) assert.deepEqual(parse(blank), { kind: "nothing" });
});

test("two slashes say one", () => {
  assert.deepEqual(parse("//quit"), { kind: "say", text: "/quit" });
  assert.deepEqual(parse("//"), { kind: "say", text: "/" });
});

test("commands are found in any case, and blanks around what follows them left out", () => {
  assert.deepEqual(parse("/me  waves "), { kind: "act", text: "waves" });
  assert.deepEqual(parse("/ME\twaves"), { kind: "act", text: "waves" });
  assert.deepEqual(parse("/who "), { kind: "ask", question: "who", room: here });
  assert.deepEqual(parse("/Join  dev "), { kind: "join", room: "#dev", replay: REPLAY_LINES });
});

const WISHES: readonly (readonly [line: string, wish: Plain])[] = [
  ["/join #dev", { kind: "join", room: "#dev", replay: REPLAY_LINES }],
  ["/join dev", { kind: "join", room: "#dev", replay: REPLAY_LINES }],
  ["/join 聊天", { kind: "join", room: "#聊天", replay: REPLAY_LINES }],
  // Whether it can be a room's name is decided where it is made.
  ["/join a,b", { kind: "join", room: "#a,b", replay: REPLAY_LINES }],
  ["/join #dev sesame", { kind: "join", room: "#dev", replay: REPLAY_LINES, key: "sesame" }],
  ["/part", { kind: "part", room: here, text: "" }],
  ["/part good night", { kind: "part", room: here, text: "good night" }],
  ["/part #dev", { kind: "part", room: "#dev", text: "" }],
  ["/part #dev  good night", { kind: "part", room: "#dev", text: "good night" }],
  ["/rooms", { kind: "ask", question: "rooms", room: here }],
  ["/who", { kind: "ask", question: "who", room: here }],
  ["/who #dev", { kind: "ask", question: "who", room: "#dev" }],
  ["/who dev", { kind: "ask", question: "who", room: "#dev" }],
  ["/msg bob hi  there", { kind: "whisper", to: "bob", text: "hi  there" }],
  ["/msg 小明\thi", { kind: "whisper", to: "小明", text: "hi" }],
  ['/msg "李 娜" hi', { kind: "whisper", to: "李 娜", text: "hi" }],
  ['/msg bob "quoted"', { kind: "whisper", to: "bob", text: '"quoted"' }],
  ["/notice the build is green", { kind: "notice", room: here, text: "the build is green" }],
  ["/topic", { kind: "ask", question: "topic", room: here }],
  ["/topic all of it", { kind: "topic", room: here, text: "all of it" }],
  ["/topic -", { kind: "topic", room: here, text: "" }],
  ["/topic - or not", { kind: "topic", room: here, text: "- or not" }],
  ["/away", { kind: "away", text: "" }],
  ["/away lunch", { kind: "away", text: "lunch" }],
  ["/history", { kind: "recall", room: here, limit: 20, before: 0 }],
  ["/history 1", { kind: "recall", room: here, limit: 1, before: 0 }],
  [`/history ${RECALL_MAX}`, { kind: "recall", room: here, limit: RECALL_MAX, before: 0 }],
  ['/search "a phrase" -not', { kind: "search", text: '"a phrase" -not', before: 0 }],
  ["/kick bob", { kind: "kick", room: here, target: "bob", text: "" }],
  ["/kick bob be nice", { kind: "kick", room: here, target: "bob", text: "be nice" }],
  ['/kick "李 娜" be nice', { kind: "kick", room: here, target: "李 娜", text: "be nice" }],
  ["/ban", { kind: "ask", question: "bans", room: here }],
  ["/ban bob", { kind: "ban", room: here, target: "bob", on: true }],
  ["/ban 李 娜", { kind: "ban", room: here, target: "李 娜", on: true }],
  ['/ban "李 娜"', { kind: "ban", room: here, target: "李 娜", on: true }],
  ["/unban bob", { kind: "ban", room: here, target: "bob", on: false }],
  ["/mute", { kind: "ask", question: "mutes", room: here }],
  ["/mute bob", { kind: "mute", room: here, target: "bob", on: true }],
  ["/unmute bob", { kind: "mute", room: here, target: "bob", on: false }],
  ["/op bob", { kind: "mode", room: here, mode: "operator", on: true, target: "bob" }],
  ["/deop bob", { kind: "mode", room: here, mode: "operator", on: false, target: "bob" }],
  ["/voice bob", { kind: "mode", room: here, mode: "voice", on: true, target: "bob" }],
  ["/devoice bob", { kind: "mode", room: here, mode: "voice", on: false, target: "bob" }],
  ["/mode +moderated", { kind: "mode", room: here, mode: "moderated", on: true, target: "" }],
  ["/mode -TopicLocked", { kind: "mode", room: here, mode: "topicLocked", on: false, target: "" }],
  ["/mode +secret", { kind: "mode", room: here, mode: "secret", on: true, target: "" }],
  ["/mode +inviteonly", { kind: "mode", room: here, mode: "inviteOnly", on: true, target: "" }],
  ["/mode -membersonly", { kind: "mode", room: here, mode: "membersOnly", on: false, target: "" }],
  ["/mode +accountsonly", { kind: "mode", room: here, mode: "accountsOnly", on: true, target: "" }],
  ["/mode +accountsspeak", { kind: "mode", room: here, mode: "accountsSpeak", on: true, target: "" }],
  ["/slow 30", { kind: "set", room: here, setting: "slowSeconds", value: "30" }],
  ["/slow 00", { kind: "set", room: here, setting: "slowSeconds", value: "" }],
  ["/invite bob", { kind: "invite", room: here, target: "bob" }],
  ['/invite "李 娜"', { kind: "invite", room: here, target: "李 娜" }],
  ["/filter +buy now", { kind: "police", what: "filter", on: true, value: "buy now" }],
  ["/filter -buy now", { kind: "police", what: "filter", on: false, value: "buy now" }],
  ["/links Accounts", { kind: "police", what: "links", on: true, value: "accounts" }],
  ["/links nobody", { kind: "police", what: "links", on: true, value: "nobody" }],
  ["/links everybody", { kind: "police", what: "links", on: false, value: "everybody" }],
  ["/silence bob", { kind: "police", what: "silence", on: true, value: "bob" }],
  ["/silence *!*@10.0.0.*", { kind: "police", what: "silence", on: true, value: "*!*@10.0.0.*" }],
  ["/unsilence bob", { kind: "police", what: "silence", on: false, value: "bob" }],
  ["/shield ON", { kind: "police", what: "shield", on: true, value: "" }],
  ["/shield off", { kind: "police", what: "shield", on: false, value: "" }],
  ["/nick Alice[m]", { kind: "nick", nick: "Alice[m]", displayName: "Alice[m]", derived: false }],
];

test("each command becomes a wish", () => {
  for (const [line, wish] of WISHES) {
    assert.equal(parseLine(encodeUtf8(line)).kind, "wish", line);
    assert.deepEqual(parse(line), wish, line);
  }
});

/** With a password: no wish, which would be in the log. */
const SECRETS: readonly (readonly [line: string, question: Plain])[] = [
  ["/register pa55word", { kind: "register", account: "", password: "pa55word" }],
  ["/identify pa55word", { kind: "check", account: "", password: "pa55word", as: "login" }],
  ["/identify bob  pa55word", { kind: "check", account: "bob", password: "pa55word", as: "login" }],
  ["/identify\tbob\tпароль", { kind: "check", account: "bob", password: "пароль", as: "login" }],
  ["/password old new", { kind: "changePassword", account: "", old: "old", password: "new" }],
  ["/drop pa55word", { kind: "drop", account: "", password: "pa55word" }],
];

test("what has a password in it is a question for the vault", () => {
  for (const [line, question] of SECRETS) assert.deepEqual(parse(line), { kind: "secret", question }, line);
});

test("leaving is no wish: the bytes that are read come first", () => {
  assert.deepEqual(parse("/quit"), { kind: "quit", text: "" });
  assert.deepEqual(parse("/quit see you"), { kind: "quit", text: "see you" });
});

test("wrong use is answered with what is right", () => {
  const long = "x".repeat(201);
  const cases = [
    ["/me", "/me TEXT: "],
    ["/notice", "/notice TEXT: "],
    ["/nick", "/nick NAME: "],
    ["/join", "/join #ROOM [KEY]: "],
    ["/join #a #b", "/join #ROOM [KEY]: "],
    ["/join #a key more", "/join #ROOM [KEY]: "],
    [`/join #a ${"k".repeat(33)}`, "/join #ROOM [KEY]: "],
    [`/join ${long}`, "/join #ROOM [KEY]: "],
    [`/part #${long}`, "/part [#ROOM] [TEXT]: "],
    ["/rooms #dev", "/rooms: "],
    ["/who alice bob", "/who [#ROOM]: "],
    ["/msg", "/msg NAME TEXT: "],
    ["/msg bob", "/msg NAME TEXT: "],
    ['/msg "" hi', "/msg NAME TEXT: "],
    ['/msg "bob hi', "/msg NAME TEXT: "],
    [`/msg ${long} hi`, "/msg NAME TEXT: "],
    ["/history 0", "/history [N]: "],
    [`/history ${RECALL_MAX + 1}`, "/history [N]: "],
    ["/history -1", "/history [N]: "],
    ["/history all", "/history [N]: "],
    ["/search", "/search WORDS: "],
    ["/kick", "/kick NAME [TEXT]: "],
    [`/kick ${long}`, "/kick NAME [TEXT]: "],
    [`/ban ${long}`, "/ban [NAME]: "],
    ["/unban", "/unban NAME: "],
    ["/unmute", "/unmute NAME: "],
    ["/op", "/op NAME: "],
    [`/deop ${long}`, "/deop NAME: "],
    ["/voice", "/voice NAME: "],
    ["/devoice", "/devoice NAME: "],
    ["/mode", "/mode +WHAT or -WHAT: "],
    ["/mode moderated", "/mode +WHAT or -WHAT: "],
    ["/mode +operator", "/mode +WHAT or -WHAT: "],
    ["/mode +constructor", "/mode +WHAT or -WHAT: "],
    ["/slow", "/slow SECONDS: "],
    ["/slow -1", "/slow SECONDS: "],
    ["/slow 100000", "/slow SECONDS: "],
    ["/invite", "/invite NAME: "],
    ["/register", "/register PASSWORD: "],
    ["/register two words", "/register PASSWORD: "],
    [`/register ${"x".repeat(501)}`, "/register PASSWORD: "],
    ["/identify", "/identify [NAME] PASSWORD: "],
    ["/identify a b c", "/identify [NAME] PASSWORD: "],
    ["/password", "/password OLD NEW: "],
    ["/password one", "/password OLD NEW: "],
    ["/password a b c", "/password OLD NEW: "],
    ["/drop", "/drop PASSWORD: "],
    ["/drop a b", "/drop PASSWORD: "],
    ["/filter", "/filter + or -WORD: "],
    ["/filter word", "/filter + or -WORD: "],
    [`/filter +${long}`, "/filter + or -WORD: "],
    ["/links", "/links WHO: "],
    ["/links constructor", "/links WHO: "],
    ["/silence", "/silence NAME: "],
    [`/unsilence ${long}`, "/unsilence NAME: "],
    ["/shield", "/shield on or off: "],
    ["/shield up", "/shield on or off: "],
    ["/help shout", "/help [COMMAND]: "],
    ["/shout hi", "there is no command /shout; /help lists them, and //text says /text"],
    ["/constructor", "there is no command /constructor; "],
    ["/", "there is no command /; /help "],
  ] as const;
  for (const [line, reply] of cases) {
    const command = parse(line);
    assert.equal(command["kind"], "wrong", line);
    assert.equal(String(command["reply"]).slice(0, reply.length), reply);
  }
});

test("wrong use of a password is answered without it", () => {
  for (const line of ["/register two words", "/identify a b words", "/password words", "/drop two words"])
    assert.doesNotMatch(String(parse(line)["reply"]), /words/, line);
});

test("the answer to a long wrong command is short", () => {
  assert.ok(String(parse(`/${"é".repeat(2000)}`)["reply"]).length < 120);
});

test("/help lists every command, in lines of the server's, and tells of one", () => {
  const lines = String(parse("/help")["text"]).split("\n");
  assert.equal(lines.pop(), "");
  for (const line of lines) {
    assert.match(line, /^-- \S.{20}[^\n]+$/);
    assert.ok(line.length <= 80, `on a terminal of 80 columns this takes two rows: ${line}`);
  }
  const told = [...WISHES, ...SECRETS].map(([line]) => line.split(/\s/)[0]!);
  for (const name of new Set([...told, "/help", "/me", "/quit", "//text"])) {
    const [line, ...others] = lines.filter((each) => `${each} `.includes(`${name} `));
    assert.ok(line !== undefined, `/help does not tell of ${name}`);
    if (name === "//text") continue;
    assert.equal(others.filter((each) => each.startsWith(`-- ${name} `)).length, 0, name);
    const told = String(parse(`/help ${name.slice(1)}`)["text"]);
    assert.match(told, /^[^\n]+\n$/);
    assert.equal(told.slice(0, USAGE_COLUMNS), line.slice(0, USAGE_COLUMNS));
    assert.ok(told.length > line.length, `/help ${name} tells less than /help`);
    for (const asked of [name, name.toUpperCase()])
      assert.deepEqual(parse(`/help ${asked}`), { kind: "help", text: told });
  }
  assert.match(String(parse("/help search")["text"]), /before:/);
  const modes = String(parse("/help mode")["text"]);
  for (const flag of ROOM_FLAGS) assert.ok(modes.includes(`${flag.toLowerCase()} (`), flag);
});

test("from a name in any script a nick is derived", () => {
  const cases = [
    ["小明", "user"],
    ["Zoë", "Zoe"],
    ["Ана Ann 2", "Ann2"],
    ["9 žluťoučký kůň", "zlutouckykun"],
    ["ｗｉｄｅ", "wide"],
    ["é".repeat(32), "e".repeat(24)],
    ["👩‍👩‍👧", "user"],
    ["❤️", "user"],
  ] as const;
  for (const [name, nick] of cases) {
    assert.ok(isNick(nick) && cleanDisplayName(name) !== undefined);
    assert.deepEqual(parse(`/nick ${name}`), { kind: "nick", nick, displayName: name, derived: true });
  }
});

test("names that look the same are the same name", () => {
  assert.equal(parse("/nick Zoe\u0308")["displayName"], "Zoë");
  assert.equal(parse("/nick 小  明")["displayName"], "小 明");
  assert.equal(parse("/nick 小\u3000明")["displayName"], "小 明");
});

test("what cannot be a name is answered with what can", () => {
  const wrong = ["", "1st", "Alice Smith", "x".repeat(25), "小".repeat(33), "a\ufffdé"];
  const deceptive = [
    "guest1\u200b",
    "guest1\u200d",
    "\u200b",
    "é\u00adé",
    "alice\ufe0f",
    "é> hi <bob",
    "\u3164",
    "\u2800",
    "\u0301",
  ];
  for (const name of [...wrong, ...deceptive]) {
    const command = parse(`/nick ${name}`);
    assert.equal(command["kind"], "wrong", JSON.stringify(name));
    assert.match(String(command["reply"]), /^\/nick NAME: /);
  }
});

test("whatever is typed, what a record has for a name or a room fits its field", () => {
  const commands = [...new Set(WISHES.map(([line]) => line.split(" ")[0]!))];
  const word = fc.oneof(
    fc.constantFrom('"', "#", "-", "+secret", "20", '"a b"', "  ", "x".repeat(300), "小".repeat(100)),
    fc.string({ unit: "grapheme", maxLength: 250 }),
  );
  const line = fc
    .tuple(fc.constantFrom(...commands), fc.array(word, { maxLength: 4 }))
    .map(([command, words]) => `${command} ${words.join(" ")}`);
  fc.assert(
    fc.property(line, (line) => {
      const bytes = encodeUtf8(line);
      const command = parseLine(cleanText(bytes, 0, bytes.length));
      if (command.kind !== "wish") return;
      assert.ok(!("session" in command.wish));
      for (const [field, value] of Object.entries(command.wish)) {
        if (typeof value === "string") assert.ok(encodeUtf8(value).length <= 201, field);
        if (typeof value === "number") assert.ok(value >= 0 && value <= RECALL_MAX, field);
      }
    }),
    { numRuns: 2000 },
  );
});
