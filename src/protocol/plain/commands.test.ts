import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeUtf8, encodeUtf8 } from "../../base/index.ts";
import { isDisplayName, isNick } from "../../chat/index.ts";
import { helpText, parseLine } from "./index.ts";

function parse(line: string): Record<string, unknown> {
  const command = parseLine(encodeUtf8(line));
  return "text" in command ? { ...command, text: decodeUtf8(command.text) } : { ...command };
}

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
  assert.deepEqual(parse("/who "), { kind: "who" });
  assert.deepEqual(parse("/help"), { kind: "help" });
  assert.deepEqual(parse("/quit"), { kind: "quit", text: "" });
  assert.deepEqual(parse("/quit see you"), { kind: "quit", text: "see you" });
});

test("an ASCII nick is the name that is shown, too", () => {
  assert.deepEqual(parse("/nick Alice[m]"), {
    kind: "nick",
    nick: "Alice[m]",
    displayName: "Alice[m]",
    derived: false,
  });
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
    assert.ok(isNick(nick) && isDisplayName(name));
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

test("unknown commands and wrong use are answered with what is right", () => {
  assert.match(String(parse("/shout hi")["reply"]), /no command \/shout.*\/help.*\/\/text/);
  assert.match(String(parse("/")["reply"]), /\/help/);
  assert.match(String(parse("/constructor")["reply"]), /no command/);
  assert.match(String(parse("/me")["reply"]), /^\/me TEXT: /);
  assert.match(String(parse("/who alice")["reply"]), /^\/who: /);
  assert.match(String(parse("/help nick")["reply"]), /^\/help: /);
});

test("the answer to a long wrong command is short", () => {
  assert.ok(String(parse(`/${"é".repeat(2000)}`)["reply"]).length < 120);
});

test("/help lists every command, in lines of the server's", () => {
  const lines = decodeUtf8(helpText).split("\n");
  assert.equal(lines.pop(), "");
  for (const line of lines) assert.match(line, /^-- /);
  for (const name of ["/help", "/nick NAME", "/who", "/me TEXT", "/quit [TEXT]", "//text"])
    assert.ok(
      lines.some((line) => line.includes(name)),
      name,
    );
});
