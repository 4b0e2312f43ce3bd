import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cleanDisplayName, cleanRoomName, deriveNick, foldNick, isNick, isServiceName } from "./index.ts";

const refused = undefined;

/** Escapes for what is not ASCII, so that a failure says which characters it was. */
function spell(text: string): string {
  return Array.from(text, (character) =>
    /[ -~]/.test(character) ? character : `\\u{${character.codePointAt(0)!.toString(16)}}`,
  ).join("");
}

/** Letters, marks and everything that has ever been used to deceive. */
const suspects = fc.constantFrom(
  ..."aIl1|_-.,# \t<>[^~éßİıſΣςаІВ0Оオｱ中한\u1100\u1161\u11a8\u0301\u0308\u0323\u0345\u094d\u0915\u200c\u200d\ufe0f",
  ..."\u200b\u202e\u00ad\u034f\u2800\u3164\u3000\u00a0＜１Ａﬁ℡①❤☺🏽👩🇩\u{1d41a}\u{e0061}\u0627\u0628",
);
const names = fc.oneof(
  fc.array(suspects, { maxLength: 12 }).map((characters) => characters.join("")),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.string({ unit: "grapheme", maxLength: 12 }),
);

test("a nick is ASCII by IRC's grammar, of 1 to 24 characters", () => {
  for (const nick of ["a", "guest1", "[x]", "_-_", "^", "{|}`\\", "a".repeat(24)])
    assert.equal(isNick(nick), true, nick);
  for (const nick of ["", "1a", "-a", "a b", "naïve", "小明", "a\n", "a~", "a.b", "a".repeat(25)])
    assert.equal(isNick(nick), false, nick);
});

test("nicks are folded as rfc1459 says, and other scripts left alone", () => {
  assert.equal(foldNick("AZaz09[\\]^_"), "azaz09{|}~_");
  assert.equal(foldNick("ÄÖ小İ😀"), "ÄÖ小İ😀");
});

