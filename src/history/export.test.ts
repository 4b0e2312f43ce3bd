import assert from "node:assert/strict";
import { test } from "node:test";
import { ALICE, BOB, NO_EXTRAS } from "../../test/support/history.ts";
import { type ExportFormat, type NamedEntry, formatEntries } from "./index.ts";

const TIME_MS = Date.UTC(2026, 10, 25, 6, 12, 22, 7);

function named(other: Partial<NamedEntry>): NamedEntry {
  const plain = { sequence: 4294967296, timeMs: TIME_MS, kind: "say", rooms: ["#lobby"], ...ALICE } as const;
  return { ...plain, ...NO_EXTRAS, peer: undefined, text: "hi", ...other };
}

function lines(format: ExportFormat, ...entries: readonly NamedEntry[]): string[] {
  return Array.from(formatEntries(entries, format));
}

test("text: a line for each entry, as people read it", () => {
  const cases: readonly (readonly [Partial<NamedEntry>, string])[] = [
    [{}, "#lobby <alice> hi"],
    [{ displayName: "小明" }, "#lobby <小明> hi"],
    [{ kind: "act", text: "waves" }, "#lobby * alice waves"],
    [{ kind: "notice" }, "#lobby -alice- hi"],
    [{ kind: "whisper", rooms: [], peer: BOB }, "(private) <alice to Bob B> hi"],
    [{ kind: "whisperAct", rooms: [], peer: BOB, text: "nods" }, "(private) * alice to Bob B: nods"],
    [{ kind: "whisperNotice", rooms: [], peer: BOB }, "(private) -alice to Bob B- hi"],
    [
      { kind: "whisperTag", rooms: [], peer: BOB, text: "", tags: "+react=x" },
      "(private) -- alice reacted, to Bob B: +react=x",
    ],
    [{ kind: "tag", text: "", tags: "+draft/react=👍" }, "#lobby -- alice reacted: +draft/react=👍"],
    [{ kind: "redact", text: "4711" }, "#lobby -- alice deleted entry 4711"],
    [{ kind: "redact", text: "4711 no ads" }, "#lobby -- alice deleted entry 4711: no ads"],
    [{ kind: "redact", rooms: [], peer: BOB, text: "4" }, "(private) -- alice deleted entry 4"],
    [{ kind: "topic", text: "spring" }, "#lobby -- alice set the topic: spring"],
    [{ kind: "topic", text: "" }, "#lobby -- alice took the topic away"],
    [{ kind: "join", text: "" }, "#lobby -- alice joined"],
    [{ kind: "part", text: "" }, "#lobby -- alice left the room"],
    [{ kind: "leave", rooms: ["#a", "#b"], text: "bye" }, "#a,#b -- alice left: bye"],
    [{ kind: "leave", rooms: [], text: "" }, "(no room) -- alice left"],
    [{ kind: "nick", peer: BOB, text: "" }, "#lobby -- alice is now called Bob B"],
    [{ kind: "kick", peer: BOB, text: "spam" }, "#lobby -- alice kicked Bob B: spam"],
    [{ kind: "mode", text: "+m" }, "#lobby -- alice set mode +m"],
    [{ text: "one\r\ntwo\u001b[31m\u2028three" }, "#lobby <alice> one  two [31m three"],
  ];
  for (const [other, line] of cases)
    assert.deepEqual(lines("text", named(other)), [`2026-11-25 06:12:22 ${line}\n`]);
});

test("json: one object on each line, its fields in this order", () => {
  assert.deepEqual(lines("json", named({}), named({ kind: "whisper", rooms: [], peer: BOB, text: 'a"\n' })), [
    '{"sequence":4294967296,"time":"2026-11-25T06:12:22.007Z","kind":"say","rooms":["#lobby"],"session":5,' +
      '"nick":"alice","displayName":"alice","text":"hi"}\n',
    '{"sequence":4294967296,"time":"2026-11-25T06:12:22.007Z","kind":"whisper","rooms":[],"session":5,' +
      '"nick":"alice","displayName":"alice","peer":{"session":6,"nick":"bob","displayName":"Bob B"},' +
      '"text":"a\\"\\n"}\n',
  ]);
});

test("json: tags, account and address only where there are any", () => {
  const [line] = lines("json", named({ tags: "+draft/reply=47", account: "Alice", address: "al@home" }));
  assert.match(line!, /,"text":"hi","tags":"\+draft\/reply=47","account":"Alice","address":"al@home"}\n$/);
  assert.match(lines("json", named({ address: "al@" }))[0]!, /,"text":"hi","address":"al@"}\n$/);
});

test("csv: by RFC 4180, to the letter", () => {
  const entries = [
    named({ text: '=1+1, "x"\r\ny', rooms: ["#a", "#b"], kind: "leave" }),
    named({ kind: "whisper", rooms: [], peer: BOB }),
    named({ tags: "+react=a,b", account: "Alice", address: "al@home" }),
  ];
  assert.deepEqual(lines("csv", ...entries), [
    "sequence,time,kind,rooms,session,nick,display_name,peer_session,peer_nick,peer_display_name,text," +
      "tags,account,address\r\n",
    '4294967296,2026-11-25T06:12:22.007Z,leave,#a #b,5,alice,alice,,,,"=1+1, ""x""\r\ny",,,\r\n',
    "4294967296,2026-11-25T06:12:22.007Z,whisper,,5,alice,alice,6,bob,Bob B,hi,,,\r\n",
    '4294967296,2026-11-25T06:12:22.007Z,say,#lobby,5,alice,alice,,,,hi,"+react=a,b",Alice,al@home\r\n',
  ]);
});