test("what a text means as a display name", () => {
  const cases: readonly (readonly [text: string, name: string | undefined])[] = [
    ["Alice[m]", "Alice[m]"],
    [" alice\t", "alice"],
    ["小明", "小明"],
    ["小\u3000 \u00a0明 ", "小 明"],
    ["Zoe\u0308", "Zoë"],
    ["\u1112\u1161\u11ab", "한"],
    ["é".repeat(32), "é".repeat(32)],
    ["e\u0301".repeat(32), "é".repeat(32)],
    // ASCII that is no nick.
    ["", refused],
    ["Alice Smith", refused],
    ["1st", refused],
    ["\u00a01st", refused],
    ["\u3000alice", "alice"],
    ["é".repeat(33), refused],
    ["é".repeat(1000), refused],
    ["é\ud800", refused],
    // Not seen.
    ["alice\u200b", refused],
    ["é\u200b", refused],
    ["é\u2060", refused],
    ["é\ufeff", refused],
    ["é\u00adé", refused],
    ["é\u034f", refused],
    ["é\u115f", refused],
    ["\u3164", refused],
    ["é\uffa0", refused],
    ["\u2800", refused],
    ["é\u{1d159}", refused],
    ["é\u{e0061}", refused],
    ["é\u180e", refused],
    ["é\u17b4", refused],
    ["é\ufe01", refused],
    ["é\u{e0100}", refused],
    // Turns the direction of text, or is a control, private, lost or not assigned.
    ["\u202eécila", refused],
    ["é\u200f", refused],
    ["é\u061c", refused],
    ["é\u2067", refused],
    ["é\nb", refused],
    ["é\u0085b", refused],
    ["é\u2028b", refused],
    ["é\ue000", refused],
    ["é\u{10fffd}", refused],
    ["é\ufffd", refused],
    ["é\ufffc", refused],
    ["é\u0378", refused],
    ["é\uffff", refused],
    // Angle brackets, and what looks like them.
    ["é> hi <bob", refused],
    ["é＞ hi ＜bob", refused],
    ["é› hi ‹bob", refused],
    ["é≮", refused],
    ["é》", "é》"],
    // Marks.
    ["\u0301é", refused],
    ["é \u0301é", refused],
    ["\u0903\u0915", refused],
    ["z\u0301\u0302\u0303\u0304", "ź\u0302\u0303\u0304"],
    ["z\u0335\u0301\u0302\u0303\u0304\u0306", refused],
    ["x\u0301\u0301", refused],
    ["Nguyễn Thị", "Nguyễn Thị"],
    ["မြို့", "မြို့"],
    ["ทั้งนี้", "ทั้งนี้"],
    ["नमस्ते", "नमस्ते"],
    ["1\u20e3", "1\u20e3"],
    // Joiners.
    ["é\u200d", refused],
    ["é\u200dé", refused],
    ["é\u200cé", refused],
    ["\u200d中", refused],
    ["中\u200c文", refused],
    ["می\u200cخواهم", "می\u200cخواهم"],
    ["می\u200c", refused],
    ["می\u200dخ", refused],
    ["क्\u200dष", "क्\u200dष"],
    ["क्\u200cष", "क्\u200cष"],
    ["क\u200cष", refused],
    ["ന്\u200d", "ന്\u200d"],
    // Pictures.
    ["👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"],
    ["👩🏽\u200d🚀", "👩🏽\u200d🚀"],
    ["🏳\ufe0f\u200d🌈", "🏳\ufe0f\u200d🌈"],
    ["❤\ufe0f", "❤\ufe0f"],
    ["❤\ufe0f\ufe0f", refused],
    ["❤\u200d", refused],
    ["🇩🇪", "🇩🇪"],
    ["alice\ufe0f", refused],
    ["é\ufe0f", refused],
    ["🏴\u{e0067}\u{e0062}\u{e007f}", refused],
    // Scripts in one word.
    ["аlice", refused],
    ["alicе", refused],
    ["pαypal", refused],
    ["Ана Ann", "Ана Ann"],
    ["Ана-Ann", "Ана-Ann"],
    ["раураl", refused],
    ["раура\u04cf", "раура\u04cf"],
    ["aliceآ", refused],
    ["alicé\u17d2", refused],
    ["é\u064b", refused],
    ["Հե\u0302", "Հե\u0302"],
    ["ＡＢな漢カー", "ＡＢな漢カー"],
    ["Kim김金", "Kim김金"],
    ["ㄅ漢b", "ㄅ漢b"],
    ["ㄅ김", refused],
    ["ｱな김", refused],
    ["ⅷ世", "ⅷ世"],
    ["Ὀδυσσεύς", "Ὀδυσσεύς"],
    ["\u{1d41a}\u{1d425}", "\u{1d41a}\u{1d425}"],
  ];
  for (const [text, name] of cases) assert.equal(cleanDisplayName(text), name, spell(text));
});

test("what a text means as a room's name", () => {
  const cases: readonly (readonly [text: string, name: string | undefined])[] = [
    ["#lobby", "#lobby"],
    ["#Lobby", "#lobby"],
    ["#a.b-c_d+e", "#a.b-c_d+e"],
    ["##c++", "##c++"],
    ["#[A]\\^", "#{a}|~"],
    ["#［Ａ］", "#{a}"],
    ["#ＡＢＣ", "#abc"],
    ["#Straße", "#strasse"],
    ["#STRASSE", "#strasse"],
    ["#Zoe\u0308", "#zoë"],
    ["#ΣΟΦΟΣ", "#σοφοσ"],
    ["#σοφος", "#σοφοσ"],
    ["#ЧАТ", "#чат"],
    ["#ﬁsh", "#fish"],
    ["#℡", "#tel"],
    ["#雑談", "#雑談"],
    ["#col·lecció", "#col·lecció"],
    ["#🎉", "#🎉"],
    ["#❤\ufe0f", "#❤"],
    ["#👩\u200d🚀", "#👩\u200d🚀"],
    ["#42", "#42"],
    ["#" + "a".repeat(50), "#" + "a".repeat(50)],
    ["#" + "雑".repeat(21), "#" + "雑".repeat(21)],
    ["#" + "a".repeat(51), refused],
    ["#" + "雑".repeat(22), refused],
    ["#" + "ﷺ".repeat(4), refused],
    ["#" + "é".repeat(1000), refused],
    ["", refused],
    ["#", refused],
    ["lobby", refused],
    ["＃lobby", refused],
    ["#-", refused],
    ["#a b", refused],
    ["#a\u00a0b", refused],
    ["#a,b", refused],
    ["#a，b", refused],
    ["#a:b", refused],
    ["#a*", refused],
    ["#<a>", refused],
    ["#´", refused],
    ["#a\u0007", refused],
    ["#a\nb", refused],
    ["#a\ud800", refused],
    ["#\u0301a", refused],
    ["#lobby\u200b", refused],
    ["#lobby\u00ad", refused],
    ["#lobby\ufe0f", refused],
    ["#\ufe0fa", refused],
    ["#é\u3164", refused],
    ["#\u202eé", refused],
    ["#“é”", refused],
    ["#lоbby", refused],
  ];
  for (const [text, name] of cases) assert.equal(cleanRoomName(text), name, spell(text));
});

test("the ASCII of a display name", () => {
  const cases = [
    ["小明", "user"],
    ["Zoë", "Zoe"],
    ["Ана Ann 2", "Ann2"],
    ["9 žluťoučký kůň", "zlutouckykun"],
    ["ｗｉｄｅ", "wide"],
    ["\u{1d41a}\u{1d425}", "al"],
    ["é".repeat(32), "e".repeat(24)],
    ["👩\u200d👩\u200d👧", "user"],
    ["-1é", "e"],
  ] as const;
  for (const [name, nick] of cases) assert.equal(deriveNick(name), nick, spell(name));
});

test("what has been cleaned is clean, fits, and a nick can be derived from it", () => {
  let clean = 0;
  fc.assert(
    fc.property(names, (text) => {
      const name = cleanDisplayName(text);
      if (name === undefined) return;
      clean += 1;
      assert.equal(cleanDisplayName(name), name);
      assert.ok(isNick(deriveNick(name)));
      assert.equal(name.normalize("NFC"), name);
    }),
    { numRuns: 3000 },
  );
  assert.ok(clean > 100, `only ${clean} names were clean`);
});

test("a room that has been cleaned is clean, fits, and has one spelling", () => {
  let clean = 0;
  fc.assert(
    fc.property(names, (text) => {
      const name = cleanRoomName(`#${text}`);
      if (name === undefined) return;
      clean += 1;
      assert.equal(cleanRoomName(name), name);
      assert.ok(Buffer.byteLength(name) <= 64);
      assert.doesNotMatch(name, /[\s,\p{Cc}]/u);
      for (const other of [text.normalize("NFD"), text.normalize("NFKC"), text.toLowerCase().normalize()])
        assert.equal(cleanRoomName(`#${other}`), name);
    }),
    { numRuns: 3000 },
  );
  assert.ok(clean > 100, `only ${clean} names were clean`);
});

test("a service is what people may take for one, however they address it", () => {
  const services = ["NickServ", "chanserv", "AuthServ", "SaslServ", "Serv", "x[]Serv"];
  const addressed = [
    "NickServ@services.example",
    "NickServ!x@y",
    "NickServ.",
    "Q@CServe.example",
    "X@services",
  ];
  for (const name of [...services, ...addressed]) assert.ok(isServiceName(name), name);
  for (const name of [
    "observer",
    "serve",
    "NickServ2",
    "小Serv",
    "alice@host.example",
    "Q",
    "#conserv",
    "+#conserv",
    "alice!nickserv@x",
  ])
    assert.ok(!isServiceName(name), name);
});
